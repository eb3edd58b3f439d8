"""Every kind of data set is written by the function that its record names."""

import numpy as np
import pytest

from qdistill.datasets.generation import generate_latents
from qdistill.datasets.latents import load_latents
from qdistill.study.dataset_kinds import KINDS
from qdistill.study.datasets import record_of, resolve_dataset

ROWS = {"train": 30, "unlabelled": 20, "heldout": 10}
SYNTHETIC = {"qubits": 2, "rank": 2, "signal_variance": 0.02, "noise_variance": 0.01, **ROWS}
DERIVED = {"source": {"name": "clean", "kind": "synthetic", **SYNTHETIC}}
DIGITS = {"name": "digits", "train": 60, "unlabelled": 20, "heldout": 40}
LABELLED = {"source": DIGITS, "least_rows": 2}
GENERATED = {"qubits": 2, **ROWS}
ENTRIES = {
    "synthetic": SYNTHETIC,
    "digits": ROWS,
    "vectors": {"qubits": 2, "path": "vectors.npy"},
    "corrupted": DERIVED,
    "scrambled": DERIVED,
    "labels": LABELLED,
    "shuffled-labels": LABELLED,
}


VECTOR_KINDS = [
    kind
    for kind, record in KINDS.items()
    if not (record.is_text or record.is_base or record.is_language or record.is_benchmark)
]


@pytest.mark.parametrize("kind", VECTOR_KINDS)
def test_what_is_written_has_the_rows_and_the_width_that_were_known_before(
    tmp_path, monkeypatch, kind
):
    monkeypatch.chdir(tmp_path)
    np.save("vectors.npy", np.random.default_rng(0).standard_normal((60, 5)))
    settings = resolve_dataset({"name": "mine", "kind": kind, **ENTRIES.get(kind, GENERATED)})
    sources = record_of(settings).files()
    if "source" in settings:
        generate_latents(settings["source"], "clean.parquet")
        sources = ["clean.parquet"]
    generate_latents(settings, "latents.parquet", sources)
    latents = load_latents("latents.parquet")
    rows, width = record_of(settings).inspect()
    assert {split: len(latents.positions(split)) for split in ROWS} == rows
    assert latents.features.shape[1] == width
    assert (latents.targets is not None) == KINDS[kind].has_targets
