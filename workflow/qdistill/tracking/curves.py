"""Learning curves as the MLflow index holds them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.storage.tables import read_frames

LOSSES = ("heldout_loss", "train_loss")
_CURVES = (*LOSSES, "validation_loss")

Run = tuple[str, str, int, str]  # dataset, protocol, n, model
Curve = tuple[list[int], list[float]]  # epochs, values


def read_histories(paths: Iterable[str | Path]) -> dict[Run, pd.DataFrame]:
    """Read tables of learning curves: the rows of each run, sorted by seed and epoch.

    Raises DataError if a file is missing or damaged.
    """
    whole = read_frames("history", paths).sort_values(["seed", "epoch"])
    return dict(iter(whole.groupby(["dataset", "protocol", "n", "model"])))


def curves_of(course: pd.DataFrame) -> dict[str, Curve]:
    """Return the curves of one seed, from its rows of the contract ``history``, by epoch.

    Their names are ``{loss}_per_epoch``, and they hold what is finite.
    """
    epochs = course["epoch"].to_numpy()
    return _finite_curves(epochs, {name: course[name].to_numpy() for name in _CURVES})


def mean_curves_of(course: pd.DataFrame) -> dict[str, Curve]:
    """Return means over all seeds of a run, under ``{loss}_per_epoch_mean``.

    An epoch at which a seed has no finite error has no mean; nor has one that a seed did not
    reach, or did not record, because its training is shorter than another's.
    """
    by_seed = course.pivot(index="epoch", columns="seed", values=list(_CURVES))
    means = {name: by_seed[name].to_numpy().mean(axis=1) for name in _CURVES}
    curves = _finite_curves(by_seed.index.to_numpy(), means)
    return {f"{name}_mean": curve for name, curve in curves.items()}


def _finite_curves(epochs: np.ndarray, values: Mapping[str, np.ndarray]) -> dict[str, Curve]:
    # A curve has its own name: under that of the final error, the latest epoch with a finite
    # value would pass for the final error of a run that diverged.
    curves = {}
    for name, column in values.items():
        known = np.isfinite(column)
        if known.sum() > 1:  # a student that is not trained has one epoch: no curve
            curves[f"{name}_per_epoch"] = (epochs[known].tolist(), column[known].tolist())
    return curves
