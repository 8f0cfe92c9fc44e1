# Two commands suffice: `make demo` and `make test`. Everything they need they set up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# What Python needs and what the pages need is fetched side by side.
MAKEFLAGS += --jobs=2
PYTHON ?= python3
BIN := .venv/bin
APP := src/tierwise/web/static/app/.vite/manifest.json
FRONT := $(shell find frontend/src frontend/*.json frontend/*.ts -type f 2>/dev/null)
CATALOGUES := $(wildcard src/tierwise/locale/*/LC_MESSAGES/django.po)
WORDS := $(CATALOGUES:.po=.mo)

.PHONY: help setup build demo test kernels fast lint types format bench docs words lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready $(APP) $(WORDS) ## Virtual environment and front end

build: setup ## Wheel with the front end inside
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

demo: setup ## The demo company, its cycle, web and worker
	@$(BIN)/tierwise demo

test: setup lint types kernels ## All linters, all types, all tests
	@tools/install-chromium
	@$(BIN)/pytest -q -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Compiled once before several workers would each do so.
kernels: setup
	@$(BIN)/python -c 'from tierwise.engine.rehearsal import rehearse; rehearse()'

fast: setup ## Tests that need neither database nor browser
	@$(BIN)/pytest -q -m "not database and not browser and not slow"

lint: setup ## Linters and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-cache

types: setup ## mypy --strict
	@$(BIN)/mypy

format: setup ## Format everything
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: setup ## Timings beside their peers
	@$(BIN)/python bench/run.py

words: setup ## Catalogues brought to what is marked now; new words stand empty
	@$(BIN)/python tools/catalogues.py update

docs: setup ## Pages that are made from the code
	@$(BIN)/tierwise capabilities --markdown > docs/capabilities.md
	@$(BIN)/python -c "from tierwise.lake.fact_pages import render_tables; print(render_tables(), end='')" > docs/facts.md

lock: setup ## requirements.lock made anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --extra dev --generate-hashes --no-header --output-file requirements.lock pyproject.toml

clean: ## Remove what was made (not the demo's data)
	rm -rf .venv frontend/node_modules src/tierwise/web/static/app dist

$(WORDS) &: $(CATALOGUES) tools/catalogues.py
	@$(PYTHON) tools/catalogues.py compile
	@touch $(WORDS)

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tierwise needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(APP): $(FRONT)
	@command -v npm > /dev/null || { echo "Tierwise needs Node 20.19 or newer, with npm, to build its pages" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error(`Node 20.19 or newer is needed, this is $${process.versions.node}`); process.exit(1); }'
	@cd frontend && npm ci --silent --no-audit --no-fund && npm run --silent build
	@touch $@
