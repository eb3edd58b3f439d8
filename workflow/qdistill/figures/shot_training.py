"""How far circuits get that learn from counts, against the shots that it takes."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from qdistill.figures.lines import draw_line, line_values, set_log_axis
from qdistill.figures.tables import describe_failures, describe_means
from qdistill.study.model_entry import Line, Style

_PALETTES = {"parameter_shift": "Blues", "spsa": "Oranges"}
_LINES: dict[str, Line] = {"parameter_shift": "-", "spsa": (0, (4, 1.5))}
_WORDS = {"exact": "exact gradient", "parameter_shift": "parameter shift", "spsa": "SPSA"}
_EXACT: dict[str, Any] = {"color": "#444444", "linestyle": ":", "linewidth": 1.4}


def draw_shot_training(figure: Figure, table: pd.DataFrame) -> list[str]:
    """Draw held-out errors by the shots of a training so far, a panel for each problem.

    What the exact gradient reaches in as many steps of parameter shift is a dotted line.
    """
    problems = list(table["problem"].unique())
    figure.set_size_inches(4.4 * len(problems) + 2.6, 4.6)
    panels = figure.subplots(1, len(problems), squeeze=False)[0]
    for ax, problem in zip(panels, problems, strict=True):
        own = table[table["problem"] == problem]
        _draw_problem(ax, own)
        about = own.iloc[0]
        ax.set(
            title=f"{problem}, {about['layers']} layers, n = {about['n']:,}",
            xlabel="shots so far",
        )
    panels[0].set_ylabel("held-out mean squared error")
    runs = table.assign(model=[_label(*way) for way in _ways(table)])
    ends = runs[runs["step"] == runs.groupby("model")["step"].transform("max")]
    return [describe_means(runs, "Geometric mean"), *describe_failures(ends)]


def _ways(table: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(table["method"], table["shots"], strict=True))


def _label(method: str, shots: int) -> str:
    return f"{_WORDS[method]}, {shots:,} shots" if shots else _WORDS[method]


def _draw_problem(ax: Axes, runs: pd.DataFrame) -> None:
    """Draw a line for each method and number of shots, darker the more of them."""
    begun = runs[runs["total_shots"] > 0]
    set_log_axis(ax, begun["total_shots"], "x", most=5)
    ax.set_yscale("log")
    for method, palette in _PALETTES.items():
        own = begun[begun["method"] == method]
        numbers = sorted(own["shots"].unique())
        colours = sns.color_palette(palette, len(numbers) + 2)[2:]
        for shots, colour in zip(numbers, colours, strict=True):
            style = Style(to_hex(colour), "", _LINES[method])
            rows = own[own["shots"] == shots]
            draw_line(ax, rows, "total_shots", "heldout_loss", style, label=_label(method, shots))
    exact = runs[runs["method"] == "exact"]
    ends = exact.loc[exact["step"] == exact["step"].max(), "heldout_loss"]
    if np.isfinite(ends).all() and (ends > 0).all() and len(ends):
        ax.axhline(np.exp(np.log(ends).mean()), label=_label("exact", 0), **_EXACT)
    set_log_axis(ax, line_values(ax))
