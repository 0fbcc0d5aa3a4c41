# Five commands: demo, test, test-all, check, bench. Each sets up what it needs; Python 3.11+ and make are all that must be there.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# tests run in so many processes of one thread each
WORKERS ?= 2
READY = $(VENV)/.ready
DEV = $(VENV)/.ready-dev
NOTES = $(VENV)/.ready-notebooks

.PHONY: demo test test-all check bench clean

demo: $(READY)  ## a lookbook in lookbook/index.html
	$(BIN)/muslin design --count 12 --out lookbook

test: $(DEV) check  ## everything that CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-all: test $(NOTES)  ## and both notebooks, executed from top to bottom at small scale
	$(BIN)/python notebooks/run.py notebooks/muslin.ipynb build/notebooks/en
	$(BIN)/python notebooks/run.py notebooks/muslin.zh-CN.ipynb build/notebooks/zh-CN

check: $(DEV)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)  ## the benchmarks (the article's side needs TensorFlow: pip install -e '.[tensorflow]')
	$(BIN)/python benchmarks/style_step.py
	$(BIN)/python benchmarks/style_fast.py --no-peer
	$(BIN)/python benchmarks/style_memory.py --sizes 512,1024
	$(BIN)/python benchmarks/styles.py starter bench-styles --garments 2 --peers neural-style
	$(BIN)/python benchmarks/classic_speed.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/quality.py starter --minutes 2 --samples 1000

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

$(NOTES): $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[notebooks]'
	touch $@

clean:
	rm -rf $(VENV) build/notebooks lookbook dressed drafts
