"""Intervals in named rows, a panel for each n: the ladder of attribution, and transfer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE

from qdistill.figures.lines import panel_grid, set_log_axis
from qdistill.figures.tables import list_cases
from qdistill.judgement.transfer import COLLAPSED_BELOW, RETAINED_ABOVE
from qdistill.study.registry import ENTRIES, STUDENTS, place_on_ladder, stages_of, with_role
from qdistill.study.styles import style_of
from qdistill.wording import REASONS

CHALLENGER = "quantum"
RETAINED_LIMITS = (-0.5, 1.5)  # of the axis

_GREY = "#555555"
_MARK_COLOUR = "#FBE9A9"
_LIMITS_SHOWN = 3.0  # limits may widen the axis this many times beyond the estimates
_NARROWEST = 1.25  # the axis reaches at least this ratio either way
_SIDES = {"left": (0, 7), "center": (0.5, 0), "right": (1, -7)}  # of the row, and points away


def row_panels(
    figure: Figure, sizes: Sequence[int], labels: Sequence[str], xlabel: str
) -> list[Axes]:
    """Return a panel for each n with the same named rows, in a figure of the size they need."""
    height = 0.6 + (0.23 if len(labels) > 20 else 0.28) * len(labels)
    panels = panel_grid(figure, len(sizes), xlabel, (1.55, height), (2.4, 2.2), share=True)
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].set_ylim(-0.6, len(labels) - 0.4)
    for n, ax in zip(sizes, panels, strict=True):
        ax.set_title(f"n = {n:,}")
        ax.grid(axis="x", visible=False)
    return panels


def draw_interval(
    ax: Axes,
    height: float,
    values: Iterable[float],
    colour: str,
    hollow: bool = False,
    marker: str = "o",
) -> None:
    """Draw an estimate, its lower and its upper limit in a row of axes that have their ends.

    An estimate beyond the ends of the axis is printed there as a number, one that is missing as
    "undefined"; limits are cut at the ends, with an arrow where there is none on that side.
    """
    estimate, low, high = map(float, values)
    if np.isnan(estimate):
        print_in_row(ax, height, "undefined", "center", _GREY)
        return
    left, right = ax.get_xlim()
    start, end = np.clip([low, high], left, right)
    if start < end:
        ax.plot([start, end], [height, height], color=colour, linewidth=1.8, zorder=2)
    for limit, edge, arrow in ((low, left, CARETLEFTBASE), (high, right, CARETRIGHTBASE)):
        if np.isinf(limit):
            ax.plot(edge, height, marker=arrow, markeredgewidth=0, color=colour, clip_on=False)
    if left <= estimate <= right:
        face, rim = ("white", colour) if hollow else (colour, "white")
        ax.plot(estimate, height, marker, markersize=6, mfc=face, mec=rim, color=colour, zorder=4)
    else:
        words = f"{estimate:,.0f}" if abs(estimate) >= 10 else f"{estimate:.1f}"
        side = "left" if estimate < left else "right"
        print_in_row(ax, height, words.replace("-", "\N{MINUS SIGN}"), side, colour)


def print_in_row(ax: Axes, height: float, words: str, side: str, colour: str) -> None:
    """Print words in a row, in its middle or clear of one of its ends."""
    at, away = _SIDES[side]
    look: dict[str, Any] = {"color": colour, "fontsize": 7.5, "zorder": 5, "va": "center"}
    look |= {"ha": side, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.2}}
    look |= {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(words, (at, height), xytext=(away, 0), **look)


def ratios_to_challenger(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Turn quantum / trained rival, as compared, into rival / quantum: above 1, it is the worse.

    The columns are ``n``, ``rival``, ``ratio``, ``low``, ``high``, ``verdict`` (still that on the
    quantum model), ``equivalent`` and ``diverged``.
    """
    is_trained = (comparisons[["challenger_stage", "baseline_stage"]] == "trained").all(axis=1)
    chosen = comparisons[is_trained & (comparisons["challenger"] == CHALLENGER)]
    upside_down = {"ratio": "ratio", "low": "ratio_high", "high": "ratio_low"}
    ratios = {name: 1 / chosen[source] for name, source in upside_down.items()}
    told = chosen[["n", "verdict", "equivalent", "diverged"]]
    return told.assign(rival=chosen["baseline"], **ratios)


