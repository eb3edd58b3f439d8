"""How much memory a training job needs, for schedulers that place jobs by it."""

from qdistill.study.datasets import record_of
from qdistill.study.registry import STUDENTS
from qdistill.study.tracks import Track

IMPORTS = 600  # MB: torch, Numba, pandas, scikit-learn
_NUMBER = 4  # bytes of a float32
_MARGIN = 1.15
_PREDICTED_AT_ONCE = 2048  # rows; slot_model._EXAMPLES_AT_ONCE
# Taken for data that do not say their size before they are read.
UNDECLARED_ROWS = {"train": 10_000, "unlabelled": 2_000, "heldout": 4_000}
_UNDECLARED_WIDTH = 1_024


def job_megabytes(track: Track, dataset: str, name: str, seeds: int) -> int:
    """Estimate the peak memory of the job that trains a model or student, in 10**6 bytes.

    Counted are the copies that are alive at once: the data set as it is read; the parameters
    of all replicas four times (values, gradients, two moments), the seeds' weights as they
    start, end and are kept for each n until all are written; a batch with what the backward
    pass keeps of it, for a circuit one state a layer; and the predictions on held-out rows, for
    which rows are encoded 2,048 at a time. Where the data set does not declare its size, 16,000
    rows of 1,024 numbers are assumed.
    """
    settings = track.datasets[dataset]
    record = record_of(settings)
    rows, features = record.rows() or UNDECLARED_ROWS, record.width() or _UNDECLARED_WIDTH
    width = 2 ** settings["qubits"]
    chosen = track.settings_of(name)
    layers = chosen.get("layers") or max(chosen.get("tuned_layers", [0]))  # two states each
    # One replica of each seed is trained for each fold and each point of the grid, all at once.
    grid = chosen.get("regularised")
    points = len(grid["learning_rates"]) * len(grid["weight_decays"]) if grid else 1
    replicas = seeds * points * (grid["folds"] if grid else 1)
    pool = rows["unlabelled"] if name in STUDENTS else 0  # the sweep measures agreement there
    parameters = 2 * width * features + width + features + width**2
    numbers = (
        6 * sum(rows.values()) * features
        + (4 * replicas + (5 + len(track.n)) * seeds) * parameters
        + 4 * replicas * chosen.get("batch_size", 32) * (features + 2 * width)
        + replicas * (2 * layers + 4) * 2 * chosen.get("batch_size", 32) * width
        + (3 * replicas * (track.n[-1] // grid["folds"] + 1) * features if grid else 0)
        + 6 * seeds * max(track.n[-1], rows["heldout"], pool) * features
        + seeds * _PREDICTED_AT_ONCE * (features + 4 * width)
    )
    if name in STUDENTS:  # the teacher's codes of the labelled rows and of the pool
        numbers += 6 * seeds * (track.n[-1] + rows["unlabelled"]) * width + 3 * seeds * parameters
    return round(IMPORTS + _MARGIN * _NUMBER * numbers / 1e6)
