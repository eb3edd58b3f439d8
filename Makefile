# The commands of this project; `make help` lists them.
PYTHON ?= python3.11
STUDY ?= config/config.yaml
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help install study test ui lint benchmark

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv with the pinned dependencies and the library

# torch comes first, so that the version pinned there satisfies what the others ask for.
$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(shell grep '^torch==' requirements.txt)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

study: install  ## run the default study (or STUDY=config/studies/smoke.yaml) and write the report
	$(BIN)/snakemake --cores $(CORES) --configfile $(STUDY)
	$(BIN)/snakemake --configfile $(STUDY) --report reports/report.html
	@echo "Read reports/verdict.md, then open reports/report.html"

test: install  ## run linters and tests
	$(MAKE) lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

ui: install  ## open the MLflow UI on the runs of all studies
	MLFLOW_DISABLE_TELEMETRY=true $(BIN)/mlflow ui --backend-store-uri sqlite:///results/mlflow.db

benchmark: install  ## time training and inference beside PennyLane and other simulators
	$(BIN)/snakemake --cores $(CORES) --configfile $(STUDY) --forcerun time_engines -- benchmark_engines
