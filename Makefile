# Two commands do all the set-up themselves: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo
# Given to pytest, for example PYTEST_FLAGS="--require-cross -k conv2d".
PYTEST_FLAGS ?=
# Given to the benchmark, for example BENCH_FLAGS="--optimize all --update".
BENCH_FLAGS ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help demo test lint unit bench clean

help:
	@echo "make demo   build examples/digits for Cortex-M and for the host, run it, print the figures"
	@echo "make test   lint, types, layers and the whole test suite"
	@echo "make bench  what the examples cost on every Cortex-M core, against the committed figures;"
	@echo "            MODELS=folder DATA=folder for the benchmark's own models, see benchmarks/README.md"
	@echo "make clean  remove the virtual environment and everything built"

$(BIN)/python:
	@sh tests/tools/system.sh venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[zig]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[zig,tensorflow,test,lint]"
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/python examples/digits/demo.py --output $(DEMO)

test: $(VENV)/.test
	@sh tests/tools/system.sh cross
	$(MAKE) --no-print-directory lint
	# The workers fill the cores; threads of the linear algebra library would only get into their way.
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) $(PYTEST_FLAGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z 'firmware/*.[ch]' 'examples/*.[ch]' | xargs -0 $(BIN)/clang-format --dry-run --Werror

bench: $(VENV)/.demo
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.cortex_m --jobs $(JOBS) \
		$(if $(MODELS),--models $(MODELS) --data $(or $(DATA),$(MODELS))) $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
