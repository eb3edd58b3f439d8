"""Axes, series, legends and notes that several figures share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from qdistill.figures.style import FIGURE_SETTINGS, GROUP_TITLES, Style, in_groups, style_of

BAND_OPACITY = 0.16

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

_LEFT = 0.012  # of the figure's width, where titles and notes begin
_NOTE_COLOUR = "#444444"
_NOTE_CHARACTERS_PER_INCH = 18.5
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
    """Label of a tick: 0.002, 50, 1,000, or a power of ten where that is shorter."""
    if value <= 0 or 1e-4 <= value < 1e5:
        return f"{value:,.10g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    factor = value / 10.0**exponent
    power = rf"10^{{{exponent}}}"
    return f"${power}$" if np.isclose(factor, 1) else rf"${factor:.3g} \times {power}$"


def set_log_limits(ax: Axes, values: Iterable[float], margin: float = 0.06) -> None:
    """Make the y axis logarithmic around positive finite values, with plain labels.

    Parameters
    ----------
    ax : Axes
        Its y axis is set.
    values : iterable of float
        What must be inside; values that no log axis can show are passed over.
    margin : float
        Share of the axis left free beyond the extreme values, at either end.
    """
    kept = np.array([v for v in values if np.isfinite(v) and v > 0])
    low, high = (kept.min(), kept.max()) if len(kept) else (0.1, 1.0)
    pad = (high / low) ** margin if high > low * 1.05 else 1.05
    ax.set_yscale("log")
    ax.set_ylim(low / pad, high * pad)
    ax.yaxis.set_major_locator(FixedLocator(list(log_ticks(low / pad, high * pad))))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


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


def draw_series(ax: Axes, x: str, summary: pd.DataFrame, style: Style) -> None:
    """Draw means as a line with markers and their limits as a band.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : str
        The column along the horizontal axis.
    summary : DataFrame
        With columns ``x``, ``mean``, ``low`` and ``high``; gaps where they are NaN.
    style : Style
        Of the name it belongs to.
    """
    at = summary[x].to_numpy(float)
    low, high = (summary[limit].to_numpy(float) for limit in ("low", "high"))
    # A lower limit at or below zero has no place on a log axis: the band runs to its end.
    low = np.where(low <= 0, np.finfo(float).tiny, low)
    ax.fill_between(at, low, high, color=style.colour, alpha=BAND_OPACITY, linewidth=0, zorder=1.5)
    solid = style.line == "-"
    # Broken lines above solid ones, small markers above large ones: coinciding series show.
    ax.plot(
        at,
        summary["mean"],
        color=style.colour,
        linestyle=style.line,
        linewidth=1.8 if solid else 1.4,
        zorder=2 if solid else 2.2,
    )
    if style.marker:
        draw_markers(ax, at, summary["mean"], style)


def draw_markers(
    ax: Axes, at: Sequence[float] | np.ndarray, values: Iterable[float], style: Style
) -> None:
    """Draw the filled markers of a series, whole even at the edge of the axes."""
    points = np.array([(x, y) for x, y in zip(at, values, strict=True) if np.isfinite(y)])
    if not len(points):
        return  # an unclipped line without points would upset the layout
    ax.plot(
        points[:, 0],
        points[:, 1],
        color=style.colour,
        marker=style.marker,
        linestyle="none",
        markersize=style.size,
        markeredgecolor="white",
        markeredgewidth=0.6,
        clip_on=False,
        zorder=4 - style.size / 20,
    )


def key_of(name: str, label: str | None = None, markers: bool = True) -> Line2D:
    """Legend key of a name."""
    style = style_of(name)
    return Line2D(
        [],
        [],
        color=style.colour,
        linestyle=style.line,
        linewidth=1.6,
        marker=style.marker if markers else "",
        markersize=min(style.size, 7),
        markeredgecolor="white",
        markeredgewidth=0.6,
        label=label or name,
    )


def keys_of(names: Iterable[str], markers: bool = True) -> dict[str, list[Artist]]:
    """Legend keys of names, under the title of their family."""
    return {
        GROUP_TITLES[family]: [key_of(name, markers=markers) for name in members]
        for family, members in in_groups(names).items()
    }


def figure_of(ax: Axes) -> Figure:
    """Give the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes are made by their figure"
    return figure


def add_legend(figure: Figure, groups: Mapping[str, Sequence[Artist]]) -> None:
    """Put a legend with titled groups at the right of a figure, clear of the data.

    Parameters
    ----------
    figure : Figure
        With constrained layout, which makes room for the legend.
    groups : mapping of str to sequence of Artist
        Keys with labels, by the title of their group; empty groups are left out.
    """
    handles: list[Artist] = []
    titles = []
    for title, members in groups.items():
        if members:
            titles.append(len(handles))
            handles += [Line2D([], [], linestyle="none", label=title), *members]
    legend = figure.legend(
        handles=handles, loc="outside right upper", handlelength=2.8, labelspacing=0.45
    )
    for place in titles:
        legend.get_texts()[place].set_fontweight("bold")


def add_note(figure: Figure, sentences: Iterable[str]) -> None:
    """Print sentences in small type along the lower edge of a figure.

    Parameters
    ----------
    figure : Figure
        With constrained layout, which makes room for the note.
    sentences : iterable of str
        What to say; nothing is drawn for none.
    """
    width = int(figure.get_figwidth() * _NOTE_CHARACTERS_PER_INCH)
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
    if lines:
        figure.supxlabel(
            "\n".join(lines), x=_LEFT, ha="left", fontsize=7.5, color=_NOTE_COLOUR, linespacing=1.3
        )


def set_titles(figure: Figure, title: str, subtitle: str) -> None:
    """Put a bold title and a plain line below it at the top left of a figure.

    Parameters
    ----------
    figure : Figure
        With constrained layout, which makes room for both lines.
    title, subtitle : str
        One line each.
    """
    # The heading reserves a second line, in which the plain one is then written.
    figure.suptitle(
        title + "\n ", x=_LEFT, ha="left", fontsize=10.5, fontweight="bold", linespacing=1.4
    )
    down = FIGURE_SETTINGS["figure.constrained_layout.h_pad"] + _TITLE_LINE / 72
    plain = figure.text(
        _LEFT,
        1 - down / figure.get_figheight(),
        subtitle,
        va="top",
        fontsize=9,
        color=_NOTE_COLOUR,
    )
    plain.set_in_layout(False)
