# A machine with Python 3.11 or newer with venv, make and git is enough: everything else comes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := bot/demo/node_modules
DEMO_ARGS ?=
ATTACK_ARGS ?=
TEST_ARGS ?=
# Most tests wait for a peer or for the clock. More processes than this make those late that wait for each other.
TEST_WORKERS ?= 2

export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
# A company's own CA stands in the system's store, which uv does not read unless told.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif
# Without bytecode every start of the program would compile all it imports; the others would lead out of .venv.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV UV_PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench attack breaks

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf 'make %-7s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.run $(NODE)/.installed ## the fault lab, a local Slack and the bot, on this machine (DEMO_ARGS=--once: print the verdicts and end)
	@$(BIN)/mailflow demo $(DEMO_ARGS)

test: $(VENV)/.dev $(NODE)/.installed ## all tests that this machine allows (MAILFLOW_LAB=full: anything not run is a failure)
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal $(TEST_ARGS)

lint: $(VENV)/.dev ## style, types, and which room may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## how long things take
	@$(BIN)/python -m bench

attack: $(VENV)/.dev $(NODE)/.installed ## what a stranger, Slack and one's own people can do to a running bot (ATTACK_ARGS=--short)
	@$(BIN)/python -m attack $(ATTACK_ARGS)

python_can = $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); $(1)' 2>/dev/null && echo yes)

breaks: $(VENV)/.dev $(NODE)/.installed ## take each rule out of a copy, and see its tests fail (BREAKS=words of their names)
	@$(BIN)/python -m tests.breaks $(BREAKS)

# `ensurepip` and not `venv`: Debian ships the latter without the former, and then fails half-way.
$(BIN)/uv: .ci/uv.txt
	$(if $(call python_can,),,$(error Python 3.11 or newer is needed: on Debian 12 or newer, apt-get install python3 python3-venv; elsewhere, make PYTHON=/path/to/python3.11))
	$(if $(call python_can,import ensurepip; import venv),,$(error Python has no venv module: on Debian, apt-get install python3-venv))
	@echo 'Making $(VENV) (once)' >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r .ci/uv.txt
	@touch $@

# --inexact: what `make test` installed stays when the demo is run after it.
$(VENV)/.run: $(BIN)/uv uv.lock pyproject.toml
	@$(BIN)/uv sync --quiet --frozen --no-dev --inexact
	@touch $@

$(VENV)/.dev: $(BIN)/uv uv.lock pyproject.toml
	@$(BIN)/uv sync --quiet --frozen
	@touch $@ $(VENV)/.run

# Only the local Slack comes from npm. Without it demo and tests go on, and say what is missing.
$(NODE)/.installed: bot/demo/package-lock.json
	@if ! command -v npm >/dev/null; then echo 'npm is not installed: going on without the local Slack' >&2; \
	elif (cd bot/demo && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2); then touch $@; \
	else echo 'npm ci failed in bot/demo: going on without the local Slack' >&2; fi
