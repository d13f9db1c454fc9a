#!/bin/sh
# Run every check of the code; all of them, even if an early one fails. Exit code 1 if any failed.
set -u
cd "$(dirname "$0")/.."
failed=

check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        printf 'ok      %s\n' "$name"
    else
        printf 'FAILED  %s\n%s\n' "$name" "$output"
        failed="$failed $name"
    fi
}

check 'ruff check' .venv/bin/ruff check --quiet .
check 'ruff format' .venv/bin/ruff format --check --quiet .
check 'mypy --strict' .venv/bin/mypy
check 'import contracts' .venv/bin/lint-imports
[ -z "$failed" ]
