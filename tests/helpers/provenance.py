"""A study's folder with its provenance, of files whose content is of no account."""

import os
from pathlib import Path

from qdistill.provenance.crate import StudyFiles, write_crate

CRATE = "ro-crate-metadata.json"
INPUTS = ["data/d/latents.parquet", "own.csv"]
RESULTS = ["results/s/metrics.parquet", "results/s/verdict.html", "results/s/figures/a b.svg"]
ADAPTER = "results/s/d/adapter"
SETTINGS = {"study": "s", "n": [5], "path": "/outside/elsewhere.npy"}


def make_study(folder):
    """Files of a study in ``folder/clone``, and one outside: the clone."""
    clone, outside = folder / "clone", folder / "outside/elsewhere.npy"
    parts = [f"{ADAPTER}/config.json", f"{ADAPTER}/inner/model.onnx", f"{ADAPTER}/.hidden"]
    own = [clone / name for name in ("Snakefile", *INPUTS, *RESULTS, *parts)]
    for stamp, path in enumerate([*own, outside]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {path.name}")
        os.utime(path, (1_000_000_000 + 60 * max(stamp - 3, 0),) * 2)
    (clone / ADAPTER).touch()
    os.utime(clone / ADAPTER, (1_000_001_000,) * 2)
    return clone


def write_provenance(folder, adapter=(ADAPTER,)):
    """The crate of :func:`make_study`, written in the clone."""
    inputs = [*INPUTS, str(folder / "outside/elsewhere.npy")]
    files = StudyFiles(inputs, [*RESULTS, *adapter], Path.cwd() / "Snakefile")
    write_crate("s", SETTINGS, files, f"results/s/{CRATE}")
