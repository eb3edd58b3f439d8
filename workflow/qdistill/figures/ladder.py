"""The ladder of attribution: every simpler model's error relative to the quantum model's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from qdistill.figures.axes import (
    PANELS_PER_ROW,
    add_note,
    panel_grid,
    set_log_limits,
    set_problem_titles,
    set_titles,
)
from qdistill.figures.save import saved_figure
from qdistill.figures.summaries import list_cases
from qdistill.storage.tables import read_frame
from qdistill.study.registry import ENTRIES, place_on_ladder, with_role
from qdistill.study.styles import Style, style_of

CHALLENGER = "quantum"

_MARK_COLOUR = "#FBE9A9"
_LIMITS_SHOWN = 3.0  # limits may widen the axis this many times beyond the estimates
# Leading digits of ticks, from the roundest.
_ROUND = ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, *range(2, 10)), tuple(np.arange(100, 1000) / 100))
_TICK_DISTANCE = 0.15  # of the axis, between the tick at 1 and the next
_NARROWEST = 1.25  # the axis reaches at least this ratio either way


def ratios_to_challenger(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Turn challenger / rival, as compared, into rival / challenger.

    Parameters
    ----------
    comparisons : DataFrame
        By the contract "comparisons", of one data set and protocol.

    Returns
    -------
    DataFrame
        ``n``, ``rival``, ``ratio``, ``low``, ``high``, ``verdict`` and ``diverged``, for the
        trained rivals of the quantum model: a ratio above 1 means that the rival's
        held-out error is the larger, and ``verdict`` is still that on the quantum model.
    """
    hit = (
        (comparisons["challenger"] == CHALLENGER)
        & (comparisons["challenger_stage"] == "trained")
        & (comparisons["baseline_stage"] == "trained")
    )
    chosen = comparisons[hit]
    return pd.DataFrame(
        {
            "n": chosen["n"],
            "rival": chosen["baseline"],
            "ratio": 1 / chosen["ratio"],
            "low": 1 / chosen["ratio_high"],
            "high": 1 / chosen["ratio_low"],
            "verdict": chosen["verdict"],
            "diverged": chosen["diverged"],
        }
    ).reset_index(drop=True)


def rungs_of(ratios: pd.DataFrame, attribution: pd.DataFrame) -> list[str]:
    """Return the rungs from the simplest up: the study's models on the ladder of simplicity.

    Names that the ladder lacks come last. The article's classical
    baselines are left out, unless attribution names one of them; so is the oracle.
    """
    oracles = {name for name, entry in ENTRIES.items() if entry.is_oracle}
    apart = {*oracles, *with_role("baseline")} - set(attribution["simplest"].dropna())
    return sorted({CHALLENGER, *ratios["rival"]} - apart, key=place_on_ladder)


def draw_ladder(figure: Figure, comparisons: pd.DataFrame, attribution: pd.DataFrame) -> None:
    """Draw the rungs' errors relative to the quantum model's, one panel for each n.

    Parameters
    ----------
    comparisons, attribution : DataFrame
        Rows of these contracts of one data set and protocol.
    """
    ratios = ratios_to_challenger(comparisons)
    rungs = rungs_of(ratios, attribution)
    ratios = ratios[ratios["rival"].isin(rungs)]
    sizes = sorted(ratios["n"].unique())
    panels = panel_grid(figure, len(sizes), "held-out error / that of quantum")
    first = panels[0]
    set_log_limits(first, _values_inside(ratios), along="x")
    left, right = first.get_xlim()
    first.xaxis.set_major_locator(FixedLocator(_few_ticks(left, right)))
    verdicts = attribution.set_index("n")
    for n, ax in zip(sizes, panels, strict=True):
        judged = verdicts.loc[n] if n in verdicts.index else None
        ax.set_title(f"n = {n:,}" + ("" if judged is None else f"\n{judged['verdict']}"))
        marked = None if judged is None else judged["simplest"]
        _draw_panel(ax, ratios[ratios["n"] == n], rungs, marked)
        ax.tick_params(axis="y", left=False)
    first.set_yticks(range(len(rungs)), rungs)
    first.set_ylim(-0.6, len(rungs) - 0.4)
    add_note(figure, _explanations(ratios, attribution, (left, right)))


def _few_ticks(left: float, right: float) -> list[float]:
    """Choose a tick at 1 and the roundest number far to either side of it: panels are narrow."""
    decades = 10.0 ** np.arange(np.floor(np.log10(left)), np.ceil(np.log10(right)) + 1)
    ticks = [1.0]
    for low, high, furthest in ((left, 0.99, np.min), (1.01, right, np.max)):
        for digits in _ROUND:
            found = np.outer(decades, digits).ravel()
            found = found[(found >= low) & (found <= high)]
            if len(found):
                tick = float(furthest(found))
                if abs(np.log(tick)) > _TICK_DISTANCE * np.log(right / left):
                    ticks.append(tick)
                break
    return sorted(ticks)


