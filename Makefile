# Every target sets up what it needs first, and nothing twice: see scripts/venv.sh.
# PYTHON=python3.12 chooses the interpreter; ARGS="…" goes to the command behind a target.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test soak bench lint format docs lock clean venv-server venv-dev

help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done

run: venv-server ## Start the demo: a server with simulated devices; its files stay in ./twinstream-data
	@$(BIN)/twinstream demo $(ARGS)

test: venv-dev ## Run every check and test (ARGS="-k name" chooses tests)
	@scripts/test.sh $(ARGS)

soak: venv-dev ## Run the long tests: 200 kills and more
	@$(BIN)/pytest -m soak --timeout=0 $(ARGS)

bench: venv-dev ## Measure the cost of an event, beside a floor written in C
	@$(BIN)/python scripts/need.py install
	@$(BIN)/python bench/run.py $(ARGS)

lint: venv-dev ## Run the checks without the tests
	@scripts/lint.sh

format: venv-dev ## Format the code
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

docs: venv-dev ## Write the pages that are made from the code
	@$(BIN)/python scripts/write_settings.py
	@$(BIN)/python scripts/write_protocol.py
	@$(BIN)/python scripts/write_compatibility.py

lock: venv-dev ## Resolve requirements.lock anew (ARGS=--upgrade raises the versions)
	@$(BIN)/pip-compile --quiet --no-header --strip-extras --annotation-style=line --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --extra server --extra collector --extra parquet --extra dev $(ARGS) -o requirements.lock pyproject.toml

clean: ## Remove .venv and all that can be made again; keeps ./twinstream-data
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

venv-server venv-dev: venv-%:
	@scripts/venv.sh $*
