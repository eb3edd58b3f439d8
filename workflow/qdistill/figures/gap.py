"""How much larger the held-out error is than the training error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qdistill.figures.axes import (
    add_note,
    figure_of,
    plain_number,
    set_example_axis,
    set_log_limits,
    set_problem_titles,
)
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, background_of, draw_markers, draw_series, keys_of
from qdistill.figures.summaries import describe_failures, list_cases, read_problem, seeds_in_words
from qdistill.judgement.statistics import paired_ratio
from qdistill.study.registry import family_of
from qdistill.study.styles import style_of

# A larger ratio means a training error of nearly nothing (PCA with as many components as
# rows): its size says little and would flatten everything else.
_HIGHEST_RATIO = 1000.0


def summarise_gap(runs: pd.DataFrame) -> pd.DataFrame:
    """Compute the ratio of held-out to training error, one row for each (model, n).

    Parameters
    ----------
    runs : DataFrame
        Rows of the contract "metrics" of one data set, protocol and stage.

    Returns
    -------
    DataFrame
        ``model``, ``n``, ``mean`` (geometric mean of each seed's ratio), ``low``, ``high``
        (Student t limits of the mean log-ratio). NaN where a run has no finite error or a
        training error of zero.
    """
    rows = []
    for (model, n), group in runs.groupby(["model", "n"], sort=True):
        ratio = paired_ratio(group["heldout_mse"], group["train_mse"])
        rows.append((model, n, ratio.estimate, ratio.low, ratio.high))
    return pd.DataFrame(rows, columns=["model", "n", "mean", "low", "high"])


def draw_gap(ax: Axes, metrics: pd.DataFrame) -> None:
    """Draw the ratio of held-out to training error against n for one data set.

    Parameters
    ----------
    metrics : DataFrame
        Rows of the contract "metrics" of one data set and protocol; those of stage
        ``trained`` are drawn, references without bands. Ratios above the axis are marked
        by an arrow at its end and listed below. Where there are many, variants of other
        models are drawn thin and pale.
    """
    runs = metrics[metrics["stage"] == "trained"]
    summary = summarise_gap(runs)
    models = summary[[family_of(name) != "reference" for name in summary["model"]]]
    deciding = (models if models["mean"].notna().any() else summary)["mean"]
    set_example_axis(ax, runs["n"].unique())
    set_log_limits(ax, [1.0, *deciding[deciding <= _HIGHEST_RATIO]])
    ax.set_ylabel("held-out error / training error")
    ax.axhline(1.0, color="black", linewidth=0.8, zorder=1)
    ceiling = ax.get_ylim()[1]
    faint = background_of(summary["model"])
    for name, part in summary.groupby("model"):
        style = style_of(str(name))
        above = part["mean"] > ceiling
        values = part[["mean", "low", "high"]].mask(above)
        if family_of(str(name)) == "reference":  # lines only, as in the crossover figure
            values[["low", "high"]] = np.nan
        draw_series(ax, "n", values.assign(n=part["n"]), style, faint=name in faint)
        arrow = replace(style, marker="^", size=8.0)
        draw_markers(ax, part["n"][above], [ceiling] * int(above.sum()), arrow)
    figure = figure_of(ax)
    add_legend(figure, keys_of(summary["model"].unique(), faint=faint))
    add_note(figure, [*_beyond_axis(summary, ceiling), *_without_ratio(runs, summary)])


def _beyond_axis(summary: pd.DataFrame, ceiling: float) -> list[str]:
    above = summary[summary["mean"] > ceiling]
    cases = (
        f"{row.model} at n = {row.n:,} (ratio {plain_number(float(f'{row.mean:.1e}'))})"
        for row in above.itertuples()
    )
    return list_cases("Above the axis (arrows)", cases)


def _without_ratio(runs: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """Say which ratios are missing because of a training error of zero, or failed runs."""
    zero = runs[runs["train_mse"] == 0]
    pairs = sorted(set(zip(zero["model"], zero["n"], strict=True)))
    cases = (f"{model} at n = {n:,}" for model, n in pairs)
    sentences = list_cases("No ratio, the training error being zero", cases)
    worst = runs[["heldout_mse", "train_mse"]].max(axis=1, skipna=False)
    return sentences + describe_failures(runs.assign(worst=worst.replace(np.inf, np.nan)), "worst")


def plot_gap(
    metrics_path: str | Path, dataset: str, protocol: str, outputs: Sequence[str | Path]
) -> None:
    """Read the metrics, draw the gap of one data set and protocol, and save it.

    Raises
    ------
    DataError
        If the table is damaged or has nothing of this data set under this protocol.
    """
    metrics = read_problem("metrics", metrics_path, dataset, protocol)
    with saved_figure(outputs, (8.6, 5.0)) as figure:
        draw_gap(figure.add_subplot(), metrics)
        bands = "bands: 95 % Student t limits of the mean log-ratio"
        how = f"geometric mean over {seeds_in_words(metrics)}; {bands}"
        set_problem_titles(figure, metrics, "held-out error over training error", how)