def rungs_of(ratios: pd.DataFrame, attribution: pd.DataFrame) -> list[str]:
    """Return the rungs from the simplest up: the study's models on the ladder of simplicity.

    Names that the ladder lacks come last. The article's classical baselines are left out,
    unless attribution names one of them; so is the oracle.
    """
    oracles = {name for name, entry in ENTRIES.items() if entry.is_oracle}
    apart = {*oracles, *with_role("baseline")} - set(attribution["simplest"].dropna())
    return sorted({CHALLENGER, *ratios["rival"]} - apart, key=place_on_ladder)


def draw_ladder(figure: Figure, comparisons: pd.DataFrame, attribution: pd.DataFrame) -> list[str]:
    """Draw the rungs' errors relative to the quantum model's, one panel for each n.

    Where the quantum model has no rival, as in a study of this model alone, the figure says so.
    """
    ratios = ratios_to_challenger(comparisons)
    rungs = rungs_of(ratios, attribution)
    ratios = ratios[ratios["rival"].isin(rungs)]
    sizes = sorted(ratios["n"].unique())
    if not sizes:
        figure.set_size_inches(6.8, 2.5)
        figure.text(0.5, 0.4, f"{CHALLENGER} has no rival to be compared with", ha="center")
        return []
    panels = row_panels(figure, sizes, rungs, f"held-out error / that of {CHALLENGER}")
    set_log_axis(panels[0], _values_inside(ratios), along="x", most=5)
    verdicts = attribution.set_index("n")
    for n, ax in zip(sizes, panels, strict=True):
        judged = verdicts.loc[n] if n in verdicts.index else None
        ax.axvline(1.0, color=_GREY, linewidth=1.0, zorder=1)
        if judged is not None:
            ax.set_title(f"n = {n:,}\n{judged['verdict']}")
        if judged is not None and judged["simplest"] in rungs:
            middle = rungs.index(judged["simplest"])
            ax.axhspan(middle - 0.45, middle + 0.45, color=_MARK_COLOUR, linewidth=0, zorder=0.5)
        draw_interval(ax, rungs.index(CHALLENGER), (1, 1, 1), style_of(CHALLENGER).colour)
        for _, row in ratios[ratios["n"] == n].iterrows():
            look = style_of(row["rival"]).colour, *_look(row)
            draw_interval(ax, rungs.index(row["rival"]), row[["ratio", "low", "high"]], *look)
    seeds, margin = comparisons["seeds"].max(), comparisons["margin"].max()
    return _ladder_notes(ratios, attribution, seeds, margin, panels[0].get_xlim())


def _look(row: pd.Series) -> tuple[bool, str]:
    """Return whether a point is hollow, and its marker."""
    is_open = row["verdict"] in ("equivalent", "not distinguishable")
    return is_open, "D" if row["equivalent"] else "o"


def _values_inside(ratios: pd.DataFrame) -> list[float]:
    """Estimates, and limits that lie near enough to them to be shown in full."""
    estimates = ratios["ratio"][np.isfinite(ratios["ratio"])]
    low, high = min([1 / _NARROWEST, *estimates]), max([_NARROWEST, *estimates])
    limits = ratios[["low", "high"]].clip(low / _LIMITS_SHOWN, high * _LIMITS_SHOWN)
    return [low, high, *limits.to_numpy().ravel()]


def _ladder_notes(
    ratios: pd.DataFrame,
    attribution: pd.DataFrame,
    seeds: int,
    margin: float,
    ends: tuple[float, float],
) -> list[str]:
    """Say what a reader needs to know to read this very figure."""
    is_cut = bool((ratios["low"] < ends[0]).any() or (ratios["high"] > ends[1]).any())
    shaded = f"Shaded: the simplest as good as {CHALLENGER}, or not shown to be worse."
    equal = f"Diamonds: as good as {CHALLENGER}, shown to differ by less than {100 * margin:.3g} %."
    sentences = [
        f"Geometric mean over {seeds} seeds; lines: 95 % Student t limits.",
        f"Filled: differs from {CHALLENGER} by the paired test, after Holm's correction. Hollow: "
        "not told apart from it.",
        *[equal] * bool(ratios["equivalent"].any()),
        *[shaded] * bool(attribution["simplest"].notna().any()),
        *["Intervals that reach beyond the axis are cut at its end."] * is_cut,
    ]
    for missing, part in attribution[attribution["missing"].map(bool)].groupby("missing"):
        words = f"Not in the study, though attribution asks for it: {', '.join(missing)}, at n"
        sentences += list_cases(words, part, "{n:,}")
    words, failed = "Seeds at which quantum or the rival diverged", ratios[ratios["diverged"] > 0]
    return sentences + list_cases(words, failed, "{rival} at n = {n:,} ({diverged})")


