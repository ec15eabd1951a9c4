# Each target sets up .venv first when it is missing or older than the lock.
PYTHON ?= python3
BIN := .venv/bin
# GPU=1: with the libraries that TensorFlow needs for NVIDIA's GPUs on Linux.
GPU ?=
INSTALLED := $(BIN)/.installed$(if $(filter 1,$(GPU)),-gpu)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install repro notebooks test test-all test-oldest test-newest lint readme ui bench lock

install: $(INSTALLED)

repro: $(INSTALLED)
	@git rev-parse --git-dir > /dev/null 2>&1 || { echo "this folder is no git repository, and DVC needs one: \
	git init && git add -A && git commit -m 'As it came'" >&2; exit 1; }
	dvc repro
	menagerie report

# The studies of the notebooks, and the page over them all; without a question: make notebooks ARGS=--yes
ARGS ?=
notebooks: $(INSTALLED)
	menagerie notebooks $(ARGS)

test: $(INSTALLED)
	pytest -m "not slow"

test-all: $(INSTALLED)
	pytest

# The same with the oldest and the newest versions that pyproject.toml admits. Each needs uv and has a venv of its own.
test-oldest: RESOLUTION := lowest-direct
test-newest: RESOLUTION := highest
test-oldest test-newest:
	uv venv --quiet --clear --python $(PYTHON) .venv-$(@:test-%=%)
	uv pip install --quiet --python .venv-$(@:test-%=%) --resolution $(RESOLUTION) -e '.[dev]'
	PATH="$(CURDIR)/.venv-$(@:test-%=%)/bin:$$PATH" pytest -m "not slow"

lint: $(INSTALLED)
	ruff check . && ruff format --check .

readme: $(INSTALLED)
	menagerie readme

# For others: make ui HOST=0.0.0.0 ALLOWED_HOSTS=box.example.org,10.0.0.7, the names that they type. It asks for no password.
HOST ?= 127.0.0.1
PORT ?= 5000
ALLOWED_HOSTS ?=
comma := ,
space := $(subst ,, )
hosts := $(addsuffix :$(PORT),localhost 127.0.0.1 $(subst $(comma), ,$(ALLOWED_HOSTS)))
listed = $(subst $(space),$(comma),$(strip $(1)))
others := --allowed-hosts '$(call listed,$(hosts))' --cors-allowed-origins '$(call listed,$(addprefix http://,$(hosts)))'
ui: $(INSTALLED)
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
	mlflow ui --app-name menagerie --backend-store-uri sqlite:///mlflow.db --workers 1 --host $(HOST) --port $(PORT) \
	$(if $(ALLOWED_HOSTS),$(others))

bench: $(INSTALLED)
	for name in adding audit data evaluation frozen_prefix presets serving training tuning use; do python benchmarks/$$name.py || exit 1; done

# Needs uv, which writes no address of an index into the lock unless it is told to.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header -o requirements.lock
	uv pip compile pyproject.toml --extra dev --extra gpu --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header -c requirements.lock -o requirements-gpu.lock

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + "; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

$(BIN)/.installed-gpu: requirements-gpu.lock $(BIN)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-gpu.lock
	touch $@
