# Every target makes its environment from nothing, with plain venv and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
READY := $(VENV)/.ready-$(shell cat constraints.txt pyproject.toml | cksum | cut -d' ' -f1)

.PHONY: demo test soak check format tables figures clean

demo: $(READY)   ## train on drawn images, print the table, draw the boxes
	$(BIN)/ganloc demo --out runs/demo

test: $(READY)   ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2  # two threads each would starve one another

soak: $(READY)   ## what takes long: every variant for 300 iterations, and more
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 soak

check: $(READY)  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV)

# torch first and alone: what else needs it is then satisfied by this build.
$(READY): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganloc needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	rm -f $(VENV)/.ready-*
	touch $@

tables: $(READY)   ## write the tables of docs/results/*.json into the docs
	$(BIN)/python benchmarks/render_docs.py

figures: demo    ## the figures of the docs, from docs/results and a demo
	cp runs/demo/boxes.png docs/demo.png
	$(BIN)/python benchmarks/draw_figures.py
