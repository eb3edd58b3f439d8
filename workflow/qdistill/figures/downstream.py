"""What codes are good for, against the number of labelled examples."""

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

from qdistill.figures.axes import add_note, set_example_axis, set_problem_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, background_of, draw_series, keys_of
from qdistill.figures.summaries import (
    describe_failures,
    read_problem,
    seeds_in_words,
    summarise_seeds,
)
from qdistill.study.registry import RAW, STUDENTS
from qdistill.study.styles import GROUP_TITLES, Style, style_of
from qdistill.wording import REASONS

RAW_STYLE = Style("#000000", "", "-")

_METRICS = {"cosine": "cosine similarity", "euclidean": "Euclidean distance"}


def draw_downstream(figure: Figure, table: pd.DataFrame) -> None:
    """Draw recall and, where there is a probe, its accuracy against n, one line for each code.

    Parameters
    ----------
    table : DataFrame
        Rows of the contract "downstream" of one data set and protocol.
    """
    first = table.iloc[0]
    is_probed = pd.isna(first["probe_undefined"])
    panels = {"recall": f"recall@{first['neighbours']}"}
    titles = {"recall": f"neighbours in the full vectors found, {_METRICS[first['metric']]}"}
    if is_probed:
        panels["probe_accuracy"] = "accuracy"
        each = first["examples_per_class"]
        examples = f"{each} example{'' if each == 1 else 's'} of each"
        titles["probe_accuracy"] = f"nearest centroid of {first['classes']} classes, {examples}"
    names = sorted(set(table["model"]) - {RAW})
    faint = _faint(names)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, (value, label) in zip(axes, panels.items(), strict=True):
        set_example_axis(ax, table["n"].unique())
        ax.set(ylabel=label, title=titles[value])
        summary = summarise_seeds(table, value, ["model", "n"])
        for name, part in summary.groupby("model"):
            style = RAW_STYLE if name == RAW else style_of(str(name))
            draw_series(ax, "n", part, style, faint=name in faint)
        _set_share_limits(ax, summary)
    groups = keys_of(names, faint=faint)
    look: dict[str, Any] = {"color": RAW_STYLE.colour, "linestyle": RAW_STYLE.line}
    own: list[Artist] = [Line2D([], [], linewidth=1.6, label="raw, the full vectors", **look)]
    if is_probed:
        own += _draw_chance(axes[1], int(first["classes"]), float(first["probe_chance"]))
    groups[GROUP_TITLES["reference"]] = [*groups.get(GROUP_TITLES["reference"], []), *own]
    add_legend(figure, groups)
    no_probe = [] if is_probed else [f"No label probe: {REASONS[first['probe_undefined']]}."]
    add_note(figure, [*no_probe, *describe_failures(table, "recall")])


def _faint(names: Sequence[str]) -> frozenset[str]:
    """Names drawn thin and pale: variants, where there are many lines."""
    behind = background_of(names)
    variants = {name for name in names if name in STUDENTS and STUDENTS[name].is_variant}
    return behind | variants if behind else behind


def _set_share_limits(ax: Axes, summary: pd.DataFrame) -> None:
    """Show shares from zero, so that no small difference looks like a large one."""
    values = summary[["mean", "high"]].to_numpy(float)
    highest = np.nanmax(values) if np.isfinite(values).any() else 1.0
    ax.set_ylim(0.0, min(1.05 * highest, 1.02))


def _draw_chance(ax: Axes, classes: int, chance: float) -> list[Artist]:
    """Horizontal lines at what needs no code; returns their legend keys."""
    look: dict[str, Any] = {"color": "#555555", "zorder": 1}
    often = f"always the most\nfrequent class ({chance:.3g})"
    guess = f"guessing ({1 / classes:.3g})"
    return [
        ax.axhline(chance, linewidth=1.0, linestyle=(0, (1, 2)), label=often, **look),
        ax.axhline(1 / classes, linewidth=0.7, linestyle=(0, (4, 2)), label=guess, **look),
    ]


def plot_downstream(
    downstream_path: str | Path, dataset: str, protocol: str, outputs: Sequence[str | Path]
) -> None:
    """Read the table, draw one data set and protocol, and save it.

    Raises
    ------
    DataError
        If the table is damaged or has nothing of this data set under this protocol.
    """
    table = read_problem("downstream", downstream_path, dataset, protocol)
    with saved_figure(outputs, (10.6, 5.2)) as figure:
        draw_downstream(figure, table)
        how = f"held-out rows, mean over {seeds_in_words(table)}; bands: 95 % Student t limits"
        set_problem_titles(figure, table, "what codes are good for", how)
