# `make demo`, `make test`, `make quick`, `make docs` and `make bench` do all the set-up themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Not quiet: what takes minutes on a new machine says what it is doing.
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO := build/demo
# Given to pytest, for example PYTEST_FLAGS="--require-cross -k conv2d".
PYTEST_FLAGS ?=
# Given to the benchmark, for example BENCH_FLAGS="--optimize all --update".
BENCH_FLAGS ?=
# Given to the fuzzer, for example FUZZ_FLAGS="--mutants 1000 --seed 7".
FUZZ_FLAGS ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# The workers fill the cores; threads of the linear algebra library would only get into their way.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: help demo test quick lint docs bench fuzz cross cache clean

help:
	@echo "make demo   build examples/digits for microcontrollers, a Raspberry Pi and here, and what it costs"
	@echo "make test   lint, types, layers and the whole test suite"
	@echo "make quick  the same without the slow tests"
	@echo "make docs   the documentation as a site, in build/site: open index.html"
	@echo "make bench  what the examples cost on every Cortex-M core, against the committed figures;"
	@echo "            MODELS=folder DATA=folder for the benchmark's own models, see benchmarks/README.md"
	@echo "make fuzz   20,000 damaged models, 100 builds killed at random moments, 20 pairs of builds at once; FUZZ_FLAGS"
	@echo "make clean  remove the virtual environment and everything built"

demo: cross $(VENV)/.demo
	$(BIN)/python examples/digits/demo.py --output $(DEMO)

test: cross cache lint
	$(PYTEST) $(PYTEST_FLAGS)

quick: cross cache lint
	$(PYTEST) -m "not slow" $(PYTEST_FLAGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z 'firmware/*.[ch]' 'examples/*.[ch]' | xargs -0 $(BIN)/clang-format --dry-run --Werror

docs: $(VENV)/.docs
	$(BIN)/python -m mkdocs build --strict --quiet
	@echo "open build/site/index.html"

bench: cross $(VENV)/.demo
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.cortex_m --jobs $(JOBS) \
		$(if $(MODELS),--models $(MODELS) --data $(or $(DATA),$(MODELS))) $(BENCH_FLAGS)

# Each damaged model is refused with a message or compiled; what is killed leaves a whole build; runs share nothing.
fuzz: $(VENV)/.test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/fuzz/campaign.py --jobs $(JOBS) $(FUZZ_FLAGS)
	$(PYTEST) --full tests/e2e/test_interrupted.py tests/e2e/test_threads_of_models.py

# The Arm compiler and the emulator; without them everything goes on as far as it can.
cross:
	@sh tests/tools/system.sh cross

# Most programs of the tests have kernels in common.
cache:
	@sh tests/tools/system.sh cache

# Each of these files says that a step came to its end, so that one that was interrupted is done again.
$(VENV)/.python:
	@PYTHON="$(PYTHON)" sh tests/tools/system.sh venv
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.python
	@echo "installing Python packages into $(VENV), about 700 MB"
	$(PIP) install -e ".[zig,emulator]"
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.python
	@echo "installing Python packages into $(VENV), about 3 GB: TensorFlow is among them"
	$(PIP) install -e ".[zig,tensorflow,test,lint,docs]"
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: pyproject.toml $(VENV)/.python
	$(PIP) install "mkdocs-material>=9.5"
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
