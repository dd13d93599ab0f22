# Every target sets up what it needs: a virtual environment with pinned packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ifneq ($(wildcard ../shared/data),)
export AUSCULT_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test check format bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    build, predict, refuse and verify on simulated exports (about half a minute after installation)"
	@echo "make test    run the tests"
	@echo "make check   format, lint, types, arrows"
	@echo "make bench   speed comparisons and the table of results; RECIPE=recipes/….toml runs one recipe"

$(READY): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[all,dev,bench]" --constraint constraints.txt
	touch $(READY)

demo: $(READY)
	$(BIN)/python examples/demo.py

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python benchmarks/all.py $(if $(RECIPE),--recipe $(RECIPE))

clean:
	rm -rf $(VENV) build dist runs .mypy_cache .ruff_cache .import_linter_cache
