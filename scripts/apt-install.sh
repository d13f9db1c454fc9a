#!/bin/sh
# Install Debian packages if that needs no question: as root, or in CI with a sudo that asks nothing.
# `scripts/apt-install.sh PACKAGE…`; exit code 1 when they could not be installed.
set -eu
command -v apt-get >/dev/null || exit 1
if [ "$(id -u)" = 0 ]; then
    as_root=
elif [ -n "${CI:-}" ] && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    exit 1
fi
printf 'twinstream: installing the Debian packages: %s\n' "$*" >&2
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! $install "$@" >"$log" 2>&1 </dev/null; then
    $as_root apt-get update -qq >>"$log" 2>&1 </dev/null && $install "$@" >>"$log" 2>&1 </dev/null || {
        tail -n 3 "$log" >&2
        exit 1
    }
fi
