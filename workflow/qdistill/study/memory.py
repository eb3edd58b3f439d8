"""How much memory a job needs, for schedulers that place jobs by it."""

from collections.abc import Mapping
from typing import Any

from qdistill.study.account import of_rule, read_account
from qdistill.study.datasets import record_of
from qdistill.study.registry import ENTRIES, LABEL_STUDENTS, STUDENTS
from qdistill.study.tracks import ALL, Study, Track
from qdistill.study.widths import width_of

IMPORTS = 600  # MB: torch, Numba, pandas, scikit-learn
# MB, on a node of a cluster: Snakemake, and the process that the jobs of a group are forked from,
# whose pages a scheduler may count anew for each of them.
BESIDE = 900
# Rules whose jobs train a model or a student.
TRAINING_RULES = (
    *("train_model", "tune_model", "sweep_settings", "fit_student", "sweep_pool", "distil_labels"),
)
_NUMBER = 4  # bytes of a float32
_MARGIN = 1.15
_PREDICTED_AT_ONCE = 2048  # rows; slot_model._EXAMPLES_AT_ONCE
# Taken for data that do not say their size before they are read.
UNDECLARED_ROWS = {"train": 10_000, "unlabelled": 2_000, "heldout": 4_000}
_UNDECLARED_WIDTH = 1_024


def rule_megabytes(study: Study, rule: str, wildcards: Mapping[str, str]) -> int:
    """Return the memory that a job of a rule needs, in 10**6 bytes, without :data:`BESIDE`.

    Training jobs need that of :func:`job_megabytes`, others what the account says of their rule,
    with the copies of a data set that they read.
    """
    name = "distilled_pool" if rule == "sweep_pool" else wildcards.get("model", "")
    if rule in TRAINING_RULES:
        track = study.problems[wildcards["dataset"], wildcards["protocol"]]
        return job_megabytes(track, wildcards["dataset"], name, study.config["seeds_per_block"])
    folders = {folder: name for name, folder in study.folders.items()}
    dataset = wildcards.get("dataset") or folders.get(wildcards.get("data", ""))
    numbers = 6 * _numbers_of(study.datasets[dataset]) if dataset else 0
    account = read_account()
    least = of_rule(rule, account["megabytes"], IMPORTS)
    if rule == "fit_references":
        track = study.problems[wildcards["dataset"], wildcards["protocol"]]
        own = (account["extras"].get(name, {}) for name in track.references)
        least = max([least, *(each.get("megabytes", 0) for each in own)])
    return round(least + _MARGIN * _NUMBER * numbers / 1e6)


def _numbers_of(settings: Mapping[str, Any]) -> int:
    """Count the numbers in the rows of a data set."""
    record = record_of(settings)
    rows, features = record.rows() or UNDECLARED_ROWS, record.features() or _UNDECLARED_WIDTH
    return sum(rows.values()) * features


def estimated_sizes(track: Track, dataset: str) -> tuple[int, ...]:
    """Return every n, and for all rows as many as a data set has, as far as that is known."""
    if ALL not in track.n:
        return track.numbers
    rows, _ = record_of(track.datasets[dataset]).inspect()
    return (*track.numbers, (rows or UNDECLARED_ROWS)["train"])


def job_megabytes(track: Track, dataset: str, name: str, seeds: int) -> int:
    """Estimate the peak memory of the job that trains a model or student, in 10**6 bytes.

    Counted are the copies that are alive at once: the data set as it is read; the parameters
    of all replicas four times (values, gradients, two moments), the seeds' weights as they
    start, end and are kept for each n until all are written; a batch with what the backward
    pass keeps of it, for a circuit one state a layer; of students, the rows that their teacher
    answers for; and the predictions on held-out rows, for which rows are encoded 2,048 at a
    time. Where the data set does not declare its size, 16,000 rows of 1,024 numbers are assumed.
    """
    settings = track.datasets[dataset]
    record = record_of(settings)
    rows, features = record.rows() or UNDECLARED_ROWS, record.features() or _UNDECLARED_WIDTH
    size = width_of(settings)
    width = ENTRIES[name].code_width(size)
    chosen = track.settings_of(name)
    # Of each layer two states are kept, of each block three.
    layers = chosen.get("layers") or 2 * chosen.get("blocks", 0)
    layers = layers or max(chosen.get("tuned_layers", [0]))
    # One replica of each seed is trained for each fold and each point of the grid, all at once.
    grid = chosen.get("regularised")
    points = len(grid["learning_rates"]) * len(grid["weight_decays"]) if grid else 1
    replicas = seeds * points * (grid["folds"] if grid else 1)
    pool = rows["unlabelled"] if name in STUDENTS else 0  # the sweep measures agreement there
    largest_n = estimated_sizes(track, dataset)[-1]
    taught = largest_n + taught_pool(name, rows)
    parameters = 2 * width * features + width + features + width**2
    numbers = (
        6 * _numbers_of(settings)
        + (4 * replicas + (5 + len(track.n)) * seeds) * parameters
        + 4 * replicas * chosen.get("batch_size", 32) * (features + 2 * width)
        + replicas * (2 * layers + 4) * 2 * chosen.get("batch_size", 32) * size
        + (3 * replicas * (taught // grid["folds"] + 1) * features if grid else 0)
        + 6 * seeds * max(largest_n, rows["heldout"], pool) * features
        + seeds * _PREDICTED_AT_ONCE * (features + 4 * width)
    )
    if name in LABEL_STUDENTS:  # rows of each seed's own, and what their teacher gives for them
        numbers += 3 * seeds * taught * (features + 2 * width)
    elif name in STUDENTS:  # the teacher's codes of the labelled rows and of the pool
        numbers += 6 * seeds * (largest_n + rows["unlabelled"]) * width + 3 * seeds * parameters
    return round(IMPORTS + _MARGIN * _NUMBER * numbers / 1e6)


def taught_pool(name: str, rows: Mapping[str, int]) -> int:
    """Return how many unlabelled rows the whole of a model or student is trained on."""
    return rows["unlabelled"] if name in LABEL_STUDENTS and ENTRIES[name].pool else 0
