"""The kinds of data sets with the settings that each takes, and the built-in data sets."""

from __future__ import annotations

from typing import Any

# Settings with a default, per kind; those in REQUIRED must be given.
KIND_DEFAULTS: dict[str, dict[str, Any]] = {
    "synthetic": {
        "generator_seed": 0,
        "train": 10_000,
        "unlabelled": 2_000,
        "heldout": 1_000,
    },
    "digits": {
        "qubits": 4,
        "train": 1_000,
        "unlabelled": 397,
        "heldout": 400,
        "split_seed": 0,
    },
    "docstrings": {
        "qubits": 6,
        "niche_package": "pennylane",
        "general_packages": [
            "matplotlib",
            "numpy",
            "pandas",
            "scikit-learn",
            "scipy",
            "statsmodels",
            "torch",
        ],
        "train": 1_400,
        "heldout": 800,
        "unlabelled_niche": 800,
        "unlabelled_general": 1_000,
        "encoder": None,
        "minimum_characters": 80,
        "maximum_characters": 600,
        "split_seed": 0,
    },
    "vectors": {
        "column": None,
        "unlabelled_fraction": 0.2,
        "heldout_fraction": 0.3,
        "split_seed": 0,
    },
    "text": {
        "text_column": None,
        "document_column": None,
        "label_column": None,
        "encoder": None,
        "minimum_characters": 20,
        "maximum_characters": 2_000,
        "unlabelled_fraction": 0.2,
        "heldout_fraction": 0.3,
        "duplicates": "report",
        "split_seed": 0,
    },
    "corrupted": {
        "noise": 0.5,
        "dropout": 0.2,
        "corruption_seed": 0,
    },
    "teacher-circuit": {
        "qubits": 6,
        "layers": 2,
        "angle_range": 1.0,
        "generator_seed": 0,
        "train": 500,
        "unlabelled": 500,
        "heldout": 1_000,
    },
    "markov": {
        "qubits": 6,
        "concentration": 0.1,
        "generator_seed": 0,
        "train": 500,
        "unlabelled": 500,
        "heldout": 1_000,
    },
}

REQUIRED: dict[str, tuple[str, ...]] = {
    "synthetic": ("qubits", "rank", "signal_variance", "noise_variance"),
    "digits": (),
    "docstrings": (),
    "vectors": ("qubits", "path"),
    "text": ("qubits", "path"),
    "corrupted": ("source",),
    "teacher-circuit": (),
    "markov": (),
}

# The synthetic ones are calibrated against the article's published errors of the quantum model
# at n >= 500 alone, so that n = 100 and the whole classical column stay predictions.
PRESETS: dict[str, dict[str, Any]] = {
    "synthetic-4q": {
        "kind": "synthetic",
        "qubits": 4,
        "rank": 8,
        "signal_variance": 0.0232,
        "noise_variance": 0.01255,
    },
    "synthetic-6q": {
        "kind": "synthetic",
        "qubits": 6,
        "rank": 16,
        "signal_variance": 0.0013,
        "noise_variance": 0.0026,
    },
    "digits": {"kind": "digits"},
    "docstrings": {"kind": "docstrings"},
    "vectors": {"kind": "vectors"},
    "synthetic-4q-corrupted": {"kind": "corrupted", "source": "synthetic-4q"},
    "synthetic-6q-corrupted": {"kind": "corrupted", "source": "synthetic-6q"},
    "digits-corrupted": {"kind": "corrupted", "source": "digits"},
    "docstrings-corrupted": {"kind": "corrupted", "source": "docstrings"},
    "teacher-circuit": {"kind": "teacher-circuit"},
    "markov-null": {"kind": "markov"},
}
