"""How much of the quantum model's lead each student retains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE
from matplotlib.ticker import FixedLocator

from qdistill.figures.axes import PANELS_PER_ROW, add_note, panel_grid, set_problem_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.series import draw_markers
from qdistill.figures.summaries import list_cases, read_problem
from qdistill.judgement.transfer import COLLAPSED_BELOW, RETAINED_ABOVE
from qdistill.study.registry import STUDENTS, stages_of
from qdistill.study.styles import Style, style_of

AXIS_LIMITS = (-0.5, 1.5)

_STAGES = ("zero_shot", "fine_tuned", "distilled")
_MANY_ROWS = 12


def row_labels(transfer: pd.DataFrame) -> list[tuple[str, str]]:
    """Return (student, stage) of a figure's rows, in the registry's order, then by stage."""
    order = list(STUDENTS)
    pairs = set(zip(transfer["student"], transfer["stage"], strict=True))
    return sorted(pairs, key=lambda pair: (order.index(pair[0]), _STAGES.index(pair[1])))


def draw_transfer(figure: Figure, transfer: pd.DataFrame) -> None:
    """Draw retained fractions with their limits, one panel for each n.

    Parameters
    ----------
    transfer : DataFrame
        Rows of the contract "transfer" of one data set and protocol. Where ``retained`` is
        missing or the verdict is ``undefined``, the row says so instead of drawing a value;
        a panel with nothing but such rows says so once.
    """
    sizes = sorted(transfer["n"].unique())
    rows = row_labels(transfer)
    panels = panel_grid(figure, len(sizes), "retained fraction")
    for n, ax in zip(sizes, panels, strict=True):
        ax.set_title(f"n = {n:,}")
        _draw_panel(ax, transfer[transfer["n"] == n], rows)
        ax.tick_params(axis="y", left=False, pad=8)
    panels[0].set_yticks(range(len(rows)), [_row_label(*row) for row in rows])
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    add_note(figure, _explanations(transfer))


def _row_label(student: str, stage: str) -> str:
    """Name a row; the stage is left out where a student has only one."""
    return student if len(stages_of(student)) == 1 else f"{student}, {stage.replace('_', '-')}"


def _draw_panel(ax: Axes, part: pd.DataFrame, rows: Sequence[tuple[str, str]]) -> None:
    ax.set_xlim(*AXIS_LIMITS)
    ax.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    ax.grid(axis="x", visible=False)
    for error in (0, 1):
        ax.axvline(error, color="#555555", linewidth=1.0, zorder=1)
    for threshold in (COLLAPSED_BELOW, RETAINED_ABOVE):
        ax.axvline(threshold, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    _draw_stripes(ax, rows)
    indexed = part.set_index(["student", "stage"])
    nothing = bool(((part["verdict"] == "undefined") | part["retained"].isna()).all())
    for height, row in enumerate(rows):
        if row in indexed.index:
            _draw_row(ax, height, indexed.loc[row], style_of(row[0]), silent=nothing)
    if nothing:
        middle = (len(rows) - 1) / 2
        _print(ax, 0.5, middle, "undefined", "center", color="#555555", style="italic")


def _draw_stripes(ax: Axes, rows: Sequence[tuple[str, str]]) -> None:
    """Shade the rows of every other student, to be followed across the panels."""
    students = list(dict.fromkeys(student for student, _ in rows))
    for height, (student, _) in enumerate(rows):
        if students.index(student) % 2 == 0:
            ax.axhspan(height - 0.5, height + 0.5, color="#F1F1F1", linewidth=0, zorder=0)


def _draw_row(ax: Axes, height: int, entry: pd.Series, style: Style, silent: bool) -> None:
    """Draw one retained fraction: limits as a line, the estimate as a marker or a number."""
    retained = float(entry["retained"])
    low, high = float(entry["ci_low"]), float(entry["ci_high"])
    if not np.isnan([low, high]).any():
        _draw_limits(ax, height, low, high, style.colour, faint=entry["verdict"] == "undefined")
    if entry["verdict"] == "undefined" or np.isnan(retained):
        if not silent:
            _print(ax, 0.5, height, "undefined", "center", color="#555555", style="italic")
    elif retained < AXIS_LIMITS[0]:
        _print(ax, AXIS_LIMITS[0], height, _number(retained), "left", color=style.colour)
    elif retained > AXIS_LIMITS[1]:
        _print(ax, AXIS_LIMITS[1], height, _number(retained), "right", color=style.colour)
    else:
        shown = replace(style, marker=style.marker or "o", size=style.size + 0.5)
        draw_markers(ax, [retained], [height], shown)


def _draw_limits(ax: Axes, height: int, low: float, high: float, colour: str, faint: bool) -> None:
    """Draw limits as a line cut at the ends of the axis, with arrows where unbounded."""
    left, right = AXIS_LIMITS
    look: dict[str, Any] = {"color": colour, "alpha": 0.45 if faint else 1.0}
    start, end = np.clip([low, high], left, right)
    if start < end:
        ax.plot([start, end], [height, height], linewidth=2, zorder=2, **look)
    for unbounded, edge, arrow in (
        (np.isneginf(low), left, CARETLEFTBASE),
        (np.isposinf(high), right, CARETRIGHTBASE),
    ):
        if unbounded:
            look |= {"marker": arrow, "markersize": 6, "markeredgewidth": 0}
            ax.plot(edge, height, clip_on=False, zorder=3, **look)


def _print(ax: Axes, x: float, height: float, words: str, side: str, **look: Any) -> None:
    """Print words over a row, clear of the edge they stand at."""
    ax.annotate(
        words,
        (x, height),
        xytext=({"left": 7, "center": 0, "right": -7}[side], 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=7.5,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
        **look,
    )


def _number(value: float) -> str:
    digits = f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"
    return digits.replace("-", "\N{MINUS SIGN}")


def _explanations(transfer: pd.DataFrame) -> list[str]:
    """Say what a reader needs to know to read this very figure."""
    left, right = (f"{limit:g}".replace("-", "\N{MINUS SIGN}") for limit in AXIS_LIMITS)
    limits = transfer[["ci_low", "ci_high"]].astype(float)
    drawn = transfer[transfer["verdict"] != "undefined"]
    values = drawn[["retained", "ci_low", "ci_high"]].astype(float)
    sentences = []
    beyond = (values < AXIS_LIMITS[0]) | (values > AXIS_LIMITS[1])
    if (beyond & np.isfinite(values)).any(axis=None):
        sentences.append(
            f"The axes end at {left} and {right}; intervals that reach further are cut, and "
            "estimates beyond are printed as numbers at that end."
        )
    if np.isinf(limits).any(axis=None):
        sentences.append("Arrows: the interval is unbounded on that side.")
    undefined = transfer[transfer["verdict"] == "undefined"]
    for reason, part in undefined.groupby("reason", sort=False):
        sizes = ", ".join(f"{n:,}" for n in sorted(part["n"].unique()))
        sentences.append(f"Undefined at n = {sizes}: {reason}.")
    failed = transfer[transfer["diverged"] > 0]
    cases = (
        f"{_row_label(row.student, row.stage)} at n = {row.n:,} ({row.diverged} seeds)"
        for row in failed.itertuples()
    )
    return sentences + list_cases("Seeds with a diverged run among the three compared", cases)


def plot_transfer(
    transfer_path: str | Path, dataset: str, protocol: str, outputs: Sequence[str | Path]
) -> None:
    """Read the transfer table, draw one data set and protocol, and save it.

    Raises
    ------
    DataError
        If the table is damaged or has nothing of this data set under this protocol.
    """
    transfer = read_problem("transfer", transfer_path, dataset, protocol)
    panels, rows = transfer["n"].nunique(), len(row_labels(transfer))
    lines = int(np.ceil(panels / PANELS_PER_ROW))
    height = 0.3 if rows <= _MANY_ROWS else 0.23
    width = 2.4 + 1.5 * max(3, min(panels, PANELS_PER_ROW))
    with saved_figure(outputs, (width, 1.6 + lines * (0.6 + height * rows))) as figure:
        draw_transfer(figure, transfer)
        seeds = f"{transfer['seeds'].max()} seeds, lines: 95 % Fieller limits"
        how = f"0: error of classical, 1: error of quantum; {seeds}"
        set_problem_titles(figure, transfer, "retained fraction of each student", how)
