"""The task of finding a clean latent from a corrupted one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.latents import load_untargeted
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings


def corrupt_latents(settings: Mapping[str, Any], path: str | Path, source_path: str | Path) -> None:
    """Corrupt the latents of a data set; the clean ones become the targets.

    Rows and splits stay the source's. Raises DataError if the source cannot be read, or has targets
    of its own.
    """
    source = load_untargeted(source_path)
    train = source.features[source.positions("train")].astype(np.float64)
    spread = float(np.sqrt(train.var(axis=0).mean()))
    columns = {
        "row": source.rows,
        "split": source.split,
        "features": corrupted(source.features, spread, settings),
        "targets": source.features,
    }
    write_with_settings("latents", path, columns, settings)


def corrupted(features: np.ndarray, spread: float, settings: Mapping[str, Any]) -> np.ndarray:
    """Add noise to every feature of clean latents, then set some to zero: float32, (rows, D).

    The spread is the standard deviation of a feature, the mean over features in quadrature. Of
    the settings, ``noise`` is the standard deviation of the added Gaussian noise in units of the
    spread, ``dropout`` the probability that a feature of a row is set to zero, and
    ``corruption_seed`` fixes both.
    """
    seed = settings["corruption_seed"]
    noise = generator_for(seed, 0, "corruption noise").standard_normal(features.shape)
    drawn = generator_for(seed, 0, "corruption dropout").random(features.shape)
    kept = drawn >= settings["dropout"]
    return ((features + settings["noise"] * spread * noise) * kept).astype(np.float32)
