# One ritual: `make demo` plays the story, `make test` proves it, `make check` keeps the house clean.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Kept whatever the environment says: tests and demo start hundreds of processes, and each would
# compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
# A file is one worker's; the long ones first, as tests/conftest.py orders them.
BY_FILE := --dist loadfile --no-loadscope-reorder

help:  ## say what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt tools/setup
	@tools/setup venv

setup: $(STAMP)  ## install what is missing (system packages and .venv)
	@tools/setup system

setup-test: $(STAMP)
	@tools/setup system test

demo: setup  ## set up, then play one story on a whole fleet on this machine
	@$(BIN)/printmesh demo $(ARGS)

test: setup-test  ## set up, then run every test
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n 4 $(BY_FILE) -m "not long"
endif

postgresql: setup-test  ## set up, then run every test of the books on a PostgreSQL server of its own
	@$(BIN)/python -m pytest -n 3 $(BY_FILE) --databases postgresql -k postgresql tests/integration
	@$(BIN)/python -m pytest tests/acceptance/test_centre_on_postgresql.py

runbooks: setup-test  ## set up, then follow every runbook command by command
	@$(BIN)/python -m pytest -n 2 $(BY_FILE) tests/acceptance/test_runbook_*.py

walks: setup-test  ## set up, then walk every page of the centre in every look
	@PRINTMESH_WALKS=all $(BIN)/python -m pytest -n 2 $(BY_FILE) tests/acceptance/test_centre_*.py

check: setup-test  ## lint, format, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

chaos: setup  ## set up, then strike a whole fleet with faults; ARGS="--seed 7 --faults 1000 --minutes 20"
	@$(BIN)/printmesh chaos $(ARGS)

bench: setup-test  ## side-by-side measurements; writes benchmarks/results.json
	@$(BIN)/python -m benchmarks $(ARGS)

simulate: setup-test  ## a year on cut-off sites under each policy; ARGS="--histories 1000" for faults
	@$(BIN)/python -m benchmarks.simulation $(ARGS)

fortnight: setup-test  ## a site comes back after 14 days with 640,000 events; ARGS="--events 100000"
	@$(BIN)/python -m benchmarks.fortnight $(ARGS)

clean:  ## remove what was built here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help setup setup-test demo test postgresql runbooks walks check chaos bench simulate fortnight clean
