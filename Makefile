# A machine with Python 3.11 or newer with venv, make and git is enough: everything else comes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := bot/demo/node_modules
SHELL_SCRIPTS := .ci/audit .ci/fresh .ci/full .ci/run
DEMO_ARGS ?=
ATTACK_ARGS ?=
TEST_ARGS ?=
# Most tests wait for a peer or for the clock. More processes than this make those late that wait for each other.
TEST_WORKERS ?= 2
# What answers within a minute, from words to words: no process, no lab, no database.
QUICK := tests/commands tests/endpoints tests/explain tests/fix/test_cmdlet.py tests/fix/test_plan.py tests/fix/test_words.py \
	tests/ops/test_docs.py tests/ops/test_logs.py tests/schedule/test_news.py tests/slack tests/terminal/test_settings.py \
	tests/terminal/test_text.py $(addprefix tests/diagnostics/test_,catalogue.py causes.py classify.py guard.py judge.py \
	names.py route.py single_flight.py text.py) $(addprefix tests/test_,ids.py patterns.py words_in_code.py)
# Of the lines of commands/ and diagnostics/, so many per cent are run by the quick tests alone.
COVERED ?= 70

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
.PHONY: help demo test quick coverage lint format bench attack breaks

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.run $(NODE)/.installed ## the fault lab, a local Slack and the bot, on this machine (DEMO_ARGS=--once: print the verdicts and end)
	@$(BIN)/mailflow demo $(DEMO_ARGS)

test: $(VENV)/.dev $(NODE)/.installed ## all tests that this machine allows (MAILFLOW_LAB=full: anything not run is a failure)
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal $(TEST_ARGS)

quick: $(VENV)/.dev ## the tests that need less than a minute, and nothing but Python
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal --quick $(QUICK) $(TEST_ARGS)

coverage: $(VENV)/.dev ## how much of commands/ and diagnostics/ the quick tests run, line by line; fails below COVERED per cent
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal --quick $(QUICK) --cov=commands --cov=diagnostics \
		--cov-report=term-missing:skip-covered --cov-fail-under=$(COVERED) $(TEST_ARGS)

lint: $(VENV)/.dev ## style, types, and which room may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v shellcheck >/dev/null; then shellcheck $(SHELL_SCRIPTS); else echo 'shellcheck is not installed: shell scripts are not checked'; fi

format: $(VENV)/.dev ## put the code into the style that lint wants, as far as a program can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

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
