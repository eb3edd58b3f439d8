# The checked configuration, and the names of files that several parts use.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The library, here and in every job, also where a job has a conda environment of its own.
sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from qdistill.configuration import resolve_study
from qdistill.errors import ConfigurationError
from qdistill.jobs import share_library
from qdistill.registry import BOTTLENECKS, REFERENCES, STUDENTS

share_library()

try:
    STUDY = resolve_study(config)
except ConfigurationError as error:
    raise WorkflowError(str(error))

RESULTS = f"results/{STUDY.name}"
LOGS = f"logs/{STUDY.name}"
BENCHMARKS = f"benchmarks/{STUDY.name}"

LATENTS = "data/{dataset}/latents.parquet"
SUBSET = "data/{dataset}/subsets/n~{n}/seeds~{block}.parquet"
RUN = f"{RESULTS}/{{dataset}}/n~{{n}}/seeds~{{block}}"
TEACHER = f"{RUN}/quantum/weights.safetensors"
UNITARY = f"{RUN}/quantum/unitary.parquet"
SOFT_TARGETS = f"{RUN}/quantum/soft_targets.parquet"


wildcard_constraints:
    dataset="[a-z0-9-]+",
    n="[0-9]+",
    block="[0-9]+-[0-9]+",


def every_n(pattern):
    """The pattern for each number of labelled examples; other wildcards stay."""
    return expand(pattern, n=STUDY.n, allow_missing=True)


def one_of(names):
    """A wildcard constraint; it matches nothing real where there are no names."""
    return "|".join(names) or "nothing-of-this-kind"


def datasets_of(kind):
    """Names of the study's data sets of one kind."""
    return [
        name for name, settings in STUDY.datasets.items() if settings["kind"] == kind
    ]


def dataset_settings(wildcards):
    return STUDY.datasets[wildcards.dataset]


def qubits(wildcards):
    return STUDY.datasets[wildcards.dataset]["qubits"]


def run_files(file, names_of):
    """A file of every run of the study, for the names that `names_of(dataset)` gives."""
    return [
        f"{RESULTS}/{dataset}/n~{n}/seeds~{block}/{name}/{file}"
        for dataset in STUDY.datasets
        for n in STUDY.n
        for block in STUDY.blocks
        for name in names_of(dataset)
    ]


def student_sources(wildcards):
    """What a student is made from: soft targets if it is distilled, else the unitary."""
    if STUDENTS[wildcards.student].method == "distil":
        return {"soft_targets": expand(SOFT_TARGETS, n=STUDY.n, **wildcards)}
    return {"unitary": expand(UNITARY, n=STUDY.n, **wildcards)}
