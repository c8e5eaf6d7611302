# Two commands set everything up on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes

.PHONY: help setup run demo test check format bench soak mutants fuzz picture lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "frmon needs Python 3.11 or newer; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt requirements-build.txt pyproject.toml | $(VENV)/bin/python
	@echo "setting up .venv (once)"
	$(PIP) -r requirements-build.txt
	$(PIP) -r requirements.txt
	$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "adding what the tests need (once)"
	$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	$(PIP) -r requirements-bench.txt
	@touch $@

setup: $(VENV)/.run  ## make .venv with frmon in it

run: setup  ## the screen, on the live venues
	$(BIN)/frmon

demo: setup  ## the screen, on simulated venues; needs no network
	$(BIN)/frmon --demo

test: $(VENV)/.dev  ## the tests
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.dev  ## format, lint, types, floors, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(VENV)/.dev  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench  ## the measured claims
	$(BIN)/python -m bench

soak: $(VENV)/.dev  ## random faults for 20 minutes and not one lie: SOAK="--minutes 5 --seed 7"
	$(BIN)/python -m soak $(SOAK)

mutants: $(VENV)/.dev  ## planted bugs, each of which the tests must find
	$(BIN)/python scripts/mutants.py

fuzz: $(VENV)/.dev  ## a million things that venues could do, then spoilt frames: DESK="--seed 7" FUZZ="--seconds 600"
	$(BIN)/python -m fuzz.desk $(DESK)
	$(BIN)/python -m fuzz.decoders $(FUZZ)

picture: $(VENV)/.dev  ## the README's picture, from the real screen
	$(BIN)/python scripts/picture.py docs/screen.svg

lock: $(VENV)/bin/python  ## resolve the dependencies anew, with hashes
	$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	sh scripts/lock.sh $(BIN)/uv

clean:  ## remove everything that was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
