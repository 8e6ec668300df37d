# Everything is set up on first use: `make demo` and `make test` need only Python >= 3.11 (with venv) and make.
# Another Python:  make test PYTHON=python3.13

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# One stamp per thing installed, so that pip runs again only when pyproject.toml changes.
PIP_READY := $(VENV)/.pip-ready
INSTALLED := $(VENV)/.installed
DEV_READY := $(VENV)/.dev-ready
# An environment of its own, as the versions in it are other ones.
LOWEST       := .venv-lowest
LOWEST_READY := $(LOWEST)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-lowest test-gpu screens picture mutants check format weights wheel clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(INSTALLED) ## set up, then the first minute: tfx explain intuition
	$(BIN)/tfx explain intuition

test: $(DEV_READY) ## set up, then the fast tests
	$(BIN)/python -m pytest -n auto

test-all: $(DEV_READY) ## the fast tests and the proofs that take minutes
	$(BIN)/python -m pytest -n auto -m "not gpu"

test-lowest: $(LOWEST_READY) ## the fast tests with the lowest versions that pyproject.toml names
	$(LOWEST)/bin/python -m pytest -n auto

test-gpu: $(DEV_READY) ## tests on a CUDA card; needs CuPy: .venv/bin/pip install -e '.[gpu]'
	@$(BIN)/python -m tests.gpu
	$(BIN)/python -m pytest -m gpu

screens: $(DEV_READY) ## record every screen anew (tests/screens/recorded); read git diff before you commit
	$(BIN)/python -m tests.screens

picture: $(DEV_READY) ## draw the screen of the README anew, from a live run
	$(BIN)/python -m tfx_cli.make_picture tests/docs/screen.svg explain attention --step heat_map --no-predict

mutants: $(DEV_READY) ## plant mistakes all over the house and list those that no test notices (hours)
	$(BIN)/python -m tests.mutation
	$(BIN)/python -m tests.mutation --checks
	$(BIN)/python -m tests.mutation --rooms all --sample 200

check: $(DEV_READY) ## formatter, linter, type checker, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

format: $(DEV_READY) ## rewrite the files the way `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

weights: $(DEV_READY) ## train the small models that ship with tfx again (minutes)
	$(BIN)/python -m tfx_cli.make_weights

wheel: $(DEV_READY) ## build dist/*.tar.gz, and from it dist/*.whl
	$(BIN)/python -m build

clean: ## remove caches and build outputs; the environment stays (rm -r .venv removes it)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find tfx tfx_cli lessons tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(PIP_READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(PYTHON) -c 'import platform; print("Python " + platform.python_version())' 2>/dev/null || echo 'not there'); \
	  echo "tfx needs Python 3.11 or newer, but $(PYTHON) is $$found." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) could not make a virtual environment in $(VENV)." \
	       "On Debian and Ubuntu install python3-venv, then run make again." >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'  # --group needs 25.1
	@touch $@

$(INSTALLED): pyproject.toml | $(PIP_READY)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(DEV_READY): pyproject.toml | $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(LOWEST_READY): pyproject.toml | $(PIP_READY)
	@$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(LOWEST)/bin/python -m tests.packaging.lowest > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt --editable . --group dev
	@touch $@
