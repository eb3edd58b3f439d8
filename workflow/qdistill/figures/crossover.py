"""Held-out error against the number of labelled examples, with located crossovers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from qdistill.figures.axes import (
    add_note,
    figure_of,
    set_example_axis,
    set_log_limits,
    set_problem_titles,
)
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, background_of, draw_series, keys_of
from qdistill.figures.summaries import (
    describe_failures,
    read_problem,
    seeds_in_words,
    summarise_seeds,
)
from qdistill.judgement.published import read_published
from qdistill.storage.tables import read_frame, read_metadata
from qdistill.study.registry import family_of
from qdistill.study.styles import GROUP_TITLES, style_of
from qdistill.wording import limits_in_n


@dataclass(frozen=True)
class Bounds:
    """Errors that a data set's metadata tell, None where they do not.

    Attributes
    ----------
    optimum : float or None
        The lowest expected error of any linear reconstruction through the bottleneck.
    pca_floor : float or None
        Held-out error of as many principal components as the bottleneck is wide, fitted on
        every row of the train split.
    """

    optimum: float | None = None
    pca_floor: float | None = None


def read_bounds(latents_path: str | Path) -> Bounds:
    """Read the bounds that synthetic data carry; other data have none."""
    metadata = read_metadata(latents_path)
    optimum, floor = metadata.get("optimal_mse"), metadata.get("pca_floor_mse")
    return Bounds(
        optimum=None if optimum is None else float(optimum),
        pca_floor=None if floor is None else float(floor),
    )


def draw_crossover(
    ax: Axes,
    metrics: pd.DataFrame,
    crossover: pd.DataFrame,
    published: pd.DataFrame,
    bounds: Bounds = Bounds(),
) -> None:
    """Draw held-out error against n for every model and reference of one data set.

    Parameters
    ----------
    metrics : DataFrame
        Rows of the contract "metrics" of one data set and protocol; those of stage
        ``trained`` are drawn, references without bands. Where there are many, variants
        of other models are drawn thin and pale.
    crossover : DataFrame
        Rows of the contract "crossover" of the same; those with the verdict
        ``crossover`` are drawn, in the colour of the baseline.
    published : DataFrame
        Columns ``model``, ``n``, ``heldout_mse`` of this data set; may be empty. Points
        within the range of n are drawn for models that the study holds.
    bounds : Bounds
        What is known of the data; each is a horizontal line.
    """
    runs = metrics[metrics["stage"] == "trained"]
    summary = summarise_seeds(runs, "heldout_mse", ["model", "n"])
    set_example_axis(ax, runs["n"].unique())
    shown = _published_within(published, summary)
    known = [bound for bound in (bounds.optimum, bounds.pca_floor) if bound is not None]
    set_log_limits(ax, [*summary["mean"], *shown["heldout_mse"], *known])
    ax.set_ylabel("held-out mean squared error")
    faint = background_of(summary["model"])
    for name, part in summary.groupby("model"):
        if family_of(str(name)) == "reference":
            part = part.assign(low=np.nan, high=np.nan)
        draw_series(ax, "n", part, style_of(str(name)), faint=name in faint)
    groups = keys_of(summary["model"].unique(), faint=faint)
    groups.setdefault(GROUP_TITLES["reference"], []).extend(_draw_bounds(ax, bounds))
    groups["Published"] = _draw_published(ax, shown)
    groups["Crossovers, 95 % interval"] = _draw_located(ax, crossover, faint)
    figure = figure_of(ax)
    add_legend(figure, groups)
    add_note(figure, describe_failures(runs))


def _draw_bounds(ax: Axes, bounds: Bounds) -> list[Artist]:
    """Horizontal lines; returns their legend keys."""
    keys: list[Artist] = []
    if bounds.optimum is not None:
        label = f"closed-form optimum ({bounds.optimum:.3g})"
        look: dict[str, Any] = dict(color="black", linestyle=(0, (1, 2)), linewidth=1.2)
        keys.append(ax.axhline(bounds.optimum, zorder=1.8, label=label, **look))
    if bounds.pca_floor is not None:
        label = f"PCA of all training rows ({bounds.pca_floor:.3g})"
        look = dict(color="#555555", linestyle="-", linewidth=0.7)
        keys.append(ax.axhline(bounds.pca_floor, zorder=1.7, label=label, **look))
    return keys


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


def _draw_located(ax: Axes, crossover: pd.DataFrame, faint: Collection[str]) -> list[Artist]:
    """Vertical line at each crossover, band over its interval; returns legend keys.

    Of models in the background, only the line, and that thin.
    """
    left, right = ax.get_xlim()
    keys: list[Artist] = []
    for row in crossover[crossover["verdict"] == "crossover"].itertuples():
        colour = style_of(str(row.baseline)).colour
        low, high = float(row.ci_low), float(row.ci_high)
        behind = row.baseline in faint
        if not behind:
            ends = max(low, left), min(high, right)
            ax.axvspan(*ends, color=colour, alpha=0.10, linewidth=0, zorder=0.5)
        width = 0.5 if behind else 1.0
        ax.axvline(float(row.n_star), color=colour, linewidth=width, linestyle="-.", zorder=1)
        label = (
            f"{row.challenger} and {row.baseline}:\nn = {row.n_star:.0f} {limits_in_n(low, high)}"
        )
        keys.append(Patch(facecolor=colour, alpha=0.4, label=label))
    return keys


def plot_crossover(
    metrics_path: str | Path,
    crossover_path: str | Path,
    published_path: str | Path,
    latents_path: str | Path,
    dataset: str,
    protocol: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read the tables, draw the crossover figure of one data set and protocol, save it.

    Parameters
    ----------
    published_path : path
        CSV of published figures; see :func:`qdistill.judgement.published.read_published`.
        They are the article's, and drawn under either protocol.
    latents_path : path
        The data set, for the bounds that its metadata tell.

    Raises
    ------
    DataError
        If a table is damaged or has nothing of this data set under this protocol.
    """
    metrics = read_problem("metrics", metrics_path, dataset, protocol)
    located = read_frame("crossover", crossover_path)
    published = read_published(published_path)
    qubits = int(metrics["qubits"].iloc[0])
    with saved_figure(outputs, (8.8, 6.0)) as figure:
        draw_crossover(
            figure.add_subplot(),
            metrics,
            located[(located["dataset"] == dataset) & (located["protocol"] == protocol)],
            published[(published["dataset"] == dataset) & (published["qubits"] == qubits)],
            read_bounds(latents_path),
        )
        how = f"mean over {seeds_in_words(metrics)}; bands: 95 % Student t limits of the mean"
        set_problem_titles(figure, metrics, "held-out error by number of examples", how)
