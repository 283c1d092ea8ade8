# Each target makes its own virtual environment from nothing: .venv for use, tests and lint, .venvs/bench for benchmarks with peers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip takes the constraints, so that two machines get the same versions.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint types imports tests bench compiled docs clean data

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[dev,ray,serve,svg,models,evaluate,office,ocr,rst,speech,video]'
	touch $@

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[serve,svg]'
	touch $@

demo: $(VENV)/.demo  ## build a corpus from a few hundred real pages, say what was dropped and why, and open it
	$(BIN)/python examples/demo.py

data: $(VENV)/.ready  ## the pages that tests and the demo read
	$(BIN)/limner data get sasview

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready
	$(BIN)/pyright

tests: $(VENV)/.ready data
	$(BIN)/python -m pytest --numprocesses=2

test: lint types tests  ## lint, types and the tests

.venvs/compiled/.ready: $(shell find src -name '*.py' -o -name '*.npz') pyproject.toml | $(VENV)/.ready
	rm -rf .venvs/compiled .venvs/source && mkdir -p .venvs/source
	cp -r pyproject.toml README.md LICENSE src .venvs/source/
	HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir .venvs/source/dist ./.venvs/source
	$(BIN)/python -m pip install --quiet --no-deps --target .venvs/compiled .venvs/source/dist/limner-*.whl
	touch $@

compiled: .venvs/compiled/.ready  ## the walk of a page as a C extension (needs a compiler), and the extractor's tests on it
	PYTHONPATH=.venvs/compiled $(BIN)/python -c "import limner.sources.html.walk as w; assert not w.__file__.endswith('.py'), w.__file__"
	PYTHONPATH=.venvs/compiled $(BIN)/python -m pytest tests/sources/html

bench: $(VENV)/.ready  ## every figure in the docs that is not a recipe's
	PYTHON=$(PYTHON) bash bench/run.sh

docs: $(VENV)/.ready  ## the pages that commands write
	$(BIN)/limner operators --markdown > docs/operators.md
	$(BIN)/limner recipe table > docs/reproductions.md

clean:
	rm -rf $(VENV) .venvs demo
