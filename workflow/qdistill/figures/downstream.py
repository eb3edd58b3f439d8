"""What codes are good for, against the number of labelled examples."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_line, draw_models, line_values, set_example_axis
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.study.model_entry import Style
from qdistill.study.registry import RAW
from qdistill.study.styles import MOST_LABELLED, in_front
from qdistill.wording import REASONS, counted

RAW_STYLE = Style("#6F6F6F", "", (0, (4, 1.5)))

_METRICS = {"cosine": "cosine similarity", "euclidean": "Euclidean distance"}


def draw_downstream(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw recall and, where there is a probe, its accuracy against n, one line for each code."""
    figure.set_size_inches(10.6, 4.8)
    first = table.iloc[0]
    near = f"neighbours in the full vectors found, {_METRICS[first['metric']]}"
    shown = {"recall": (f"recall@{first['neighbours']}", near)}
    without = f"No label probe: {REASONS.get(first['probe_undefined'])}."
    if is_probed := bool(pd.isna(first["probe_undefined"])):
        examples = counted(first["examples_per_class"], "example")
        probe = f"nearest centroid of {first['classes']} classes, {examples} of each"
        shown["probe_accuracy"] = ("accuracy of a label probe", probe)
    codes, raw = table[table["model"] != RAW], table[table["model"] == RAW]
    front = in_front(codes["model"], MOST_LABELLED - 1)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for ax, (value, (label, title)) in zip(panels, shown.items(), strict=True):
        draw_line(ax, raw, "n", value, RAW_STYLE, label="raw, the full vectors")
        draw_models(ax, codes, "n", value, front)
        set_example_axis(ax, table["n"])
        # From zero, so that no small difference looks like a large one.
        highest = max([1e-9, *line_values(ax)])
        ax.set(ylabel=label, title=title, ylim=(0.0, min(1.08 * highest, 1.02)))
    if is_probed:
        without = _draw_chance(panels[1], 1 / first["classes"], first["probe_chance"])
    return [describe_means(table), without, *describe_failures(table, "recall")]


def _draw_chance(ax: Axes, guess: float, often: float) -> str:
    """Draw lines at what needs no code; returns what they are."""
    look: dict[str, Any] = {"color": "#555555", "zorder": 1}
    ax.axhline(often, linewidth=1.0, linestyle=(0, (1, 2)), **look)
    ax.axhline(guess, linewidth=0.7, linestyle=(0, (4, 2)), **look)
    always = f"dotted, always the most frequent class ({often:.3g})"
    return f"Lines across: {always}; dashed, guessing ({guess:.3g})."
