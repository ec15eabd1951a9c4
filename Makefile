# Each target sets up .venv first when it is missing or older than the lock.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro test test-all lint readme ui bench lock

repro: $(BIN)/.installed
	dvc repro
	menagerie report

test: $(BIN)/.installed
	pytest -m "not slow"

test-all: $(BIN)/.installed
	pytest

lint: $(BIN)/.installed
	ruff check . && ruff format --check .

readme: $(BIN)/.installed
	menagerie readme

ui: $(BIN)/.installed
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
	mlflow ui --backend-store-uri sqlite:///mlflow.db --workers 1

bench: $(BIN)/.installed
	for name in data evaluation frozen_prefix training use serving; do python benchmarks/$$name.py || exit 1; done

# Needs uv, which writes no address of an index into the lock unless it is told to.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header -o requirements.lock

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + "; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@
