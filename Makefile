# make demo and make test each set everything up in .venv; nothing else is needed than Python 3.11–3.13, make and git.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# the first Python that the lock was tested with (a shim that does not run is passed over)
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check lint bench lock clean

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 found; name one with PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m features.warm
	$(BIN)/python -m models.behaviour.warm
	$(BIN)/python -m models.incidents.warm
	@touch $@

demo: $(READY)  ## the whole loop on real alerts, in five minutes
	$(BIN)/tamis demo

test: $(READY)  ## all tests, on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## lint, types, layers and tests

bench: $(READY)  ## speeds, as ratios within one run
	$(BIN)/python -m tests.benchmarks

lock:  ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links -o requirements.lock

clean:  ## remove what was made
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis
