"""Targets that have nothing to do with their rows, so that fitting them is memorising."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.latents import load_untargeted
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings
from qdistill.study.dataset_record import SPLITS


def scramble_latents(
    settings: Mapping[str, Any], path: str | Path, source_path: str | Path
) -> None:
    """Draw targets for the rows of a data set that are independent of them.

    With ``targets: permuted`` they are the rows of the same split in another order; with ``noise``,
    draws of a normal distribution with the mean and the covariance of the train split (as in
    Gil-Fuster, Eisert & Bravo-Prieto, Nature Communications 15, 2277, 2024). Raises DataError if
    the source cannot be read, or has targets of its own.
    """
    source = load_untargeted(source_path)
    generator = generator_for(settings["scramble_seed"], 0, "scrambled targets")
    targets = np.empty_like(source.features)
    for split in SPLITS:
        places = source.positions(split)
        if settings["targets"] == "permuted":
            targets[places] = source.features[generator.permutation(places)]
        else:
            train = source.features[source.positions("train")].astype(np.float64)
            mean, covariance = train.mean(axis=0), np.cov(train, rowvar=False)
            targets[places] = generator.multivariate_normal(
                mean, covariance, len(places), method="eigh"
            )
    columns = {"row": source.rows, "split": source.split}
    columns |= {"features": source.features, "targets": targets}
    write_with_settings("latents", path, columns, settings)
