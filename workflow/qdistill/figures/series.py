"""Series of points with limits, and the legends that name them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qdistill.figures.axes import TITLES_HEIGHT
from qdistill.study.registry import ENTRIES, MODELS
from qdistill.study.styles import GROUP_TITLES, Style, in_groups, style_of

BAND_OPACITY = 0.16
FAINT_OPACITY = 0.5

# Variants of other models, which step back where a figure has many lines.
BACKGROUND = frozenset(name for name in MODELS if ENTRIES[name].is_variant)
_MOST_IN_FRONT = 10
_LEGEND_LINE = 0.165  # inches
_BELOW_TITLES = " \n \n "  # a title of blank lines, as high as the titles of the figure


def background_of(names: Iterable[str]) -> frozenset[str]:
    """Return the names that a figure draws thin and pale: none where it has few lines."""
    present = frozenset(names)
    return present & BACKGROUND if len(present) > _MOST_IN_FRONT else frozenset()


def draw_series(ax: Axes, x: str, summary: pd.DataFrame, style: Style, faint: bool = False) -> None:
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
    faint : bool
        Thin and pale, behind the others and without a band.
    """
    at = summary[x].to_numpy(float)
    solid = style.line == "-"
    look: dict[str, Any] = {"linewidth": 1.8 if solid else 1.4, "zorder": 2 if solid else 2.2}
    if faint:
        look = {"linewidth": 0.9, "zorder": 1.8, "alpha": FAINT_OPACITY}
    else:
        low, high = (summary[limit].to_numpy(float) for limit in ("low", "high"))
        # A lower limit at or below zero has no place on a log axis: the band runs to its end.
        low = np.where(low <= 0, np.finfo(float).tiny, low) if ax.get_yscale() == "log" else low
        band: dict[str, Any] = {"color": style.colour, "alpha": BAND_OPACITY, "linewidth": 0}
        ax.fill_between(at, low, high, zorder=1.5, **band)
    # Broken lines above solid ones, small markers above large ones: coinciding series show.
    ax.plot(at, summary["mean"], color=style.colour, linestyle=style.line, **look)
    if style.marker:
        draw_markers(ax, at, summary["mean"], style, faint)


def draw_markers(
    ax: Axes,
    at: Sequence[float] | np.ndarray,
    values: Iterable[float],
    style: Style,
    faint: bool = False,
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
        markersize=0.6 * style.size if faint else style.size,
        markeredgecolor="white",
        markeredgewidth=0.3 if faint else 0.6,
        alpha=FAINT_OPACITY if faint else None,
        clip_on=False,
        zorder=1.9 if faint else 4 - style.size / 20,
    )


def key_of(
    name: str, label: str | None = None, markers: bool = True, faint: bool = False
) -> Line2D:
    """Return the legend key of a name."""
    style = style_of(name)
    return Line2D(
        [],
        [],
        color=style.colour,
        linestyle=style.line,
        linewidth=0.9 if faint else 1.6,
        marker=style.marker if markers else "",
        markersize=min(style.size, 7) * (0.6 if faint else 1),
        markeredgecolor="white",
        markeredgewidth=0.3 if faint else 0.6,
        alpha=FAINT_OPACITY if faint else None,
        label=label or name,
    )


def keys_of(
    names: Iterable[str], markers: bool = True, faint: Collection[str] = ()
) -> dict[str, list[Artist]]:
    """Return the legend keys of names, under the title of their family."""
    return {
        GROUP_TITLES[family]: [
            key_of(name, markers=markers, faint=name in faint) for name in members
        ]
        for family, members in in_groups(names).items()
    }


def add_legend(figure: Figure, groups: Mapping[str, Sequence[Artist]]) -> None:
    """Add a legend with titled groups at the right of a figure, clear of the data.

    Parameters
    ----------
    figure : Figure
        With constrained layout, which makes room for the legend.
    groups : mapping of str to sequence of Artist
        Keys with labels, by the title of their group; empty groups are left out.

    Notes
    -----
    The legend begins below the titles. A figure too low for it is made higher.
    """
    handles: list[Artist] = []
    titles = []
    for title, members in groups.items():
        if members:
            titles.append(len(handles))
            handles += [Line2D([], [], linestyle="none", label=title), *members]
    lines = sum(str(handle.get_label()).count("\n") + 1 for handle in handles)
    needed = TITLES_HEIGHT + _LEGEND_LINE * (lines + 1)
    figure.set_figheight(max(figure.get_figheight(), needed))
    legend = figure.legend(
        handles=handles,
        loc="outside right upper",
        title=_BELOW_TITLES,
        handlelength=2.8,
        labelspacing=0.45,
    )
    for place in titles:
        legend.get_texts()[place].set_fontweight("bold")
