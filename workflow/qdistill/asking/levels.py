"""Studies of one data set, from the one that says most to the one that takes least."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qdistill.asking.inputs import LEAST_OF_CLASS, Source
from qdistill.errors import ConfigurationError

LEAST_BYTES, MOST_BYTES = 4, 4_096
_FIRST_N = 100  # beside the largest, to show whether more rows help
_CIRCUITS = ("square", "separable", "frozen_circuit", "quantum")
_VECTORS = ("mean", "pca", "pca_cv", "linear", "classical", *_CIRCUITS, "linear_tuned")
_FEW_VECTORS = ("mean", "pca", "linear", "classical", "square", "quantum", "linear_tuned")
_CLASSIFIERS = ("mean", "nearest_centroid", "nearest_neighbours", "logistic", "svm_linear")
_LABELS = (*_CLASSIFIERS, "svm_rbf", "mlp", "linear", "classical", *_CIRCUITS)
_FEW_LABELS = ("mean", "nearest_centroid", "logistic", "svm_rbf", "linear", "square", "quantum")
_TRAINED_ON_VECTORS = {"protocol": "regularised", "layers": 6}
_TRAINED_ON_LABELS = {
    "protocol": "regularised",
    "layers": 4,
    "regularised": {
        "steps": 300,
        "epochs": 0,
        "checks": 12,
        "learning_rates": [0.01],
        "weight_decays": [0.3, 3, 30],
    },
}


@dataclass(frozen=True)
class Level:
    """How much a study says."""

    few: bool  # models
    seeds: int
    most_n: int


# With fewer than five seeds most questions stay open.
LEVELS = (
    Level(few=False, seeds=10, most_n=4_000),
    Level(few=False, seeds=10, most_n=1_000),
    Level(few=False, seeds=5, most_n=1_000),
    Level(few=True, seeds=5, most_n=1_000),
    Level(few=True, seeds=5, most_n=500),
    Level(few=True, seeds=5, most_n=200),
    Level(few=True, seeds=3, most_n=100),
)


def width_of_codes(size: int, features: int | None = None) -> dict[str, int]:
    """Return how a data set is told the width of codes of so many bytes, one a number.

    They are no wider than what is below the number of features. Raises ConfigurationError if there
    are none of that size.
    """
    if not LEAST_BYTES <= size <= MOST_BYTES or size & (size - 1):
        raise ConfigurationError(
            f"bytes: found {size}; allowed are powers of two from {LEAST_BYTES} to {MOST_BYTES:,}"
        )
    if features is None:
        return {"qubits": LEAST_BYTES.bit_length() - 1}
    if features <= LEAST_BYTES:
        raise ConfigurationError(
            f"vectors of {features} numbers are not to be made shorter; give some of more than "
            f"{LEAST_BYTES}"
        )
    return {"qubits": min(size, features - 1).bit_length() - 1}


def configurations(source: Source, size: int) -> Iterator[dict[str, Any]]:
    """Yield the configurations of a data set's studies with codes of so many bytes."""
    for level in LEVELS:
        yield _configuration(source, size, level)


def _configuration(source: Source, size: int, level: Level) -> dict[str, Any]:
    entry = source.settings | width_of_codes(size, source.features)
    if entry["kind"] == "text":
        entry["duplicates"] = "drop"  # of which training rows never are
    name = entry["name"]
    models: tuple[str, ...] = _FEW_VECTORS if level.few else _VECTORS
    sizes = _sizes(source, level.most_n)
    if source.classes:
        entry = {"name": f"{name}-labels", "kind": "labels", "source": entry}
        entry |= {"least_rows": LEAST_OF_CLASS, "rare": "drop"}
        models = _FEW_LABELS if level.few else _LABELS
    told = bool(source.classes)
    return {
        "study": name,
        "datasets": [entry],
        "n": sizes,
        "seeds": level.seeds,
        "models": list(models),
        "students": [] if told or level.few else ["compiled", "distilled_pool"],
        "pool_sweep": [],
        "sweeps": [],
        "training": _TRAINED_ON_LABELS if told else _TRAINED_ON_VECTORS,
        "tracks": None,
        "downstream": None if told else {"datasets": "all"},
        "retrieval": None if told else {"neighbours": 10, "bytes": [size], "datasets": "all"},
        "cost": None,
        "deploy": None if told else {"dataset": name, "n": sizes[-1], "model": "auto"},
        "mlflow": {"enabled": False},
    }


def _sizes(source: Source, most: int) -> list[int]:
    """Return the largest n within a limit, and a smaller one before it."""
    least = 2
    if source.classes:  # each has two rows or more among the first n
        rarest = min(source.classes.values())
        least = min(math.ceil(2 * source.train / rarest) + len(source.classes), source.train)
    largest = max(min(source.train, most), least)
    first = max(_FIRST_N, least)
    return [first, largest] if 2 * first <= largest else [largest]
