# The commands of this project; `make help` lists them.
PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13,$(shell command -v python$(v))) python3.11)
STUDY ?= config/config.yaml
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
CLUSTER := $(VENV)/cluster-installed
COMPILED := mlflow, numba, onnxruntime, pandera.pandas, peft, pennylane, scipy.stats, seaborn, \
	sentence_transformers, sklearn.decomposition, sklearn.linear_model, snakemake.cli, torch

.DEFAULT_GOAL := help
.PHONY: help install study test suite test-fast lint docs ui benchmark cluster servers

help:  ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv with the pinned dependencies and the library

# torch comes first, so that the version pinned there satisfies what the others ask for. Of all that is
# installed, which would take minutes, only what is imported is compiled; here, once, since where
# PYTHONDONTWRITEBYTECODE is set, as in many containers, every job would compile it anew. So are the
# passes of the circuit, by Numba.
$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile $(shell grep '^torch==' requirements.txt)
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	env --unset=PYTHONDONTWRITEBYTECODE $(BIN)/python -c "import $(COMPILED)"
	$(BIN)/python -c "from qdistill.circuits import angle_kernel, kernel; \
		kernel.load_passes(); angle_kernel.load_passes()"
	touch $@

cluster: $(CLUSTER)  ## add what Slurm, Kubernetes and S3 stores need

$(CLUSTER): $(STAMP) requirements-cluster.txt profiles/slurm/pyproject.toml \
		profiles/slurm/snakemake_executor_plugin_qdistill_slurm/__init__.py
	$(BIN)/python -m pip install --quiet --requirement requirements-cluster.txt
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall ./profiles/slurm
	touch $@

servers:  ## as root on Debian, add a Slurm and PostgreSQL for the tests, which skip theirs without
	apt-get update --quiet=2
	DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
		munge postgresql slurm-client slurmctld slurmd

study: install  ## run the default study (or STUDY=config/studies/smoke.yaml) and write the report
	$(BIN)/snakemake --cores $(CORES) --configfile $(STUDY)
	$(BIN)/snakemake --configfile $(STUDY) --report reports/report.html
	@echo "Read reports/verdict.md, then open reports/report.html"

# The linters, of which mypy takes a minute of one core, run beside the first tests.
test: cluster  ## run linters and tests
	$(MAKE) --jobs 2 lint suite

suite: cluster
	$(BIN)/python -m pytest -r s --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-fast: cluster  ## run the tests that answer soon: none that is slow or runs Snakemake
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not workflow"

lint: install  ## run the linters alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

docs: install  ## build the pages of docs/ and of the docstrings into site/
	$(BIN)/python -m pip install --quiet --editable .[docs]
	$(BIN)/mkdocs build --strict

ui: install  ## open the MLflow UI on the runs of all studies
	MLFLOW_DISABLE_TELEMETRY=true $(BIN)/mlflow ui --backend-store-uri sqlite:///results/mlflow.db

benchmark: install  ## time training and inference beside PennyLane and other simulators
	$(BIN)/snakemake --cores $(CORES) --configfile $(STUDY) --forcerun time_engines -- benchmark_engines
