# NeuraLearn. `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo run test test-faults soak lint types protos migrate bench clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.local ## start everything, prepare sample_dataset.csv, show and save the results, stop everything
	@$(BIN)/python -m deploy.local demo $(if $(MODE),--mode $(MODE)) $(if $(TARGET),--target "$(TARGET)") $(if $(FILE),--file "$(FILE)")

run: $(VENV)/.local ## run the whole stack in the foreground until Ctrl-C; data under .local/
	@$(BIN)/python -m deploy.local run

test: $(VENV)/.dev ## run the whole suite against real embedded servers
	@$(BIN)/python -m pytest $(ARGS)

test-faults: $(VENV)/.dev ## kill, cut off, fill up and overload everything, and look whether a promise breaks (ARGS="--seed 7")
	@$(BIN)/python -m pytest tests/faults $(ARGS)

soak: $(VENV)/.dev ## every fault at random for MINUTES (60), then a ledger of every dataset that was accepted
	@$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/.dev ## check style, contracts, and that generated code is current
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python protos/generate.py .local/pb && diff -r -x __pycache__ .local/pb shared/pb
	@$(BIN)/buf lint && $(BIN)/buf format --diff --exit-code protos
	@if git rev-parse --verify --quiet origin/main:protos >/dev/null; then \
		rm -rf .local/before && mkdir -p .local/before/.local && cp -r .local/googleapis .local/before/.local/ \
		&& git archive origin/main protos buf.yaml | tar -x -C .local/before \
		&& $(BIN)/buf breaking --against .local/before; fi

types: $(VENV)/.dev ## check types
	@$(BIN)/mypy

protos: $(VENV)/.dev ## regenerate shared/pb from protos/
	@$(BIN)/python protos/generate.py

migrate: $(VENV)/.local ## bring DATABASE_URL's tables up to date
	@$(BIN)/python -m alembic upgrade head

bench: $(VENV)/.dev ## measure pipeline, service and quality on generated data (PARTS="quality ai pipeline service")
	@$(BIN)/python -m tests.bench $(PARTS)

clean: ## remove the environment, the data of `make run`, and every output
	rm -rf $(VENV) .local demo_output .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "NeuraLearn needs Python 3.11 or newer; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.local: requirements.lock | $(VENV)/bin/python
	@echo "Installing what the services need (a minute or two the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.local
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
