# Two commands: `make demo` builds everything and shows the main job, `make test` runs all tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src python rules -type f -not -name '*.pyc' -not -name '*.so') Cargo.toml Cargo.lock build.rs pyproject.toml rust-toolchain.toml README.md LICENSE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check test-rust test-python fuzz bench order eval policies clean

help:
	@echo 'make demo      build into $(VENV) and show what the guard does'
	@echo 'make test      all checks and tests'
	@echo 'make bench     measure, print the table of budgets, fail when a gate falls'
	@echo 'make order     list again what the hook runs, for the linker; before a release, and when bench counts page faults'
	@echo 'make eval CORPORA=DIR   measure detection on labelled data'
	@echo 'make policies  compile rules/policies/*.yaml again'
	@echo 'make clean     remove what was built'

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/pip install --quiet .
	@touch $@

$(VENV)/.tools: $(VENV)/bin/python tests/requirements.txt
	$(BIN)/pip install --quiet -r tests/requirements.txt
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/armorer-guard demo

check: $(VENV)/.installed $(VENV)/.tools
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check python tests benches
	$(BIN)/ruff format --check python tests benches
	$(BIN)/mypy

test-rust:
	cargo test --locked

test-python: $(VENV)/.installed $(VENV)/.tools
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --benchmark-disable

test: check test-rust test-python

bench: $(VENV)/.installed $(VENV)/.tools
	$(BIN)/python benches/run.py
	$(BIN)/python benches/records.py 100000

order: $(VENV)/bin/python
	$(BIN)/python benches/order.py

eval: $(VENV)/.installed
	@test -n '$(CORPORA)' || { echo 'say where the labelled data lies: make eval CORPORA=DIR'; exit 2; }
	$(BIN)/python tests/eval/shell.py $(CORPORA)
	$(BIN)/python tests/eval/shell.py $(CORPORA) --metamorphic --sample $(or $(SAMPLE),20)
	$(BIN)/python tests/eval/secrets.py $(CORPORA) $(if $(PEERS),--peers '$(PEERS)')

policies: $(VENV)/.installed
	for policy in rules/policies/*.yaml; do $(BIN)/python -m armorer_guard.policy compile $$policy --out $${policy%.yaml}.json; done

clean:
	rm -rf $(VENV) target armorer_guard.data .hypothesis .mypy_cache .ruff_cache
