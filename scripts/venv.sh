#!/bin/sh
# Create .venv and install the package with one of its sets of requirements: `scripts/venv.sh server|dev`.
# Done once for each state of pyproject.toml and requirements.lock; `dev` includes `server`.
set -eu
cd "$(dirname "$0")/.."
want=$1
stamp=.venv/installed
log=.venv/install.log

say() { printf 'twinstream: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

state=$(pwd; cat pyproject.toml requirements.lock)
state=$(printf '%s' "$state" | cksum)
if [ -f "$stamp" ] && .venv/bin/python -c '' 2>/dev/null; then
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
say "installing what it needs, this first time only"
if ! .venv/bin/pip install --quiet --no-input --disable-pip-version-check -c requirements.lock -e ".[$extras]" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "the installation failed; all of its output is in $log. Is the package index reachable?"
fi
printf '%s' "$state $want" >"$stamp"
