# Everything a developer does, with nothing installed but Python 3.11, make and a package index.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CHECKED := lsmsql vtab tests examples

.PHONY: help demo test stress fuzz bench check format clean
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "lsmsql needs Python 3.11 or newer; choose one with: make PYTHON=python3.11" >&2; exit 1; }
	@echo "Preparing $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-warn-script-location -e '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## load the flights of 2013 and query them
	@$(BIN)/python -m examples.flights

test: check  ## linters, then all tests
	@$(BIN)/python -m pytest -q -n 2

stress: $(INSTALLED)  ## try to make a store lose something until stopped; STRESS="power --seconds 60" for less
	@$(BIN)/python -m tests.stress $(STRESS)

BENCH_INSTALLED := $(VENV)/.installed-bench

$(BENCH_INSTALLED): $(INSTALLED)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-warn-script-location -e '.[bench]'
	@touch $@

bench: $(BENCH_INSTALLED)  ## speed and size beside other engines; BENCH="--rows 100000" for less
	@$(BIN)/python -m tests.benchmarks $(BENCH)

FUZZ ?= log

FUZZ_INSTALLED := $(VENV)/.installed-fuzz

$(FUZZ_INSTALLED): $(INSTALLED)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-warn-script-location -e '.[fuzz]'
	@touch $@

fuzz: $(FUZZ_INSTALLED)  ## fuzz a file format; FUZZ="index --seconds 7200" for another one, for longer
	@$(BIN)/python -m tests.fuzz $(FUZZ)

check: $(INSTALLED)  ## linters and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted; run: make format" >&2; exit 1; }
	@$(BIN)/mypy $(CHECKED)

format: $(INSTALLED)  ## format the source and mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean:  ## remove the environment and everything that was built
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
