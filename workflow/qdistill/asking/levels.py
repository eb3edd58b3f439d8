"""Studies of one data set, from the one that says most to the one that takes least."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from qdistill.asking.inputs import LEAST_OF_CLASS, Source
from qdistill.errors import ConfigurationError
from qdistill.places import ROOT
from qdistill.study.registry import needs_qubits
from qdistill.study.widths import qubits_of

LEAST_BYTES, MOST_BYTES = 4, 4_096
_FIRST_N = 100  # beside the largest, to show whether more rows help
_CIRCUITS = ("square", "separable", "frozen_circuit", "quantum")
_VECTORS = ("mean", "pca", "pca_cv", "linear", "classical", *_CIRCUITS, "linear_tuned")
_FEW_VECTORS = ("mean", "pca", "linear", "classical", "square", "quantum", "linear_tuned")
_STUDENTS = ("compiled", "distilled_pool")
_CLASSIFIERS = ("mean", "nearest_centroid", "nearest_neighbours", "logistic", "svm_linear")
_LABELS = (*_CLASSIFIERS, "svm_rbf", "mlp", "linear", "classical", *_CIRCUITS)
_FEW_LABELS = ("mean", "nearest_centroid", "logistic", "svm_rbf", "linear", "square", "quantum")
_TRAINED_ON_VECTORS = {"protocol": "regularised", "layers": 6}
# Codes for a vector store, of which one is exported, as config/studies/which-adapter.yaml has them.
_NEAR = ("pca", "linear")
_TRAINED_FOR_NEIGHBOURS = {
    "protocol": "article",
    "objective": "neighbours",
    "rows": "both",
    "start": "pca",
    "epochs": 30,
    "batch_size": 256,
    "learning_rate": 0.0003,
    "schedule": "cosine",
}
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

    They are no wider than what is below the number of features. Circuits stand where that many is
    a power of two. Raises ConfigurationError if there are none of that size.
    """
    if not LEAST_BYTES <= size <= MOST_BYTES:
        raise ConfigurationError(
            f"bytes: found {size}; allowed are numbers from {LEAST_BYTES} to {MOST_BYTES:,}"
        )
    if features is None:
        return {"qubits": qubits_of(LEAST_BYTES)}
    if features <= LEAST_BYTES:
        raise ConfigurationError(
            f"vectors of {features} numbers are not to be made shorter; give some of more than "
            f"{LEAST_BYTES}"
        )
    most = min(size, features - 1)
    return {"qubits": most.bit_length() - 1} if qubits_of(size) else {"width": most}


def configurations(source: Source, size: int) -> Iterator[dict[str, Any]]:
    """Yield the configurations of a data set's studies with codes of so many bytes."""
    for level in LEVELS:
        yield _configuration(source, size, level)


def _configuration(source: Source, size: int, level: Level) -> dict[str, Any]:
    name, sizes, told = source.settings["name"], _sizes(source, level.most_n), bool(source.classes)
    models, students = _names(told, level.few, bool(qubits_of(size)))
    near = {"n": sizes[-1:], "models": list(_NEAR), "students": []}
    near |= {"training": _TRAINED_FOR_NEIGHBOURS}
    deployed = {"dataset": name, "protocol": "article", "n": sizes[-1], "model": "auto"}
    return {
        "study": name,
        "datasets": [_entry(source, size)],
        "n": sizes,
        "seeds": level.seeds,
        "models": models,
        "students": students,
        "pool_sweep": [],
        "sweeps": [],
        "training": _TRAINED_ON_LABELS if told else _TRAINED_ON_VECTORS,
        "tracks": dict.fromkeys(_default_tracks()) | ({} if told else {"neighbours": near}),
        "downstream": None if told else {"datasets": "all"},
        "retrieval": None if told else {"neighbours": 10, "bytes": [size], "datasets": "all"},
        "cost": None,
        "deploy": None if told else deployed,
        "mlflow": {"enabled": False},
    }


def _entry(source: Source, size: int) -> dict[str, Any]:
    """Return the data set of a study, as its configuration has it."""
    unsized = {key: value for key, value in source.settings.items() if key != "qubits"}
    entry: dict[str, Any] = unsized | width_of_codes(size, source.features)
    if entry["kind"] == "text":
        entry["duplicates"] = "drop"  # of which training rows never are
    if not source.classes:
        return entry
    labels = {"name": f"{entry['name']}-labels", "kind": "labels", "source": entry}
    return {**labels, "least_rows": LEAST_OF_CLASS, "rare": "drop"}


def _names(told: bool, few: bool, has_circuits: bool) -> tuple[list[str], list[str]]:
    """Select models and students, of classes or of vectors."""
    models: tuple[str, ...] = _FEW_VECTORS if few else _VECTORS
    if told:
        models = _FEW_LABELS if few else _LABELS
    students = () if told or few else _STUDENTS
    if has_circuits:
        return [*models], [*students]
    return [x for x in models if not needs_qubits(x)], [x for x in students if not needs_qubits(x)]


def _default_tracks() -> list[str]:
    """List the tracks that a study has unless it says otherwise."""
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)["tracks"])


def _sizes(source: Source, most: int) -> list[int]:
    """Return the largest n within a limit, and a smaller one before it."""
    least = 2
    if source.classes:  # each has two rows or more among the first n
        rarest = min(source.classes.values())
        least = min(math.ceil(2 * source.train / rarest) + len(source.classes), source.train)
    largest = max(min(source.train, most), least)
    first = max(_FIRST_N, least)
    return [first, largest] if 2 * first <= largest else [largest]
