# Everything runs in a virtual environment of its own, made on first use and renewed when
# pyproject.toml changes. Needs python3 (3.11 or later) and access to a package index.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help demo test lint docs clean

help:
	@echo "make demo   fit, apply and invert the sample data; output in demo-output/"
	@echo "make test   run the tests; pass arguments to pytest with ARGS='-k minmax'"
	@echo "make lint   ruff and mypy"
	@echo "make docs   write the generated pages and the JSON Schema anew"
	@echo "make clean  remove the virtual environment, caches and demo-output/"

demo: $(VENV)/.installed
	@PATH="$(abspath $(BIN)):$$PATH" bash sample_data/demo.sh demo-output

test: $(VENV)/.test-ready
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.test-ready
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@MYPYPATH=docs $(BIN)/mypy docs/*.py sample_data/*.py

docs: $(VENV)/.test-ready
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml
	@echo "setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "normcli needs Python 3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test-ready: $(VENV)/.installed
	@echo "installing what the tests need …"
	@$(PIP) install --group test
	@touch $@