def _values_inside(ratios: pd.DataFrame) -> list[float]:
    """Estimates, and limits that lie near enough to them to be shown in full."""
    estimates = ratios["ratio"][np.isfinite(ratios["ratio"])]
    low = min(1 / _NARROWEST, *estimates) if len(estimates) else 1 / _NARROWEST
    high = max(_NARROWEST, *estimates) if len(estimates) else _NARROWEST
    limits = pd.concat([ratios["low"], ratios["high"]]).clip(
        low / _LIMITS_SHOWN, high * _LIMITS_SHOWN
    )
    return [low, high, *limits]


def _draw_panel(ax: Axes, part: pd.DataFrame, rungs: Sequence[str], marked: str | None) -> None:
    ax.grid(axis="x", visible=False)
    ax.axvline(1.0, color="#555555", linewidth=1.0, zorder=1)
    if marked in rungs:
        height = rungs.index(marked)
        ax.axhspan(height - 0.45, height + 0.45, color=_MARK_COLOUR, linewidth=0, zorder=0.5)
    rows = part.set_index("rival")
    for height, name in enumerate(rungs):
        style = style_of(name)
        if name == CHALLENGER:
            _draw_point(ax, 1.0, height, style, hollow=False)
        elif name in rows.index:
            _draw_rung(ax, height, rows.loc[name], style)


def _draw_rung(ax: Axes, height: int, row: pd.Series, style: Style) -> None:
    if not np.isfinite(row["ratio"]):
        where: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "ha": "center"}
        look: dict[str, Any] = {"fontsize": 7.5, "style": "italic", "color": "#555555"}
        ax.text(0.5, height, "undefined", va="center", **where, **look)
        return
    if np.isfinite([row["low"], row["high"]]).all():
        ends = [row["low"], row["high"]]
        ax.plot(ends, [height] * 2, color=style.colour, linewidth=1.8, zorder=2)
        ax.plot(ends, [height] * 2, "|", color=style.colour, markersize=8, zorder=2)
    _draw_point(ax, row["ratio"], height, style, row["verdict"] == "not distinguishable")


def _draw_point(ax: Axes, ratio: float, height: int, style: Style, hollow: bool) -> None:
    ax.plot(
        [ratio],
        [height],
        color=style.colour,
        marker="o",
        linestyle="none",
        markersize=5,
        markerfacecolor="white" if hollow else style.colour,
        markeredgewidth=1.2,
        clip_on=False,
        zorder=4,
    )


def _explanations(
    ratios: pd.DataFrame, attribution: pd.DataFrame, ends: tuple[float, float]
) -> list[str]:
    """Say what a reader needs to know to read this very figure."""
    sentences = [
        f"Filled: differs from {CHALLENGER} by the paired test, after Holm's correction. "
        "Hollow: not told apart from it."
    ]
    if attribution["simplest"].notna().any():
        sentences.append(
            f"Shaded: the simplest model that does as well as {CHALLENGER} as far as these seeds "
            "tell, or better."
        )
    if (ratios["low"] < ends[0]).any() or (ratios["high"] > ends[1]).any():
        sentences.append("Intervals that reach beyond the axis are cut at its end.")
    for missing, part in attribution[attribution["missing"] != ""].groupby("missing"):
        sizes = ", ".join(f"{n:,}" for n in part["n"])
        sentences.append(
            f"Not in the study, though attribution asks for it: {missing} (n = {sizes})."
        )
    failed = ratios[ratios["diverged"] > 0]
    cases = (f"{row.rival} at n = {row.n:,} ({row.diverged})" for row in failed.itertuples())
    return sentences + list_cases("Seeds at which quantum or the rival diverged", cases)


def plot_ladder(
    comparisons_path: str | Path,
    attribution_path: str | Path,
    dataset: str,
    protocol: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read the tables, draw the ladder of one data set and protocol, and save it.

    Parameters
    ----------
    dataset, protocol : str
        Which conditions to draw. Where the quantum model has no rival in them, as in a study
        of this model alone, the figure says so.

    Raises
    ------
    DataError
        If a table is damaged.
    """
    comparisons, attribution = (
        frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)]
        for frame in (
            read_frame("comparisons", comparisons_path),
            read_frame("attribution", attribution_path),
        )
    )
    ratios = ratios_to_challenger(comparisons)
    panels, rungs = ratios["n"].nunique(), len(rungs_of(ratios, attribution))
    lines = int(np.ceil(panels / PANELS_PER_ROW))
    width = 2.0 + 1.6 * max(3, min(panels, PANELS_PER_ROW))
    with saved_figure(outputs, (width, 1.9 + lines * (0.75 + 0.27 * rungs))) as figure:
        if ratios.empty:
            figure.text(0.5, 0.4, f"{CHALLENGER} has no rival to be compared with", ha="center")
            set_titles(figure, f"{dataset}, protocol {protocol}: the ladder of attribution", "")
        else:
            draw_ladder(figure, comparisons, attribution)
            set_problem_titles(
                figure,
                comparisons,
                "the ladder of attribution",
                f"geometric mean over {comparisons['seeds'].max()} seeds of error / error of "
                f"{CHALLENGER}; lines: 95 % Student t limits",
            )