def row_labels(transfer: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the label of each (student, stage), in the registry's order, then by stage.

    The stage is left out where a student has only one.
    """
    pairs = {*zip(transfer["student"], transfer["stage"], strict=True)}
    return {
        (name, stage): name if len(stages_of(name)) == 1 else f"{name}, {stage.replace('_', '-')}"
        for name in STUDENTS
        for stage in stages_of(name)
        if (name, stage) in pairs
    }


def draw_transfer(figure: Figure, transfer: pd.DataFrame) -> list[str]:
    """Draw retained fractions with their limits, one panel for each n at which there are any.

    Where one is missing or its verdict is ``undefined``, the row says so instead; of an n with
    nothing but such rows, the note tells why.
    """
    rows = row_labels(transfer)
    sizes = sorted(transfer.loc[transfer["verdict"] != "undefined", "n"].unique())
    if not sizes:
        notes = _transfer_notes(transfer, rows)
        # Where runs diverged there is much to note.
        figure.set_size_inches(8.8, 1.6 + 0.16 * sum(1 + len(note) // 110 for note in notes))
        ax = figure.add_subplot()
        ax.set_axis_off()
        ax.text(0, 0.5, "At no n is there a lead that a student could retain.", va="center")
        return notes
    panels = row_panels(figure, sizes, [*rows.values()], "retained fraction")
    panels[0].invert_yaxis()
    panels[0].set_xlim(*RETAINED_LIMITS)
    panels[0].set_xticks([0, 0.5, 1])
    for n, ax in zip(sizes, panels, strict=True):
        _draw_students(ax, transfer[transfer["n"] == n].set_index(["student", "stage"]), [*rows])
    return _transfer_notes(transfer, rows)


def _draw_students(ax: Axes, part: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    for error in (0, 1):
        ax.axvline(error, color=_GREY, linewidth=1.0, zorder=1)
    for threshold in (COLLAPSED_BELOW, RETAINED_ABOVE):
        ax.axvline(threshold, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    students = list(dict.fromkeys(student for student, _ in rows))
    values = part[["retained", "ci_low", "ci_high"]].astype(float)
    values[part["verdict"] == "undefined"] = np.nan
    for height, row in enumerate(rows):
        if students.index(row[0]) % 2 == 0:  # shaded, to be followed across the panels
            ax.axhspan(height - 0.5, height + 0.5, color="#F1F1F1", linewidth=0, zorder=0)
        if row in part.index:
            draw_interval(ax, height, values.loc[row], style_of(row[0]).colour)


def _transfer_notes(transfer: pd.DataFrame, labels: dict[tuple[str, str], str]) -> list[str]:
    """Say what a reader needs to know to read this very figure."""
    is_undefined = transfer["verdict"] == "undefined"
    values = transfer[["retained", "ci_low", "ci_high"]].astype(float)[~is_undefined]
    beyond = ((values < RETAINED_LIMITS[0]) | (values > RETAINED_LIMITS[1])) & np.isfinite(values)
    cut = "Intervals are cut at the ends of the axes; estimates beyond are numbers at that end."
    sentences = [
        f"Means over {transfer['seeds'].max()} seeds; lines: 95 % Fieller limits.",
        *[cut] * bool(beyond.any(axis=None)),
        *["Arrows: the interval is unbounded on that side."]
        * bool(np.isinf(values).any(axis=None)),
    ]
    for reason, part in transfer[is_undefined].groupby("reason", sort=False):
        words = f"Undefined, since {REASONS[str(reason)]}, at n"
        sentences += list_cases(words, part[["n"]].drop_duplicates().sort_values("n"), "{n:,}")
    failed = transfer[transfer["diverged"] > 0]
    pairs = zip(failed["student"], failed["stage"], strict=True)
    failed = failed.assign(label=[labels[pair] for pair in pairs])
    words = "Seeds with a diverged run among the three compared"
    return sentences + list_cases(words, failed, "{label} at n = {n:,} ({diverged} seeds)")
