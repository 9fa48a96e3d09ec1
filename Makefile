# Everything runs in a virtual environment of its own, made on first use and renewed when
# pyproject.toml or the compiled kernel changes. Needs python3 (3.11 or later) and access to a
# package index; with a C compiler the kernel is compiled, else NumPy does its work.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help demo test test-reference sanitize lint docs bench clean

help:
	@echo "make demo            fit, apply and invert the sample data; output in demo-output/"
	@echo "make test            run the tests; pass arguments to pytest with ARGS='-k minmax'"
	@echo "make test-reference  run those of numbers and bytes with the NumPy kernel"
	@echo "make sanitize        run the compiled kernel under AddressSanitizer and UBSan"
	@echo "make lint            ruff and mypy"
	@echo "make bench           normcli and its peers side by side; writes benchmarks/RESULTS.md"
	@echo "make docs            write the generated pages and the JSON Schema anew"
	@echo "make clean           remove the virtual environment, caches and demo-output/"

demo: $(VENV)/.installed
	@PATH="$(abspath $(BIN)):$$PATH" bash sample_data/demo.sh demo-output

test: $(VENV)/.test-ready
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-reference: $(VENV)/.test-ready
	@NORMCLI_KERNEL=numpy $(BIN)/python -m pytest -n auto --dist worksteal tests/laws tests/precision \
		tests/reproducibility $(ARGS)

# Small limits make what is rare happen often: full bins, carries, another unit, blocks of 8 values.
sanitize: $(VENV)/.test-ready
	@mkdir -p build/sanitized/normcli
	@cp -r normcli build/sanitized/ && rm -f build/sanitized/normcli/*.so
	@for name in _exact _keys _select; do $(CC) -shared -fPIC -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -fno-omit-frame-pointer -DPy_LIMITED_API=0x030B0000 \
		-DBLOCK=8 -DBIN_LIMIT=64 -DFEW=16 -DSMALL_LIMIT=64 -DCARRY_LIMIT=100 -DREVIEW_AFTER=32 \
		-DSORTED=16 -DRUN=1 -DWORTH_EIGHT=8 -DFIRST_SLOTS=2 -DHASH_MASK=3 -DARENA=16 \
		-I"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" \
		build/sanitized/normcli/$$name.c -o build/sanitized/normcli/$$name.abi3.so || exit 1; done
	@LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 \
		PYTHONMALLOC=malloc PYTHONPATH=build/sanitized PYTHONSAFEPATH=1 \
		$(BIN)/python -m pytest -q -p no:cacheprovider -o pythonpath= \
		tests/precision/test_compiled.py tests/precision/test_keys.py tests/precision/test_keytable.py \
		tests/selection/test_loops.py

lint: $(VENV)/.test-ready
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@MYPYPATH=docs $(BIN)/mypy docs/*.py sample_data/*.py

bench: $(VENV)/.installed
	@$(PIP) install --group bench
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.test-ready
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml setup.py $(wildcard normcli/*.[ch])
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
