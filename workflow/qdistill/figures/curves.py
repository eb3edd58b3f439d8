"""Training and held-out error by epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from qdistill.figures.axes import add_note, log_ticks, set_log_limits, set_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, background_of, draw_series, keys_of
from qdistill.figures.summaries import list_cases, seeds_in_words, select_problem, summarise_seeds
from qdistill.storage.tables import read_frame
from qdistill.study.styles import Line, style_of
from qdistill.wording import counted

_ROWS = (("heldout_mse", "held-out error"), ("train_mse", "training error"))
_VALIDATION_LINE: Line = (0, (3, 2))
_VALIDATION_WIDTH = 0.8
_EARLY_ENDS = (
    "Seeds end at epochs of their own: one that has ended keeps its last errors until the last "
    "seed of its model ends."
)


def keep_last_values(histories: pd.DataFrame) -> pd.DataFrame:
    """Repeat the last errors of a seed that ended early until all seeds of its model have ended.

    Its weights no longer change, so these are its errors at every later epoch. Without this,
    a mean over seeds would leave out those that ended.

    Parameters
    ----------
    histories : DataFrame
        By the contract "history", of one data set and protocol.

    Returns
    -------
    DataFrame
        The same, with one row for each seed at each epoch of its (model, n); rows that were
        missing have the values of the seed's last row before, NaN included.
    """
    pieces = []
    for (model, n), part in histories.groupby(["model", "n"], sort=False):
        epochs = np.sort(part["epoch"].unique())
        for _, own in part.groupby("seed"):
            whole = own.set_index("epoch").sort_index().reindex(epochs, method="ffill")
            pieces.append(whole.assign(model=model, n=n).reset_index(names="epoch"))
    return pd.concat(pieces, ignore_index=True)


def draw_curves(figure: Figure, histories: pd.DataFrame) -> None:
    """Draw errors by epoch: held-out above, training below, one column for each n.

    Parameters
    ----------
    histories : DataFrame
        By the contract "history", of one data set and protocol. Cross-validated errors are
        drawn beside the held-out ones, thin and dashed, where there are any.
    """
    sizes = sorted(histories["n"].unique())
    panels = figure.subplots(len(_ROWS), len(sizes), sharex="col", sharey=True, squeeze=False)
    whole = keep_last_values(histories)
    faint = background_of(histories["model"])
    values: list[float] = []
    for row, (column, words) in enumerate(_ROWS):
        summary = summarise_seeds(whole, column, ["model", "n", "epoch"])
        values += list(summary["mean"])
        panels[row, 0].set_ylabel(words)
        for place, n in enumerate(sizes):
            _draw_panel(panels[row, place], summary[summary["n"] == n], faint)
    validated = summarise_seeds(whole, "validation_mse", ["model", "n", "epoch"])
    values += list(validated["mean"])
    for place, n in enumerate(sizes):
        panels[0, place].set_title(f"n = {n:,}")
        _draw_validation(panels[0, place], validated[validated["n"] == n], faint)
        _set_epochs(panels[0, place], histories[histories["n"] == n])
    set_log_limits(panels[0, 0], values)
    panels[-1, (len(sizes) - 1) // 2].set_xlabel("epoch")
    groups = keys_of(histories["model"].unique(), markers=False, faint=faint)
    if validated["mean"].notna().any():
        groups["Thin and dashed"] = [_validation_key()]
    add_legend(figure, groups)
    is_filled = len(whole) > len(histories)
    add_note(figure, [*_failures(histories), *[_EARLY_ENDS] * is_filled])


def _draw_panel(ax: Axes, summary: pd.DataFrame, faint: Collection[str]) -> None:
    for name, part in summary.groupby("model"):
        style = style_of(str(name))
        if len(part) > 1:  # what is never trained has a single point, and needs its marker
            style = replace(style, marker="")
        draw_series(ax, "epoch", part, style, faint=name in faint)


def _set_epochs(ax: Axes, histories: pd.DataFrame) -> None:
    """Space epochs evenly, or logarithmically where models were trained for unlike lengths."""
    epochs = np.sort(histories["epoch"].unique())
    if histories["validation_mse"].isna().all() or len(epochs) < 3:
        ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        return
    first, last = int(epochs[1]), int(epochs[-1])
    ax.set_xscale("symlog", linthresh=first, linscale=0.5)
    ax.set_xlim(0, last * 1.1)
    middle = [tick for tick in log_ticks(first, last) if 1.6 * first < tick < last / 1.6]
    ticks = [0, first, *middle[len(middle) // 2 :][:1], last]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_validation(ax: Axes, summary: pd.DataFrame, faint: Collection[str]) -> None:
    for name, part in summary.groupby("model"):
        if part["mean"].notna().any():
            ax.plot(
                part["epoch"],
                part["mean"],
                color=style_of(str(name)).colour,
                linestyle=_VALIDATION_LINE,
                linewidth=_VALIDATION_WIDTH,
                alpha=0.5 if name in faint else 1.0,
                zorder=1.7,
            )


def _validation_key() -> Artist:
    look: dict[str, Any] = {"linestyle": _VALIDATION_LINE, "linewidth": _VALIDATION_WIDTH}
    label = "cross-validated error,\ninside the n examples"
    return Line2D([], [], color="#444444", label=label, **look)


def _failures(histories: pd.DataFrame) -> list[str]:
    """Say which curves end early because a run has no finite error."""
    lost = ~np.isfinite(histories[["train_mse", "heldout_mse"]]).all(axis=1)
    counts = histories[lost].groupby(["model", "n"])["seed"].nunique()
    cases = (f"{m} at n = {n:,} ({counted(count, 'seed')})" for (m, n), count in counts.items())
    return list_cases("Not drawn from where a run has no finite error", cases)


def plot_curves(
    history_paths: Iterable[str | Path],
    dataset: str,
    protocol: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read histories, draw the training curves of one data set and protocol, save them.

    Parameters
    ----------
    history_paths : iterable of path
        Tables by the contract "history", of several models and blocks of seeds; rows of another
        data set or protocol are left out.

    Raises
    ------
    DataError
        If a table is damaged, or none has a row of this data set under this protocol.
    """
    paths = list(history_paths)
    every = pd.concat([read_frame("history", path) for path in paths], ignore_index=True)
    histories = select_problem(every, dataset, protocol, paths[0])
    with saved_figure(outputs, (2.8 + 1.75 * max(2, histories["n"].nunique()), 4.9)) as figure:
        draw_curves(figure, histories)
        set_titles(
            figure,
            f"{dataset}, protocol {protocol}: error by epoch",
            f"mean over {seeds_in_words(histories)}; bands: 95 % Student t limits of the mean",
        )
