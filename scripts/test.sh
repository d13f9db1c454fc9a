#!/bin/sh
# Run the checks and the tests, and say at the end what could not run. Arguments go to pytest.
set -u
cd "$(dirname "$0")/.."
verdict=0
.venv/bin/python scripts/need.py install
scripts/lint.sh || { verdict=1; lint=failed; }
.venv/bin/pytest "$@" || verdict=1
.venv/bin/python scripts/need.py report || verdict=1
[ "${lint:-ok}" = ok ] || echo 'twinstream: a check of the code failed, see above the tests'
exit $verdict
