"""Training and held-out error by epoch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdistill.errors import DataError
from qdistill.figures.axes import (
    add_legend,
    add_note,
    draw_series,
    keys_of,
    set_log_limits,
    set_titles,
)
from qdistill.figures.save import figure_settings, save_figure
from qdistill.figures.style import style_of
from qdistill.figures.summaries import seeds_in_words, summarise_seeds
from qdistill.tables import read_frame

_ROWS = (("heldout_mse", "held-out error"), ("train_mse", "training error"))


def read_histories(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read the histories of one data set's runs.

    Parameters
    ----------
    paths : iterable of path
        ``.../{dataset}/n~{n}/seeds~{block}/{model}/history.parquet``.

    Returns
    -------
    DataFrame
        As the contract "history", with columns ``dataset``, ``n`` and ``model`` from the
        paths.

    Raises
    ------
    DataError
        If a path does not say which run it is of, a file is damaged, or there is none.
    """
    frames = []
    for path in map(Path, paths):
        parts = path.parts
        size = re.fullmatch(r"n~(\d+)", parts[-4]) if len(parts) >= 5 else None
        if size is None:
            raise DataError(
                f"{path}: expected a path that ends with "
                "DATASET/n~N/seeds~BLOCK/MODEL/history.parquet"
            )
        run = {"dataset": parts[-5], "n": int(size[1]), "model": parts[-2]}
        frames.append(read_frame("history", path).assign(**run))
    if not frames:
        raise DataError("training curves: no history was given, and at least one is needed")
    return pd.concat(frames, ignore_index=True)


def draw_curves(figure: Figure, histories: pd.DataFrame) -> None:
    """Draw errors by epoch: held-out above, training below, one column for each n.

    Parameters
    ----------
    figure : Figure
        Empty figure; the legend is put at its right.
    histories : DataFrame
        As :func:`read_histories` gives it, for one data set.
    """
    sizes = sorted(histories["n"].unique())
    panels = figure.subplots(len(_ROWS), len(sizes), sharex=True, sharey=True, squeeze=False)
    values: list[float] = []
    for row, (column, words) in enumerate(_ROWS):
        summary = summarise_seeds(histories, column, ["model", "n", "epoch"])
        values += list(summary["mean"])
        panels[row, 0].set_ylabel(words)
        for place, n in enumerate(sizes):
            _draw_panel(panels[row, place], summary[summary["n"] == n])
            if row == 0:
                panels[row, place].set_title(f"n = {n:,}")
    set_log_limits(panels[0, 0], values)
    panels[-1, (len(sizes) - 1) // 2].set_xlabel("epoch")
    add_legend(figure, keys_of(histories["model"].unique(), markers=False))
    add_note(figure, _failures(histories))


def _draw_panel(ax: Axes, summary: pd.DataFrame) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for name, part in summary.groupby("model"):
        draw_series(ax, "epoch", part, replace(style_of(str(name)), marker=""))


def _failures(histories: pd.DataFrame) -> list[str]:
    """Say which curves end early because a run has no finite error."""
    lost = ~np.isfinite(histories[["train_mse", "heldout_mse"]]).all(axis=1)
    counts = histories[lost].groupby(["model", "n"])["seed"].nunique()
    listed = ", ".join(
        f"{model} at n = {n:,} ({count} seed{'s' if count > 1 else ''})"
        for (model, n), count in counts.items()
    )
    return [f"Not drawn from where a run has no finite error: {listed}."] if listed else []


def plot_curves(
    history_paths: str | Path | Iterable[str | Path], dataset: str, outputs: Sequence[str | Path]
) -> None:
    """Read histories, draw the training curves of one data set and save them.

    Parameters
    ----------
    history_paths : path or iterable of path
        See :func:`read_histories`; runs of other data sets are left out.
    dataset : str
        Which data set to draw.
    outputs : sequence of path
        SVG and PNG files to write.

    Raises
    ------
    DataError
        If a table is damaged or none is of this data set.
    """
    given = [history_paths] if isinstance(history_paths, str | Path) else list(history_paths)
    histories = read_histories(path for path in given if dataset in Path(path).parts)
    with figure_settings():
        figure = Figure(figsize=(2.6 + 1.75 * max(2, histories["n"].nunique()), 4.9))
        draw_curves(figure, histories)
        set_titles(
            figure,
            f"{dataset}: error by epoch",
            f"mean over {seeds_in_words(histories)}; bands: 95 % Student t limits of the mean",
        )
        save_figure(figure, outputs)
