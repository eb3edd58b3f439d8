"""Whether a student only learns by heart what its teacher says of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from qdistill.figures.axes import add_note, set_log_limits, set_problem_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, draw_series
from qdistill.figures.summaries import list_cases, read_problem
from qdistill.judgement.overfitting import MARGIN
from qdistill.study.styles import Style

LOWEST_R2 = -1.0

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
_ASIDE = 0.06
_LIMIT_ROOM = 3.0  # limits may widen an axis this many times beyond the estimates


def size_styles(sizes: Sequence[int]) -> dict[int, Style]:
    """Return the look of each n: lighter with fewer examples, and a marker of its own."""
    shades = colormaps["viridis_r"](np.linspace(0.2, 1.0, max(len(sizes), 2)))
    return {
        n: Style(to_hex(shades[place]), _MARKERS[place % len(_MARKERS)], "-", 5.5)
        for place, n in enumerate(sizes)
    }


def draw_overfitting(figure: Figure, table: pd.DataFrame) -> None:
    """Draw error beside the teacher's, and agreement with it, against the size of the pool.

    Parameters
    ----------
    table : DataFrame
        Rows of the contract "overfitting" of one data set and protocol.
    """
    sizes, pools = sorted(table["n"].unique()), sorted(table["pool"].unique())
    places = {pool: place for place, pool in enumerate(pools)}
    left, right = figure.subplots(1, 2, sharex=True)
    left.set_yscale("log")  # before the bands, whose ends depend on it
    styles = size_styles(sizes)
    for place, (n, style) in enumerate(styles.items()):
        part = table[table["n"] == n].sort_values("pool")
        # Side by side, for lines that coincide.
        at = part["pool"].map(places) + _ASIDE * (place - (len(styles) - 1) / 2)
        for ax, value in ((left, "ratio"), (right, "teacher_r2")):
            limits = {"low": part[f"{value}_low"], "high": part[f"{value}_high"]}
            summary = pd.DataFrame({"at": at, "mean": part[value], **limits})
            draw_series(ax, "at", summary, style)
    _finish_ratio(left, table)
    _finish_agreement(right, table)
    for ax in (left, right):
        ax.set_xticks(range(len(pools)), [f"{pool:,}" for pool in pools])
        ax.set_xlim(-0.25, len(pools) - 0.75)
        ax.set_xlabel("unlabelled rows in the pool")
    keys = [
        left.plot(
            [],
            [],
            color=style.colour,
            marker=style.marker,
            markersize=style.size,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=f"n = {n:,}",
        )[0]
        for n, style in styles.items()
    ]
    add_legend(figure, {"Labelled examples": keys})
    add_note(figure, [*_verdicts(table), *_below_axis(table), *_failures(table)])


def _finish_ratio(ax: Axes, table: pd.DataFrame) -> None:
    level = 1 + MARGIN
    ax.set_title("held-out error, student / teacher")
    ax.set_ylabel("ratio")
    ax.axhline(1.0, color="#555555", linewidth=1.0, zorder=1)
    ax.axhline(level, color="#555555", linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    estimates = table["ratio"][np.isfinite(table["ratio"])]
    low, high = min(1.0, *estimates, level), max(1.0, *estimates, level)
    limits = table[["ratio_low", "ratio_high"]].clip(low / _LIMIT_ROOM, high * _LIMIT_ROOM)
    set_log_limits(ax, [low, high, *limits.to_numpy().ravel()])


def _finish_agreement(ax: Axes, table: pd.DataFrame) -> None:
    ax.set_title("agreement with the teacher, held-out rows")
    ax.set_ylabel("R² against the teacher")
    ax.axhline(1.0, color="#555555", linewidth=1.0, zorder=1)
    values = table[["teacher_r2", "teacher_r2_low"]].clip(lower=LOWEST_R2).to_numpy().ravel()
    lowest = min([0.9, *values[np.isfinite(values)]])
    room = 0.06 * (1 - lowest)
    ax.set_ylim(lowest - room, 1 + room)


def _verdicts(table: pd.DataFrame) -> list[str]:
    """Say for each n with which pools the student overfits, does not, or may."""
    sentences = []
    for n, part in table.groupby("n", sort=True):
        found = [
            f"{verdict} with a pool of {', '.join(map('{:,}'.format, rows['pool']))}"
            for verdict, rows in part.sort_values("pool").groupby("verdict", sort=False)
        ]
        sentences.append(f"n = {n:,}: {'; '.join(found)}.")
    return sentences


def _below_axis(table: pd.DataFrame) -> list[str]:
    below = table[table["teacher_r2"] < LOWEST_R2]
    cases = (
        f"{row.teacher_r2:.2g} at n = {row.n:,}, pool {row.pool:,}" for row in below.itertuples()
    )
    return list_cases("R² below the axis", (case.replace("-", "\N{MINUS SIGN}") for case in cases))


def _failures(table: pd.DataFrame) -> list[str]:
    failed = table[table["diverged"] > 0]
    cases = (
        f"n = {row.n:,}, pool {row.pool:,} ({row.diverged} of {row.seeds})"
        for row in failed.itertuples()
    )
    return list_cases("Seeds with a diverged student or teacher", cases)


def plot_overfitting(
    overfitting_path: str | Path, dataset: str, protocol: str, outputs: Sequence[str | Path]
) -> None:
    """Read the table, draw one data set and protocol, and save it.

    Raises
    ------
    DataError
        If the table is damaged or has nothing of this data set under this protocol.
    """
    table = read_problem("overfitting", overfitting_path, dataset, protocol)
    with saved_figure(outputs, (9.2, 4.4)) as figure:
        draw_overfitting(figure, table)
        seeds = table["seeds"].max()
        how = f"distilled_pool, mean over {seeds} seeds; bands: 95 % Student t limits"
        set_problem_titles(figure, table, "does the student overfit its teacher?", how)
