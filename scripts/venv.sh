#!/bin/sh
# Create .venv and install the package with one of its sets of requirements: `scripts/venv.sh server|dev`.
# Done once for each state of pyproject.toml and requirements.lock, and again where somebody has replaced the package by a
# copy of it (`pip install .`), which would stay as it is when the sources change; `dev` includes `server`.
set -eu
cd "$(dirname "$0")/.."
want=$1
stamp=.venv/installed
log=.venv/install.log

say() { printf 'twinstream: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

state=$(pwd; cat pyproject.toml requirements.lock)
state=$(printf '%s' "$state" | cksum)
is_ours='import os, sys, twinstream; sys.exit(not os.path.samefile(os.path.dirname(twinstream.__file__), "src/twinstream"))'
if [ -f "$stamp" ] && .venv/bin/python -I -c "$is_ours" 2>/dev/null; then
    case "$(cat "$stamp")" in "$state $want" | "$state dev") exit 0 ;; esac
fi

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and '${PYTHON:-python3}' is not: name one with make PYTHON=/path/to/python3"
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
        scripts/apt-install.sh "$package" || true
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "this Python has no venv module; install it with: sudo apt-get install $package"
    fi
    say "creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

if [ "$want" = dev ]; then extras=server,collector,parquet,dev; else extras=server,collector; fi
say "installing what it needs, once"
if ! .venv/bin/pip install --quiet --no-input --disable-pip-version-check -c requirements.lock -e ".[$extras]" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "the installation failed; all of its output is in $log. Is the package index reachable?"
fi
printf '%s' "$state $want" >"$stamp"
