#!/bin/sh
# Fetch the files of others that the wheel carries: `scripts/vendor.sh`, by hand, when a version here changes.
# Where packages come from is the business of npm's own settings; the result is committed.
set -eu
cd "$(dirname "$0")/.."
swagger_ui=swagger-ui-dist@5.35.0
into=src/twinstream/web/vendor/swagger-ui
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && tar -xzf "$(npm pack --silent "$swagger_ui" | tail -n 1)")
mkdir -p "$into"
rm -f "$into"/*
for file in swagger-ui-bundle.js swagger-ui.css swagger-ui-bundle.js.LICENSE.txt; do
    sed '/^\(\/\/# sourceMappingURL=.*\|\/\*# sourceMappingURL=.*\*\/\)$/d' "$work/package/$file" >"$into/$file"
done
cp "$work/package/LICENSE" "$into/swagger-ui.LICENSE.txt"
cp "$work/package/NOTICE" "$into/swagger-ui.NOTICE.txt"
printf '%s\n' "$swagger_ui" >"$into/swagger-ui.VERSION.txt"

# The console: modules that import one another by file name, so that pages need neither a build nor an import map.
into=src/twinstream/web/vendor/console
mkdir -p "$into"
rm -f "$into"/*
vendor() { # package@version, a name for its notices, then pairs FILE=NAME
    package=$1
    name=$2
    shift 2
    (cd "$work" && rm -rf package && tar -xzf "$(npm pack --silent "$package" | tail -n 1)")
    for pair in "$@"; do
        sed -e '/^\(\/\/# sourceMappingURL=.*\)$/d' -e 's/from"preact"/from".\/preact.js"/g' \
            "$work/package/${pair%%=*}" >"$into/${pair#*=}"
    done
    cp "$work/package/LICENSE" "$into/$name.LICENSE.txt"
    printf '%s\n' "$package" >"$into/$name.VERSION.txt"
}
vendor preact@11.2.0 preact dist/preact.mjs=preact.js hooks/dist/hooks.mjs=hooks.js
vendor htm@3.1.1 htm dist/htm.mjs=htm.js
vendor uplot@1.6.32 uplot dist/uPlot.esm.js=uplot.js dist/uPlot.min.css=uplot.css
vendor world-atlas@2.0.2 land land-110m.json=land.json
(cd "$work" && rm -rf package && tar -xzf "$(npm pack --silent topojson-client@3.1.0 | tail -n 1)")
node scripts/draw_land.mjs "$work/package/dist/topojson-client.js" "$into/land.json" >"$into/land.js"
rm "$into/land.json"
printf '%s\n' 'The shapes are Natural Earth (naturalearthdata.com), which is in the public domain.' >>"$into/land.LICENSE.txt"

# For a test alone: the JSON schema that AsyncAPI documents fulfil.
asyncapi_specs=@asyncapi/specs@6.11.1
(cd "$work" && rm -rf package && tar -xzf "$(npm pack --silent "$asyncapi_specs" | tail -n 1)")
mkdir -p tests/web/vendor
cp "$work/package/schemas/3.0.0.json" tests/web/vendor/asyncapi-3.0.0.json
cp "$work/package/LICENSE" tests/web/vendor/asyncapi.LICENSE.txt
