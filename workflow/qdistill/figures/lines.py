"""Lines of means with limits, and the axes and panels that they are drawn on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from scipy import special

from qdistill.judgement.statistics import LEVEL
from qdistill.study.model_entry import Style
from qdistill.study.registry import ENTRIES, family_of
from qdistill.study.styles import in_front, style_of

PALE = 0.4  # opacity of what stands back
PANELS_PER_ROW = 5
EXAMPLES = "number of labelled examples n"
BAND: dict[str, Any] = {"alpha": 0.16, "linewidth": 0, "zorder": 1.5}

# Leading digits of ticks within a decade, from many ticks to few.
_DIGITS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))


def student_limits(values: ArrayLike) -> tuple[float, float]:
    """Return the limits of ``judgement.statistics.paired_interval``, forty times as fast."""
    numbers = np.asarray(values, dtype=float)
    half = special.stdtrit(len(numbers) - 1, (1 + LEVEL) / 2) * numbers.std(ddof=1)
    middle, half = numbers.mean(), half / np.sqrt(len(numbers))
    return middle - half, middle + half


def limits_of_positive(values: ArrayLike) -> tuple[float, float]:
    """Return :func:`student_limits`, of positive values not below the lowest of them.

    A symmetric limit may be negative there, and reach to the bottom of a log axis.
    """
    low, high = student_limits(values)
    lowest = float(np.min(values))
    return max(low, lowest) if lowest > 0 else low, high


def draw_line(
    ax: Axes, rows: pd.DataFrame, x: str, y: str, style: Style, bands: bool = True, **look: Any
) -> None:
    """Draw the mean over rows at each x as a line, with a band of :func:`limits_of_positive`.

    Where a row is not finite there is no mean, and the line has a gap: seaborn would drop the row
    and flatter the model that failed. On an axis that is logarithmic before, the mean is
    geometric; for arithmetic means, make it so afterwards. Of columns ``x`` and ``y`` there is a
    row for each seed at each ``x``. The look are properties of the line, such as its label, that
    replace those of the style.
    """
    # Small markers above large ones, and lines without any on top: coinciding ones are seen.
    whole = {
        "color": style.colour,
        "marker": style.marker or None,
        "markersize": style.size,
        "markeredgewidth": 0.6,
        "linestyle": style.line,
        "linewidth": 1.8 if style.line == "-" else 1.4,
        "zorder": 3 - style.size / 20 if style.marker else 3.5,
        **look,
    }
    if not style.marker and rows[x].nunique() == 1:  # a line of one point would not be seen
        whole |= {"marker": "_", "markersize": 14, "markeredgewidth": 1.8}
        whole["markeredgecolor"] = style.colour
    words = {axis: axis.get_label_text() for axis in (ax.xaxis, ax.yaxis)}
    for axis, text in words.items():
        axis.set_label_text(text or " ")  # or seaborn writes the names of columns
    known = np.isfinite(rows[y]).groupby(rows[x]).all()
    for _, kept in known[known].groupby((~known).cumsum()[known]):
        part = rows[rows[x].isin(kept.index)]
        limits = limits_of_positive if bands else None
        sns.lineplot(part, x=x, y=y, ax=ax, errorbar=limits, err_kws=BAND, legend=False, **whole)
        whole["label"] = None
    for axis, text in words.items():
        axis.set_label_text(text)


def draw_models(
    ax: Axes, runs: pd.DataFrame, x: str, y: str, front: Sequence[str] | None = None, **look: Any
) -> None:
    """Draw a line for each model: labelled, or thin and pale if it is not among those in front.

    Those are as :func:`qdistill.study.styles.in_front` chooses by default.
    """
    names = sorted(runs["model"].unique(), key=[*ENTRIES].index)
    front = in_front(names) if front is None else front
    for name in names:
        rows, style, shown = runs[runs["model"] == name], style_of(name), name in front
        own: dict[str, Any] = {"label": name}
        if not shown:
            own = {"linewidth": 0.9, "alpha": PALE, "zorder": 1.8, "markersize": style.size / 2}
        bands = shown and family_of(name) != "reference"
        draw_line(ax, rows, x, y, style, bands, **{**own, **look})


def log_ticks(low: float, high: float, most: int = 8) -> np.ndarray:
    """Choose round numbers between two limits, as many as can be labelled on a log axis."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    choices = [np.outer(decades, digits).ravel() for digits in _DIGITS]
    inside = [ticks[(ticks >= low) & (ticks <= high)] for ticks in choices]
    ticks: np.ndarray = next((each for each in inside if len(each) <= most), inside[-1])
    if len(inside[0]) < 3:
        linear = MaxNLocator(max(most - 2, 4), steps=[1, 2, 5, 10])
        ticks = np.asarray(linear.tick_values(low, high))
        ticks = ticks[(ticks >= low) & (ticks <= high)]
    return ticks[:: -(-len(ticks) // most) or 1]


def plain_number(value: float) -> str:
    """Return the label of a tick: 0.002, 50, 1,000, or a power of ten where that is shorter."""
    if value <= 0 or 1e-4 <= value < 1e5:
        return f"{value:,.10g}"
    factor, exponent = f"{value:.2e}".split("e")
    power = rf"10^{{{int(exponent)}}}"
    return f"${power}$" if float(factor) == 1 else rf"${float(factor):g} \times {power}$"


def line_values(*panels: Axes) -> np.ndarray:
    """Return the heights of all points of all lines; there may be none, where runs diverged."""
    heights = [np.asarray(line.get_ydata()) for ax in panels for line in ax.lines]
    return np.concatenate([np.empty(0), *heights])


def set_log_axis(
    ax: Axes, values: Iterable[float], along: Literal["x", "y"] = "y", most: int = 8
) -> None:
    """Make an axis logarithmic around values, with plain labels.

    Values that no log axis can show are passed over; there is room for ``most`` ticks.
    """
    kept = [value for value in values if np.isfinite(value) and value > 0] or [0.1, 1.0]
    pad = (max(kept) / min(kept)) ** 0.06 if max(kept) > min(kept) * 1.05 else 1.05
    ends = min(kept) / pad, max(kept) * pad
    ax.set(**{f"{along}scale": "log", f"{along}lim": ends})
    label_ticks(ax, along, log_ticks(*ends, most))


def set_example_axis(ax: Axes, sizes: Iterable[int], label: str = EXAMPLES) -> None:
    """Make the x axis a log axis of the number of labelled examples, one tick for each n."""
    ticks = sorted(set(sizes))
    pad = (ticks[-1] / ticks[0]) ** 0.05 if len(ticks) > 1 else 1.5
    ax.set(xscale="log", xlim=(ticks[0] / pad, ticks[-1] * pad), xlabel=label)
    label_ticks(ax, "x", ticks)


def label_ticks(ax: Axes, along: Literal["x", "y"], ticks: Iterable[float]) -> None:
    """Set the ticks of an axis, with plain labels."""
    axis = ax.xaxis if along == "x" else ax.yaxis
    axis.set_major_locator(FixedLocator([*ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def panel_grid(
    figure: Figure,
    count: int,
    label: str,
    each: tuple[float, float],
    around: tuple[float, float],
    share: bool = False,
) -> list[Axes]:
    """Return panels in rows of at most five, with one label below the middle of the last row.

    The figure is made as large as they need: ``each`` is the width and height in inches of a
    panel, ``around`` of what is around all.
    """
    columns = min(count, PANELS_PER_ROW)
    rows = -(-count // columns)
    width, height = around[0] + each[0] * max(columns, 3), around[1] + each[1] * rows
    figure.set_size_inches(width, height)
    grid = figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False)
    panels, last = list(grid.ravel()), count - columns * (rows - 1)
    for ax in panels[count:]:
        ax.set_axis_off()
    for ax in panels[count - columns : count]:
        ax.tick_params(labelbottom=True)
    # Below the middle panel, or between the two middle ones.
    panels[count - last + (last - 1) // 2].set_xlabel(label, x=0.5 if last % 2 else 1.06)
    return panels[:count]
