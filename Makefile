# Two commands are all the set-up there is: `make run`, `make test`. `make help` lists every target.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# The folder of this file, whatever folder make is called from; it may contain spaces.
quote = '$(subst ','\'',$(1))'
ROOT := $(shell cd "$$(dirname $(call quote,$(subst ^,,$(subst ^ ,,^$(MAKEFILE_LIST)))))" && pwd)
IN_ROOT := cd $(call quote,$(ROOT)) &&
PYTHON := .venv/bin/python

.PHONY: help setup run report test lint up down backup restore lock clean

help: ## List every target with a sentence
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(call quote,$(ROOT)/Makefile) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: ## Create .venv and install what requirements.lock names; does nothing when up to date
	@$(IN_ROOT) .ci/setup

run: setup ## Generate two sample provinces, run their nights through Airflow, show the printed figures re-derived
	@$(IN_ROOT) $(PYTHON) -m pipeline demo

report: setup ## Write the board reports of both sample quarters, once they are published, into build/report
	@$(IN_ROOT) $(PYTHON) -m pipeline report 2024Q1 --branch 58 --out build/report
	@$(IN_ROOT) $(PYTHON) -m pipeline report 2025Q3 --branch 96 --out build/report

test: setup ## Run all tests in two processes, on a real PostgreSQL and a real Airflow; ARGS="-k name" narrows it
	@$(IN_ROOT) env -u MAKELEVEL -u MAKEFLAGS -u MFLAGS $(PYTHON) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

lint: setup ## Check style, types, import directions and SQL (ruff, mypy, import-linter, sqlfluff)
	@$(IN_ROOT) .ci/lint

up: setup ## Start Airflow (web page, scheduler, DAG processor, triggerer) and print its address and login
	@$(IN_ROOT) $(PYTHON) -m pipeline up

down: setup ## Stop Airflow and the embedded PostgreSQL, nothing is left running
	@$(IN_ROOT) $(PYTHON) -m pipeline down

backup: setup ## Seal a copy of everything; LOG=1 only what came since the last time (every few minutes)
	@$(IN_ROOT) $(PYTHON) -m pipeline backup $(if $(LOG),--log)

restore: setup ## Make the warehouse again in the empty folder HOME_NEW=...; TIME=... for the state of a moment
	@$(IN_ROOT) $(PYTHON) -m pipeline restore --home "$(HOME_NEW)" $(if $(TIME),--time "$(TIME)")

lock: setup ## Resolve requirements.in again into requirements.lock, for Python 3.11-3.13, with hashes
	@$(IN_ROOT) $(PYTHON) -m uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --quiet requirements.in --output-file requirements.lock

clean: ## Remove what tools leave behind (caches, build output); never a warehouse or .venv
	@$(IN_ROOT) find . \( -path ./.venv -o -path ./.warehouse -o -path ./.git \) -prune \
	    -o -type d \( -name __pycache__ -o -name .pytest_cache -o -name .mypy_cache -o -name .ruff_cache \
	    -o -name .import_linter_cache -o -name .hypothesis \) -prune -exec rm -rf {} +
	@$(IN_ROOT) rm -rf dbt_project/target dbt_project/logs build
