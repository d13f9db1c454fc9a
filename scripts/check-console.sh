#!/bin/sh
# Check the types of the console's modules, which are in their JSDoc comments, with TypeScript and the types of the
# vendored packages, in the versions that are vendored: `scripts/check-console.sh`, by hand. Needs Node, and npm the
# first time; what it installs is kept in a cache folder.
set -eu
cd "$(dirname "$0")/.."
console=$PWD/src/twinstream/web/console
vendor=src/twinstream/web/vendor/console
types=${XDG_CACHE_HOME:-$HOME/.cache}/twinstream/console-types
mkdir -p "$types/vendor"
wanted="typescript@5.9.3 $(cat $vendor/preact.VERSION.txt $vendor/htm.VERSION.txt $vendor/uplot.VERSION.txt | tr '\n' ' ')"
if [ "$(cat "$types/wanted" 2>/dev/null)" != "$wanted" ]; then
    # shellcheck disable=SC2086  # words on purpose
    npm install --silent --no-save --no-audit --no-fund --prefix "$types" $wanted
    printf '%s' "$wanted" >"$types/wanted"
fi

# The console imports vendored files beside it; to TypeScript these stand in for them.
echo 'export * from "preact";' >"$types/vendor/preact.d.ts"
echo 'export * from "preact/hooks";' >"$types/vendor/hooks.d.ts"
echo 'import htm from "htm"; export default htm;' >"$types/vendor/htm.d.ts"
echo 'import uPlot from "uplot"; export default uPlot;' >"$types/vendor/uplot.d.ts"
echo 'declare const path: string; export default path;' >"$types/vendor/land.d.ts"
cat >"$types/tsconfig.json" <<END
{
  "compilerOptions": {
    "allowJs": true, "checkJs": true, "noEmit": true, "strict": true, "noUnusedLocals": true, "noUnusedParameters": true,
    "target": "ES2022", "module": "ES2022", "moduleResolution": "bundler", "lib": ["ES2023", "DOM", "DOM.Iterable"],
    "skipLibCheck": true, "types": [], "rootDirs": ["$console", "$types"]
  },
  "files": ["$console/main.js"]
}
END
"$types/node_modules/.bin/tsc" --project "$types/tsconfig.json"
