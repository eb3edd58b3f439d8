"""Axes, titles and notes that several figures share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from qdistill.study.styles import FIGURE_SETTINGS

# Leading digits of ticks within a decade, from few ticks to many.
_LEADING_DIGITS = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0),
    tuple(np.arange(10, 100, 5) / 10),
    tuple(np.arange(10, 100, 1) / 10),
    tuple(np.arange(100, 1000, 2) / 100),
)
_FEWEST_TICKS, _MOST_TICKS = 4, 9
_NARROW = 3.0  # limits that differ by less have ticks at equal distances

PANELS_PER_ROW = 5
TITLES_HEIGHT = 0.5  # inches from the top of a figure to the end of its two titles

_LEFT = 0.012  # of the figure's width, where titles and notes begin
_NOTE_COLOUR = "#444444"
_NOTE_CHARACTERS_PER_INCH = 15.5
_TITLE_LINE = 18  # points from the top of a title to the top of the line below it


def log_ticks(low: float, high: float) -> np.ndarray:
    """Round numbers between two limits, few enough to be labelled on a log axis.

    Parameters
    ----------
    low, high : float
        Limits of the axis, 0 < low < high.

    Returns
    -------
    ndarray of float64
        Ascending. Between two and nine of them, unless the limits differ by a few hundredths
        or less.
    """
    if high < _NARROW * low:
        locator = MaxNLocator(_MOST_TICKS - 2, steps=[1, 2, 5, 10])
        ticks = np.asarray(locator.tick_values(low, high))
        return ticks[(ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))]
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    step = max(1, int(np.ceil(np.log10(high / low) / (_MOST_TICKS - 1))))
    ticks = np.array([])
    for digits in _LEADING_DIGITS:
        ticks = np.sort(np.outer(10.0 ** decades[::step], digits).ravel())
        ticks = ticks[(ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))]
        if len(ticks) >= _FEWEST_TICKS:
            break
    return ticks[:: int(np.ceil(len(ticks) / _MOST_TICKS)) or 1]


def plain_number(value: float) -> str:
    """Return the label of a tick: 0.002, 50, 1,000, or a power of ten where that is shorter."""
    if value <= 0 or 1e-4 <= value < 1e5:
        return f"{value:,.10g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    factor = value / 10.0**exponent
    power = rf"10^{{{exponent}}}"
    return f"${power}$" if np.isclose(factor, 1) else rf"${factor:.3g} \times {power}$"


def set_log_limits(
    ax: Axes, values: Iterable[float], margin: float = 0.06, along: Literal["x", "y"] = "y"
) -> None:
    """Make an axis logarithmic around positive finite values, with plain labels.

    Parameters
    ----------
    ax : Axes
        One of its axes is set.
    values : iterable of float
        What must be inside; values that no log axis can show are passed over.
    margin : float
        Share of the axis left free beyond the extreme values, at either end.
    along : {"x", "y"}
        Which axis.
    """
    kept = np.array([v for v in values if np.isfinite(v) and v > 0])
    low, high = (kept.min(), kept.max()) if len(kept) else (0.1, 1.0)
    pad = (high / low) ** margin if high > low * 1.05 else 1.05
    ax.set(**{f"{along}scale": "log", f"{along}lim": (low / pad, high * pad)})
    axis = ax.yaxis if along == "y" else ax.xaxis
    axis.set_major_locator(FixedLocator(list(log_ticks(low / pad, high * pad))))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def set_example_axis(ax: Axes, sizes: Iterable[int]) -> None:
    """Make the x axis a log axis of the number of labelled examples, one tick for each n."""
    ticks = sorted(set(sizes))
    ax.set_xscale("log")
    pad = (ticks[-1] / ticks[0]) ** 0.05 if len(ticks) > 1 else 1.5
    ax.set_xlim(ticks[0] / pad, ticks[-1] * pad)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("number of labelled examples n")


def panel_grid(figure: Figure, count: int, label: str) -> list[Axes]:
    """Return panels with common axes in rows, with one label below the middle of the last row."""
    columns = min(count, PANELS_PER_ROW)
    lines = int(np.ceil(count / columns))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    # Below the middle panel, or between the two middle ones.
    grid[-1, (columns - 1) // 2].set_xlabel(label, x=0.5 if columns % 2 else 1.06)
    panels = list(grid.ravel())
    for ax in panels[count:]:
        ax.set_axis_off()
    for place, ax in enumerate(panels[:count]):
        ax.tick_params(labelbottom=place >= count - columns)
    return panels[:count]


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes are made by their figure"
    return figure


def add_note(figure: Figure, sentences: Iterable[str]) -> None:
    """Print sentences, if any, in small type along the lower edge of a figure.

    The figure needs constrained layout, which makes room for the note.
    """
    width = int(figure.get_figwidth() * _NOTE_CHARACTERS_PER_INCH)
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
    if lines:
        figure.supxlabel(
            "\n".join(lines), x=_LEFT, ha="left", fontsize=7.5, color=_NOTE_COLOUR, linespacing=1.3
        )


def set_titles(figure: Figure, title: str, subtitle: str) -> None:
    """Write a bold title and a plain line below it at the top left of a figure.

    The figure needs constrained layout, which makes room for both lines.
    """
    # The heading reserves a second line, in which the plain one is then written.
    figure.suptitle(
        title + "\n ", x=_LEFT, ha="left", fontsize=10.5, fontweight="bold", linespacing=1.4
    )
    down = FIGURE_SETTINGS["figure.constrained_layout.h_pad"] + _TITLE_LINE / 72
    height = 1 - down / figure.get_figheight()
    plain = figure.text(_LEFT, height, subtitle, va="top", fontsize=9, color=_NOTE_COLOUR)
    plain.set_in_layout(False)


def set_problem_titles(figure: Figure, chosen: pd.DataFrame, title: str, subtitle: str) -> None:
    """Write the title of a figure of one data set and protocol, and how to read it.

    Parameters
    ----------
    chosen : DataFrame
        As :func:`qdistill.figures.summaries.select_problem` gives it.
    title, subtitle : str
        What the figure shows, and how; data set, protocol and qubits are put before them.
    """
    first = chosen.iloc[0]
    set_titles(
        figure,
        f"{first['dataset']}, protocol {first['protocol']}: {title}",
        f"{first['qubits']} qubits; {subtitle}",
    )
