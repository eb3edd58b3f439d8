"""Learning curves as the MLflow index holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.tables import read_frame

LOSSES = ("heldout_mse", "train_mse")
_HISTORY = re.compile(r"(?P<dataset>[^/]+)/n~(?P<n>\d+)/seeds~[^/]+/(?P<model>[^/]+)/[^/]+$")

Curve = tuple[list[int], list[float]]  # epochs, values


def read_histories(paths: Iterable[str | Path]) -> dict[tuple[str, int, str], pd.DataFrame]:
    """Read learning curves and gather the seed blocks of one model.

    Parameters
    ----------
    paths : iterable of path
        ``.../{dataset}/n~{n}/seeds~{block}/{model}/history.parquet``.

    Returns
    -------
    dict
        (dataset, n, model) to a table of the contract ``history``, sorted by seed and epoch.

    Raises
    ------
    DataError
        If a path has another form, or a file is missing or damaged.
    """
    blocks: dict[tuple[str, int, str], list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        match = _HISTORY.search(path.as_posix())
        if match is None:
            raise DataError(
                f"{path}: a history lies at {{dataset}}/n~{{n}}/seeds~{{block}}/{{model}}/"
                "history.parquet"
            )
        key = (match["dataset"], int(match["n"]), match["model"])
        blocks.setdefault(key, []).append(read_frame("history", path))
    return {
        key: pd.concat(frames, ignore_index=True).sort_values(["seed", "epoch"])
        for key, frames in blocks.items()
    }


def curves_of(course: pd.DataFrame) -> dict[str, Curve]:
    """Curves of one seed: where a loss is finite, under ``{loss}_per_epoch``.

    Parameters
    ----------
    course : DataFrame
        One seed's rows of the contract ``history``, sorted by epoch.
    """
    epochs = course["epoch"].to_numpy()
    return _finite_curves(epochs, {name: course[name].to_numpy() for name in LOSSES})


def mean_curves_of(course: pd.DataFrame) -> dict[str, Curve]:
    """Means over seeds, under ``{loss}_per_epoch_mean``.

    An epoch at which a seed has no finite error has no mean.

    Parameters
    ----------
    course : DataFrame
        All seeds' rows of the contract ``history``.
    """
    by_seed = course.pivot(index="epoch", columns="seed", values=list(LOSSES))
    means = {name: by_seed[name].to_numpy().mean(axis=1) for name in LOSSES}
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
