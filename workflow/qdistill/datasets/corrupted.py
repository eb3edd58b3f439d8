"""The task of finding a clean latent from a corrupted one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_table


def corrupt_latents(settings: Mapping[str, Any], path: str | Path, source_path: str | Path) -> None:
    """Corrupt the latents of a data set; the clean ones become the targets.

    Rows and splits stay the source's.

    Parameters
    ----------
    settings : mapping
        Of kind ``corrupted``, from :func:`~qdistill.study.datasets.resolve_dataset`.
    path : str or Path
        Where to write.
    source_path : str or Path
        ``latents.parquet`` of the source.

    Raises
    ------
    DataError
        If the source cannot be read, or has targets of its own.
    """
    source = load_latents(source_path)
    if source.targets is not None:
        raise DataError(f"{source_path}: has targets already; a source has features alone")
    train = source.features[source.positions("train")].astype(np.float64)
    spread = float(np.sqrt(train.var(axis=0).mean()))
    columns = {
        "row": source.rows,
        "split": source.split,
        "features": corrupted(source.features, spread, settings),
        "targets": source.features,
    }
    metadata = {"settings": json.dumps(dict(settings), sort_keys=True)}
    write_table("latents", path, columns, dict(settings), metadata)


def corrupted(features: np.ndarray, spread: float, settings: Mapping[str, Any]) -> np.ndarray:
    """Add noise to every feature, then set some to zero.

    Parameters
    ----------
    features : ndarray of float32, shape (rows, D)
        Clean latents.
    spread : float
        Standard deviation of a feature, the mean over features in quadrature.
    settings : mapping
        ``noise`` is the standard deviation of the added Gaussian noise in units of
        ``spread``, ``dropout`` the probability that a feature of a row is set to zero, and
        ``corruption_seed`` fixes both.

    Returns
    -------
    ndarray of float32, shape (rows, D)
    """
    seed = settings["corruption_seed"]
    noise = generator_for(seed, 0, "corruption noise").standard_normal(features.shape)
    kept = (
        generator_for(seed, 0, "corruption dropout").random(features.shape) >= settings["dropout"]
    )
    return ((features + settings["noise"] * spread * noise) * kept).astype(np.float32)
