# make run   sets everything up and discovers a heuristic on generated formulas
# make test  sets everything up and passes the tests
# make lint  checks format, style and types
# make clean removes the environment and what was built

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find solvers -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' -o -name CMakeLists.txt)

# Two families on which the solver as it ships leaves room, small enough for a search of minutes.
DEMO := --instances sgen:21,coloring:105 --per-family 40 --evals 32 --seed 1 \
	--slots switch_mode,restart_due,score_clauses,bump_variables

.PHONY: run test lint format clean
.DEFAULT_GOAL := run

run: $(VENV)/ready
	$(BIN)/slotforge discover sat $(DEMO)

test: $(VENV)/ready-dev lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -rs

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(filter %.c %.h %.cpp %.hpp,$(SOURCES))
	$(BIN)/mypy

format: $(VENV)/ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(filter %.c %.h %.cpp %.hpp,$(SOURCES))

$(VENV)/python: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("slotforge needs Python 3.11 or newer: set PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.lock
	touch $@

$(VENV)/ready: $(VENV)/python pyproject.toml CMakeLists.txt $(SOURCES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.lock requirements-torch.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet -r requirements-torch.txt
	touch $@

clean:
	rm -rf $(VENV) build
