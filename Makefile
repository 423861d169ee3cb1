# Everything here also works without make: see README.md, "Without make".
PYTHON ?= python3
SEED ?= 20250901
WORKERS ?= 3
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif

.DEFAULT_GOAL := help
.PHONY: help setup start jupyter test quick check format encoder twins figures effects proof largest rates bench docs pin reset clean _dev

help: ## show this list
	@printf '\n  Silent Failures Workbench\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@printf '\n  OPEN=0 opens no browser.  CI=true makes a skipped test a failure.  WORKERS=4 tests on four cores.\n\n'

setup: ## install everything a learner needs into .venv
	@$(PYTHON) scripts/install.py --extras all

start: setup ## set up, run the seven stages, open the gallery
	@$(BIN)/workbench start

jupyter: setup ## the same, with the lessons in JupyterLab
	@$(BIN)/workbench start --jupyter

test: _dev check ## all checks and all tests (up to 30 minutes on 2 cores)
	@$(BIN)/python -m pytest --randomly-seed=$(SEED) -n $(WORKERS) --dist loadfile

quick: _dev check ## checks, and the tests that run no whole pipeline (under 3 minutes)
	@$(BIN)/python -m pytest --randomly-seed=$(SEED) -n $(WORKERS) --dist loadfile \
	  tests/unit tests/property tests/docs -m "not slow and not server"

check: _dev ## style, types, import floors, docstrings, generated texts
	@$(BIN)/python -m scripts.check

format: _dev ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

encoder: _dev ## train the small CLIP anew (about 8 minutes of one core)
	@$(BIN)/python -m scripts.make_encoder

twins: _dev ## write the JupyterLab twins of the lessons anew
	@$(BIN)/python -m scripts.make_twins

figures: _dev ## measure the figures of README and lessons anew (minutes)
	@$(BIN)/python -m scripts.make_figures

effects: _dev ## measure the table of effects anew (about an hour of two cores)
	@$(BIN)/python -m scripts.make_effects --again

proof: _dev ## run every failure and its cure on ten fresh seeds (35 minutes of one core; what is there stays)
	@$(BIN)/python -m scripts.make_proof

largest: _dev ## measure the five largest effects again, and compare (minutes)
	@$(BIN)/python -m scripts.check_effects

rates: _dev ## measure how often each guard fires (12 minutes of one core; what is there stays)
	@$(BIN)/python -m scripts.make_rates

bench: _dev ## measure the point-in-time join beside its peers (minutes; they are installed for it)
	@$(BIN)/python -m uv pip install -q --python $(BIN)/python "polars>=1,<2"
	@$(BIN)/python -m benchmarks.pit_join

docs: _dev ## write the generated parts of README and docs anew
	@$(BIN)/python -m scripts.make_docs

pin: _dev ## write constraints.txt anew
	@$(BIN)/python -m scripts.pin

reset: ## delete the default workspace
	@$(BIN)/workbench reset

clean: ## delete what tools and tests left behind; workspaces and .venv stay
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis tests/.artefacts
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

_dev:
	@$(PYTHON) scripts/install.py --extras all,dev
