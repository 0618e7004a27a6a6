# Everything a checkout needs, by name. `make run` and `make test` set up what they need by themselves.

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; give PYTHON=/path/to/python to choose another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Stamps: what was installed, and for which pyproject.toml. Newer than it means there is nothing to do (and no network).
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
# What the page is made of: the installation builds it.
# And what the keeper's compiled part is made of.
PUMP := $(wildcard src/roost/keeper/native/*.[ch])
PAGE := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: oracles help run tour test test-plain check lint format proto async native bench clean

help:
	@echo 'make run     set up, then a shell in a session (without a terminal: a short tour)'
	@echo 'make test    set up and run every test (PYTEST_ARGS=... is passed on)'
	@echo 'make check   what CI runs: linters, types, layers, generated code, tests'
	@echo 'make bench   compare with other programs of the trade (BENCH_ARGS=... is passed on)'
	@echo 'make oracles compare screens with those of tmux and xterm.js'
	@echo 'make proto   generate the protobuf code anew'
	@echo 'make async   generate the asyncio side of the client anew'
	@echo 'make native  compile the keeper'"'"'s pump anew, and the numbers that it shares with Python'
	@echo 'make format  put the code into shape'
	@echo 'make clean   remove everything that was made here'

run: $(READY)
	@$(BIN)/python -m compileall -q src
	@if [ -t 0 ]; then PATH="$(CURDIR)/$(BIN):$$PATH" exec roost run; else exec $(BIN)/python -m roost.cli.tour; fi

tour: $(READY)
	@$(BIN)/python -m roost.cli.tour

test: $(READY_DEV)
	@$(BIN)/python -m compileall -q src
	$(BIN)/python -m pytest $(PYTEST_ARGS)
	$(if $(PYTEST_ARGS),,$(MAKE) test-plain)

# Once more without compiled code, what that makes a difference to.
test-plain: $(READY_DEV)
	ROOST_NATIVE=0 $(BIN)/python -m pytest $(PYTEST_ARGS) $(patsubst %,tests/process/test_%.py,\
		guests keeper_output keeper_upgrade local_input local_readers local_readers_hold survival)

check: lint test

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate_proto.py --check
	$(BIN)/python tools/generate_async.py --check
	$(BIN)/python tools/generate_ghostty.py --check
	$(BIN)/python tools/generate_pump.py --check
	@if command -v $(CC) >/dev/null; then $(CC) -std=c11 -D_GNU_SOURCE -DPUMP_STAMP=0 -fsyntax-only -Werror -Wall -Wextra \
		-Wconversion -Wshadow $(filter %.c,$(PUMP)); else echo 'the pump is not checked, as there is no C compiler'; fi
	@if [ -x web/node_modules/.bin/tsc ] && command -v node >/dev/null; then cd web && node_modules/.bin/tsc --noEmit; \
	else echo 'web/: its types are not checked, as node is not here'; fi

format: $(READY_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(READY_DEV)
	$(BIN)/python tools/generate_proto.py

async: $(READY_DEV)
	$(BIN)/python tools/generate_async.py

native: $(READY_DEV)
	$(BIN)/python tools/generate_pump.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

# What other terminals show of the recordings in tests/data/screens (needs tmux and npm).
oracles: $(READY_DEV)
	$(BIN)/python -m tools.oracles compare

bench: $(READY_DEV)
	@$(BIN)/python -m compileall -q src
	$(BIN)/python -m bench $(BENCH_ARGS)

clean:
	rm -rf $(VENV) build dist bench/build src/roost/assets web/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo 'roost needs Python 3.11 or newer: install it, or give PYTHON=/path/to/python' >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo 'The virtual environment could not be made; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@# Launchers written by an older pip import `re`, which costs each command more than its own work.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(READY): pyproject.toml hatch_build.py $(PAGE) $(PUMP) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(READY_DEV): pyproject.toml hatch_build.py $(PAGE) $(PUMP) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY) $@
