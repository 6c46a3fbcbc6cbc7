# Everything runs in .venv, which the first target that needs it sets up from hash-locked requirements.
# Needed: make, and Python 3.11 or newer with pip or venv. Another Python: make PYTHON=python3.13 test

SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin
CODE   = $(wildcard mailtui tests benchmarks scripts proof)

# The first Python on PATH that is new enough.
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$name; break; }; done)
endif

# How many processes run the tests; each test file stays in one of them. Most of their time they wait.
JOBS ?= 5
# The tests in two parts of about the same size, for two cores
REWRITTEN = "tests/tui tests/cli tests/service tests/audience" \
	"$(filter-out tests/tui/ tests/cli/ tests/service/ tests/audience/ tests/__pycache__/,$(wildcard tests/*/))"
# More for pytest: make test ARGS="-k outbox"
ARGS ?=
# Parts and sizes of the proof: make torture PROOF="kills --kills 50"
PROOF ?=
# Parts of the benchmarks; all when empty
PARTS ?=
# How long each target is fuzzed
SECONDS ?= 600

.PHONY: help demo test messages torture ordeal fuzz lint format types imports bench waiting pace lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: $(VENV)/.installed ## send the sample campaign to a sandbox on this machine
	@$(BIN)/mailtui demo

test: $(VENV)/.installed-dev ## run the test suite, without the long tests
	@# The program is started some thousand times: where Python may not keep what it compiled, each would compile it anew.
	@$(BIN)/python -m compileall -q -j 0 $(CODE)
	@# Tests are rewritten before they are compiled; each process would do that for all of them, at the same time.
	@[ -e tests/__pycache__/.rewritten ] || { for part in $(REWRITTEN); do \
	  PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -p no:cacheprovider $$part >/dev/null 2>&1 & done; wait; \
	  touch tests/__pycache__/.rewritten; }
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -ra $(ARGS)

messages: ## run the tests of messages with another Python's standard library (PYTHON=python3.13)
	@$(MAKE) --no-print-directory test VENV=.venv-$(notdir $(PYTHON)) ARGS="tests/message $(ARGS)"

torture: $(VENV)/.installed-dev ## attack mailtui and the usual design, and judge what came of it: minutes
	$(BIN)/python -m proof $(or $(PROOF),--short)

ordeal: $(VENV)/.installed-dev ## the attacks of docs/reliability.md in full size, and all long tests: hours
	$(BIN)/python -m pytest -m long --timeout 3600 -ra $(ARGS)
	$(BIN)/python -m proof $(PROOF)

fuzz: $(VENV)/.installed-fuzz ## fuzz everything that reads what strangers wrote (SECONDS=600 each)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

lint: $(VENV)/.installed-dev ## look for mistakes and for formatting that is off
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## check the types
	$(BIN)/mypy $(CODE)

imports: $(VENV)/.installed-dev ## check that rooms import one way
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed-dev ## measure against other senders, an hour (PARTS="prebuilt rtt" ARGS=--short)
	@$(MAKE) --no-print-directory $(VENV)/.installed-bench || echo "Going on without mailmerge." >&2
	$(BIN)/python -m benchmarks $(PARTS) $(ARGS)

waiting: $(VENV)/.installed-dev ## measure how late what is scheduled begins, and what waiting costs, three minutes
	$(BIN)/python -m benchmarks.waiting $(ARGS)

pace: $(VENV)/.installed-dev ## send to servers that allow so much and no more, and see what they accept, three minutes
	$(BIN)/python -m pytest -m long -k "ten_a_second or r07" -s tests/dispatch/test_slowdown.py tests/dispatch/test_domains.py

clean: ## remove .venv and everything that tools left behind
	rm -rf $(VENV) .cache build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache .grimp_cache
	find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +

# The locks hold no address of a registry, and serve every platform from Python 3.11 on.
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)

lock: $(VENV)/.installed-dev ## lock the requirements anew (UPGRADE=--upgrade takes newer releases)
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install -q --require-hashes -r requirements-uv.lock
	$(COMPILE) --group build pyproject.toml -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group fuzz -o requirements-fuzz.lock
	$(COMPILE) --group bench -c requirements.lock -o requirements-bench.lock
	echo uv | $(COMPILE) --no-annotate -o requirements-uv.lock -
	@! grep -n '://' requirements*.lock

# Set-up. uv is quick where it can be had; pip alone does the same. $(1): lock, $(2): log of what failed
define install
	@set -e; py=$(BIN)/python; \
	quick() { UV_SYSTEM_CERTS=1 UV_HTTP_RETRIES=1 "$$uv" pip install -q --python $$py --require-hashes -r $(1) && \
	  "$$uv" pip install -q --python $$py --no-deps --no-build-isolation -e .; }; \
	plain() { "$$@" install -q --disable-pip-version-check --require-hashes -r $(1) && \
	  "$$@" install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; }; \
	log=$(VENV)/set-up.log; \
	echo "Setting up $(VENV) from $(1) …" >&2; \
	uv=$$(command -v uv || true); \
	if [ -z "$$uv" ] && $$py -m pip --version >/dev/null 2>&1; then \
	  [ -x $(BIN)/uv ] || $$py -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: \
	    -r requirements-uv.lock >$$log 2>&1 || true; \
	  [ ! -x $(BIN)/uv ] || uv=$(BIN)/uv; \
	fi; \
	if [ -n "$$uv" ] && quick >$$log 2>&1; then :; \
	elif $$py -m pip --version >/dev/null 2>&1; then plain $$py -m pip; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then plain $(PYTHON) -m pip --python $$py; \
	else \
	  echo "$(PYTHON) has neither ensurepip nor pip. Install them (Debian, Ubuntu: apt-get install python3-venv)," \
	    "then run make again." >&2; exit 1; \
	fi
endef

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "There is no Python 3.11 or newer on PATH. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mailtui needs Python 3.11 or newer; $(PYTHON) is older, or does not run." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV); }

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: requirements-fuzz.lock | $(VENV)/.installed-dev
	$(call install,requirements-fuzz.lock)
	@touch $@

$(VENV)/.installed-bench: requirements-bench.lock | $(VENV)/.installed-dev
	$(call install,requirements-bench.lock)
	@touch $@
