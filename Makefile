# What a developer runs, and all that CI runs. `make` lists it. Needs GNU make, bash, Python 3.11 or newer, and git;
# everything else is installed below .venv (Headway and its tools), and .venv-dbt, .venv-dbt-next, .venv-parsing,
# .venv-spark and .venv-superset (what wants other versions than Headway has, or is large). Spark needs Java 17 or newer.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
WORKERS ?= 2
ROWS ?= 10000000
DEMO ?= build/demo

BIN := .venv/bin
# A stamp is newer than what it was made from, so that a second `make` starts at once.
HEADWAY := .venv/.installed
DBT := .venv-dbt/.installed
DBT_NEXT := .venv-dbt-next/.installed
PARSING := .venv-parsing/.installed
SPARK := .venv-spark/.installed
SUPERSET := .venv-superset/.installed
export HEADWAY_DBT ?= $(abspath .venv-dbt/bin/dbt)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(HEADWAY) $(DBT) ## build the example company with dbt and show its first page
	$(BIN)/headway demo $(DEMO)
	@echo 'headway is $(abspath $(BIN)/headway)' >&2

.PHONY: test
test: lint types imports unit ## everything that needs no service: lint, types, import contracts, unit tests

.PHONY: check
check: test package ## what a change must pass before it is sent: test, and that a package can be built

.PHONY: integration
integration: export HEADWAY_DBT_OTHERS ?= $(abspath .venv-dbt-next/bin/dbt)
integration: export HEADWAY_PARSING_PYTHON ?= $(abspath .venv-parsing/bin/python)
integration: export HEADWAY_SPARK_PYTHON ?= $(abspath .venv-spark/bin/python)
integration: export HEADWAY_SUPERSET_PYTHON ?= $(abspath .venv-superset/bin/python)
integration: $(HEADWAY) $(DBT) $(DBT_NEXT) $(PARSING) $(SPARK) $(SUPERSET) ## tests against real dbt, PostgreSQL, Spark, Superset, other parsers and a browser, then the demo
	@# a browser kept open for many tests keeps its event loop running: what needs one of its own has a process of its own
	$(BIN)/python -m pytest -m integration tests/browser
	$(BIN)/python -m pytest -m integration --ignore tests/browser
	rm -rf build/demo-check
	$(BIN)/headway demo build/demo-check

.PHONY: pages
pages: $(HEADWAY) ## the pages in Chromium, part of integration; HEADWAY_EVERY_PAGE=all for each page in each state
	$(BIN)/python -m pytest tests/browser

.PHONY: superset-browser
superset-browser: export HEADWAY_SUPERSET_PYTHON ?= $(abspath .venv-superset/bin/python)
superset-browser: $(HEADWAY) $(SUPERSET) ## people with real browsers on a real Superset, counted by a sync; needs Chromium
	$(BIN)/python -m pytest -m browser tests/integration

.PHONY: lint
lint: $(HEADWAY) ## style, and common mistakes
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(HEADWAY) ## mypy, strict
	$(BIN)/mypy --strict

.PHONY: imports
imports: $(HEADWAY) ## who may import whom
	$(BIN)/lint-imports --no-cache

.PHONY: unit
unit: $(HEADWAY) ## unit tests, those of what the docs say included, on WORKERS processes
	$(BIN)/python -m pytest -m "not integration and not browser" -n $(WORKERS)

.PHONY: coverage
coverage: $(HEADWAY) ## which lines and branches the unit tests reach
	$(BIN)/python -m pytest -m "not integration and not browser" -n $(WORKERS) --cov --cov-report=term-missing:skip-covered

.PHONY: package
package: $(HEADWAY) ## build the wheel, install it alone in a new environment, and start it
	rm -rf build/package && mkdir -p build/package
	$(BIN)/python -m pip wheel -qq --no-deps --wheel-dir build/package .
	$(PYTHON) -m venv build/package/venv
	build/package/venv/bin/pip install -qq --constraint requirements/lock.txt build/package/*.whl
	build/package/venv/bin/headway --version

.PHONY: bench
bench: $(HEADWAY) $(DBT) ## benchmarks beside their floors and peers; ARGS="--only reach --rounds 1"
	$(BIN)/python -m bench.run $(ARGS)

.PHONY: spark-scale
spark-scale: $(HEADWAY) $(SPARK) ## usage of ROWS statements on Spark against DuckDB, row for row
	HEADWAY_SPARK_PYTHON=$${HEADWAY_SPARK_PYTHON:-$(abspath .venv-spark/bin/python)} \
	  $(BIN)/python tests/integration/spark/compare.py $(ROWS)

.PHONY: docs
docs: $(HEADWAY) ## regenerate the reference page from the code
	$(BIN)/python docs/generate.py

.PHONY: lock
lock: build/lock/bin/uv ## choose the newest versions that pyproject.toml allows and write them down
	build/lock/bin/python requirements/lock.py

.PHONY: clean
clean: ## remove environments, caches and whatever was built
	rm -rf .venv .venv-dbt .venv-dbt-next .venv-parsing .venv-spark .venv-superset build dist .coverage .headway
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(HEADWAY): requirements/lock.txt pyproject.toml
	$(call new_environment,.venv)
	$(BIN)/pip install -qq --requirement requirements/lock.txt
	$(BIN)/pip install -qq --no-deps --editable .
	touch $@

$(DBT): requirements/dbt.txt
	$(call new_environment,.venv-dbt)
	.venv-dbt/bin/pip install -qq --requirement requirements/dbt.txt
	touch $@

$(DBT_NEXT): requirements/dbt_next.txt
	$(call new_environment,.venv-dbt-next)
	.venv-dbt-next/bin/pip install -qq --no-deps --requirement requirements/dbt_next.txt
	touch $@

$(PARSING): requirements/parsing.txt
	$(call new_environment,.venv-parsing)
	.venv-parsing/bin/pip install -qq --requirement requirements/parsing.txt
	touch $@

$(SPARK): requirements/spark.txt
	$(call new_environment,.venv-spark)
	.venv-spark/bin/pip install -qq --requirement requirements/spark.txt
	.venv-spark/bin/pip install -qq --no-deps --editable .
	touch $@

$(SUPERSET): requirements/superset.txt
	$(call new_environment,.venv-superset)
	.venv-superset/bin/pip install -qq --requirement requirements/superset.txt
	touch $@

build/lock/bin/uv:
	$(call new_environment,build/lock)
	build/lock/bin/pip install -qq uv
	touch $@

# A half-made environment is made again: the stamp comes last.
define new_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headway needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Installing $(1) ..." >&2
	$(PYTHON) -m venv --clear $(1)
endef
