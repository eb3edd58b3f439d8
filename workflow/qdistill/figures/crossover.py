"""Held-out error against the number of labelled examples, with located crossovers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from qdistill.figures.axes import (
    add_legend,
    add_note,
    draw_series,
    figure_of,
    keys_of,
    set_example_axis,
    set_log_limits,
    set_titles,
)
from qdistill.figures.save import figure_settings, save_figure
from qdistill.figures.style import GROUP_TITLES, style_of
from qdistill.figures.summaries import (
    describe_failures,
    seeds_in_words,
    select_dataset,
    summarise_seeds,
)
from qdistill.judgement.published import read_published
from qdistill.registry import family_of
from qdistill.tables import read_frame, read_metadata
from qdistill.verdict.tables import limits_in_n


def draw_crossover(
    ax: Axes,
    metrics: pd.DataFrame,
    crossover: pd.DataFrame,
    published: pd.DataFrame,
    optimum: float | None = None,
) -> None:
    """Draw held-out error against n for every model and reference of one data set.

    Parameters
    ----------
    ax : Axes
        Empty axes; the legend is put to their right.
    metrics : DataFrame
        Rows of the contract "metrics" of one data set; those of stage ``trained`` are drawn,
        references without bands.
    crossover : DataFrame
        Rows of the contract "crossover" of this data set; those with the verdict
        ``crossover`` are drawn, in the colour of the baseline.
    published : DataFrame
        Columns ``model``, ``n``, ``heldout_mse`` of this data set; may be empty. Points
        within the range of n are drawn for models that the study holds.
    optimum : float, optional
        The lowest error that any rank-2**qubits linear reconstruction can have.
    """
    runs = metrics[metrics["stage"] == "trained"]
    summary = summarise_seeds(runs, "heldout_mse", ["model", "n"])
    sizes = sorted(runs["n"].unique())
    set_example_axis(ax, sizes)
    shown = _published_within(published, summary)
    extra = [] if optimum is None else [optimum]
    set_log_limits(ax, [*summary["mean"], *shown["heldout_mse"], *extra])
    ax.set_ylabel("held-out mean squared error")
    for name, part in summary.groupby("model"):
        if family_of(str(name)) == "reference":
            part = part.assign(low=np.nan, high=np.nan)
        draw_series(ax, "n", part, style_of(str(name)))
    groups = keys_of(summary["model"].unique())
    if optimum is not None:
        groups.setdefault(GROUP_TITLES["reference"], []).append(_draw_optimum(ax, optimum))
    groups["Published"] = _draw_published(ax, shown)
    groups["Crossovers, 95 % interval"] = _draw_located(ax, crossover)
    figure = figure_of(ax)
    add_legend(figure, groups)
    add_note(figure, describe_failures(runs))


def _draw_optimum(ax: Axes, optimum: float) -> Artist:
    line = ax.axhline(optimum, color="black", linestyle=(0, (1, 2)), linewidth=1.2, zorder=1.8)
    line.set_label(f"closed-form optimum ({optimum:.3g})")
    return line


def _published_within(published: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    inside = published["n"].between(summary["n"].min(), summary["n"].max())
    return published[inside & published["model"].isin(summary["model"])]


def _draw_published(ax: Axes, published: pd.DataFrame) -> list[Artist]:
    """Hollow markers; returns their legend keys."""
    keys: list[Artist] = []
    for name, part in published.groupby("model"):
        style = style_of(str(name))
        look: dict[str, Any] = dict(
            marker=style.marker or "o",
            linestyle="none",
            markersize=style.size + 4,
            markerfacecolor="none",
            markeredgecolor=style.colour,
            markeredgewidth=1.3,
        )
        ax.plot(part["n"], part["heldout_mse"], zorder=4.5, **look)
        keys.append(Line2D([], [], label=f"{name}, as published", **look))
    return keys


def _draw_located(ax: Axes, crossover: pd.DataFrame) -> list[Artist]:
    """Vertical line at each crossover, band over its interval; returns legend keys."""
    left, right = ax.get_xlim()
    keys: list[Artist] = []
    for row in crossover[crossover["verdict"] == "crossover"].itertuples():
        colour = style_of(str(row.baseline)).colour
        low, high = float(row.ci_low), float(row.ci_high)
        ax.axvspan(
            max(low, left), min(high, right), color=colour, alpha=0.10, linewidth=0, zorder=0.5
        )
        ax.axvline(float(row.n_star), color=colour, linewidth=1.0, linestyle="-.", zorder=1)
        label = (
            f"{row.challenger} and {row.baseline}:\nn = {row.n_star:.0f} {limits_in_n(low, high)}"
        )
        keys.append(Patch(facecolor=colour, alpha=0.4, label=label))
    return keys


def read_optimum(latents_path: str | Path) -> float | None:
    """Read the closed-form optimum that synthetic data carry, None for other data."""
    value = read_metadata(latents_path).get("optimal_mse")
    return None if value is None else float(value)


def plot_crossover(
    metrics_path: str | Path,
    crossover_path: str | Path,
    published_path: str | Path,
    latents_path: str | Path,
    dataset: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read the tables, draw the crossover figure of one data set and save it.

    Parameters
    ----------
    metrics_path, crossover_path : path
        Tables of the study by the contracts "metrics" and "crossover".
    published_path : path
        CSV of published figures; see :func:`qdistill.judgement.published.read_published`.
    latents_path : path
        The data set, for its closed-form optimum if it has one.
    dataset : str
        Which data set to draw.
    outputs : sequence of path
        SVG and PNG files to write.

    Raises
    ------
    DataError
        If a table is damaged or has nothing of this data set.
    """
    metrics = select_dataset(read_frame("metrics", metrics_path), dataset, str(metrics_path))
    crossover = read_frame("crossover", crossover_path)
    published = read_published(published_path)
    qubits = int(metrics["qubits"].iloc[0])
    with figure_settings():
        figure = Figure(figsize=(8.6, 5.4))
        ax = figure.add_subplot()
        draw_crossover(
            ax,
            metrics,
            crossover[crossover["dataset"] == dataset],
            published[(published["dataset"] == dataset) & (published["qubits"] == qubits)],
            read_optimum(latents_path),
        )
        set_titles(
            figure,
            f"{dataset}, {qubits} qubits: held-out error by number of examples",
            f"mean over {seeds_in_words(metrics)}; bands: 95 % Student t limits of the mean",
        )
        save_figure(figure, outputs)
