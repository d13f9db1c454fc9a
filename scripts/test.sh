#!/bin/sh
# Run the checks and the tests, and say at the end what could not run. Arguments go to pytest.
# Without any, all tests run, side by side: files, for what a file has started (a server, a database) serves all its tests.
set -u
cd "$(dirname "$0")/.."
verdict=0
.venv/bin/python scripts/need.py install
scripts/lint.sh || { verdict=1; lint=failed; }
if [ $# -gt 0 ]; then
	.venv/bin/pytest "$@" || verdict=1
elif ! .venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile; then
	echo 'twinstream: what failed beside others runs again, alone: it counts if it fails so too'
	.venv/bin/pytest --last-failed --last-failed-no-failures none || verdict=1
fi
.venv/bin/python scripts/need.py report || verdict=1
[ "${lint:-ok}" = ok ] || echo 'twinstream: a check of the code failed, see above the tests'
exit $verdict
