# make train: set everything up and train GPAE on SMAX.  make test: set everything up and run all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready
# Files keep their order: by the number of their tests, a few long ones would be left for the end.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
# It asks for a pandas that nothing else here runs with, and needs none for what the tests use.
MARL_EVAL := id-marl-eval==0.0.4 colorama
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: train test exhaustive quick check format docs dist hooks theory bench clean

train: $(READY)
	$(BIN)/gpae train task=smax/3m method=gpae total_env_steps=3e5 evaluation.interval=5e4

test: $(READY)
	$(PYTEST) -m "not exhaustive"

# Further combinations of what the other tests cover, to be run when populations or packing change.
exhaustive: $(READY)
	$(PYTEST) -m exhaustive

# The inner loop: every test but those that take long.
quick: $(READY)
	$(PYTEST) -m "not slow and not exhaustive"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DOCS_READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Wheel and sdist, checked, and the wheel tried in an empty environment for each of EXTRAS: all of them, or
# make dist EXTRAS="core smax".
dist:
	PYTHON=$(PYTHON) .ci/wheel $(EXTRAS)

# The checks of .pre-commit-config.yaml before every commit.
hooks: $(READY)
	$(BIN)/pre-commit install

theory: $(READY)
	$(BIN)/gpae theory --output results/theory

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist site src/*.egg-info

# Installs again only when what is to be installed has changed, so a second run needs no network.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "gpae needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[all,dev]'
	$(INSTALL) --no-deps $(MARL_EVAL)
	@touch $@

$(DOCS_READY): $(READY)
	$(INSTALL) --editable '.[docs]'
	@touch $@
