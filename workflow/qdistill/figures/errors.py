"""Errors against the number of labelled examples: crossover, overview, gap and bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from qdistill.figures.lines import (
    EXAMPLES,
    draw_models,
    line_values,
    panel_grid,
    plain_number,
    set_example_axis,
    set_log_axis,
)
from qdistill.figures.tables import describe_failures, describe_means, list_cases
from qdistill.study.registry import family_of
from qdistill.study.styles import in_front, style_of
from qdistill.wording import LOSSES, crossing

# What the metadata of synthetic data tell, how it is drawn, and what it is.
_BOUNDS: dict[str, tuple[dict[str, Any], str]] = {
    "optimal_mse": (
        {"color": "black", "linestyle": (0, (1, 2)), "linewidth": 1.2},
        "dotted, the lowest expected error of any linear reconstruction",
    ),
    "pca_floor_mse": ({"color": "#555555", "linewidth": 0.7}, "thin, PCA of all training rows"),
}
_OVERVIEW_LINES = 6
# A larger ratio means a training error of nearly nothing (PCA with as many components as
# rows): its size says little and would flatten everything else.
_HIGHEST_RATIO = 1000.0
_FAR_ABOVE = 100
_FITTED, _SLOPE = "quantum", -0.5
# Circuits whose gap the theorem speaks of, and two models without any angle beside them.
_OF_BOUND = ("quantum", "quantum_tuned", "real_circuit", "separable", "square", "classical")
_GROUP = ["model", "n"]


def draw_crossover(
    figure: Figure,
    metrics: pd.DataFrame,
    crossover: pd.DataFrame,
    published: pd.DataFrame,
    metadata: Mapping[str, str],
) -> list[str]:
    """Draw held-out error against n for every model and reference of one problem.

    Of published errors, those of its qubits, models and n are drawn; what the metadata of the
    latents tell is a horizontal line.
    """
    figure.set_size_inches(8.8, 5.6)
    ax = figure.add_subplot()
    runs, unseen = _within_sight(metrics[metrics["stage"] == "trained"])
    draw_models(ax, runs, "n", "heldout_loss")
    measure = runs["measure"].iloc[0]
    is_squared = measure == "mse"  # as all that is published, and known of the data, is
    shown = published[
        is_squared
        & (published["qubits"] == runs["qubits"].iloc[0])
        & published["n"].between(runs["n"].min(), runs["n"].max())
        & published["model"].isin(runs["model"])
    ]
    for row in shown.to_dict("records"):
        style = style_of(row["model"])
        look: dict[str, Any] = {"mfc": "none", "mec": style.colour, "mew": 1.3, "zorder": 4.5}
        ax.plot(row["n"], row["heldout_loss"], style.marker, markersize=style.size + 4, **look)
    known = {key: float(metadata[key]) for key in _BOUNDS if is_squared and key in metadata}
    for key, level in known.items():
        ax.axhline(level, zorder=1.7, **_BOUNDS[key][0])
    _finish(ax, runs["n"], LOSSES[measure])
    found, front = crossover[crossover["verdict"] == "crossover"], in_front(runs["model"])
    cases = [_draw_located(ax, row, row.baseline in front) for row in found.itertuples()]
    return [
        describe_means(runs),
        *["Large hollow markers: published in the article."] * bool(len(shown)),
        *list_cases("Lines across", [f"{_BOUNDS[key][1]} ({known[key]:.3g})" for key in known]),
        *list_cases("Crossovers (upright lines), with 95 % limits", cases),
        *unseen,
        *describe_failures(runs),
    ]


def _finish(ax: Axes, sizes: ArrayLike, label: str) -> None:
    set_example_axis(ax, np.unique(sizes))
    set_log_axis(ax, line_values(ax))
    ax.set_ylabel(label)


def _within_sight(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Select models that are not far above the mean's error at every n, and tell of the others.

    One such, as an untrained one is, would squeeze all others into a line.
    """
    means = runs.groupby(_GROUP, sort=False)["heldout_loss"].mean().unstack()
    if "mean" not in means.index:
        return runs, []
    lowest = means.min(axis=1)
    beyond = lowest[lowest > _FAR_ABOVE * means.loc["mean"].max()]
    cases = [f"{name} ({error:.3g})" for name, error in beyond.items()]
    kept = runs[~runs["model"].isin(beyond.index)]
    return kept, list_cases(f"Not drawn, {_FAR_ABOVE} times above mean and more", cases)


def _draw_located(ax: Axes, row: Any, is_labelled: bool) -> str:
    """Draw a line where two models change places, and a band where a t-test cannot tell them.

    Of a pale model only the line, and that thin. Returns what was drawn.
    """
    (left, right), colour = ax.get_xlim(), style_of(row.baseline).colour
    if is_labelled:
        ends = max(row.ci_low, left), min(row.ci_high, right)
        ax.axvspan(*ends, color=colour, alpha=0.10, linewidth=0, zorder=0.5)
    width = 1.0 if is_labelled else 0.5
    ax.axvline(row.n_star, color=colour, linewidth=width, linestyle="-.", zorder=1)
    found = crossing(row.n_star, float(row.ci_low), float(row.ci_high))
    return f"{row.challenger} and {row.baseline} at n = {found}"


def draw_overview(figure: Figure, metrics: pd.DataFrame) -> list[str]:
    """Draw held-out errors of the six models that matter most, one panel for each problem."""
    trained = metrics[metrics["stage"] == "trained"]
    shown = in_front(trained["model"], _OVERVIEW_LINES)
    runs = trained[trained["model"].isin(shown)]
    problems = {", ".join(key): own for key, own in runs.groupby(["dataset", "protocol"])}
    panels = panel_grid(figure, len(problems), EXAMPLES, (2.1, 2.2), (2.0, 1.5))
    told: list[str] = []
    for ax, (name, part) in zip(panels, problems.items(), strict=True):
        seen, unseen = _within_sight(part)
        told += [f"{name}: {each}" for each in unseen]
        draw_models(ax, seen, "n", "heldout_loss", shown)
        set_example_axis(ax, part["n"], label=ax.get_xlabel())
        set_log_axis(ax, line_values(ax), most=5)
        ax.set_title(name.replace(", ", "\n"), fontsize=9)
    panels[0].set_ylabel("held-out error")
    told += [f"{name}: {x}" for name, own in problems.items() for x in describe_failures(own)]
    return [describe_means(runs), *told]


def draw_gap(figure: Figure, metrics: pd.DataFrame) -> list[str]:
    """Draw the ratio of held-out to training error of one problem against n.

    Ratios above the axis are marked by an arrow at its end and listed in the note.
    """
    figure.set_size_inches(8.6, 5.0)
    ax = figure.add_subplot()
    runs = metrics[metrics["stage"] == "trained"]
    ratios = runs["heldout_loss"] / runs["train_loss"]
    runs = runs.assign(ratio=ratios.where((ratios > 0) & np.isfinite(ratios)))
    runs = runs.assign(log=np.log(runs["ratio"]))
    means = np.exp(runs.groupby(_GROUP)["log"].mean(skipna=False)).rename("mean").reset_index()
    # References decide where the axis ends only where they are alone.
    own = means["mean"][[family_of(name) != "reference" for name in means["model"]]]
    deciding = own if own.notna().any() else means["mean"]
    above = means[means["mean"] > 1.05 * max([1.0, *deciding[deciding <= _HIGHEST_RATIO]])]
    ax.set_yscale("log")  # before the lines, whose means are therefore geometric
    draw_models(ax, _without(runs, above, "ratio"), "n", "ratio")
    ax.axhline(1.0, color="black", linewidth=0.8, zorder=1)
    _finish(ax, runs["n"], "held-out error / training error")
    for name, n in zip(above["model"], above["n"], strict=True):
        ax.plot(n, ax.get_ylim()[1], "^", color=style_of(name).colour, markersize=8, clip_on=False)
    worst = runs[["heldout_loss", "train_loss"]].max(axis=1, skipna=False)
    zero = runs[runs["train_loss"] == 0].drop_duplicates(_GROUP)
    labels = [plain_number(float(f"{mean:.1e}")) for mean in above["mean"]]
    arrows = above.assign(label=labels), "{model} at n = {n:,} (ratio {label})"
    return [
        describe_means(runs, "Geometric mean"),
        *list_cases("Above the axis (arrows)", *arrows),
        *list_cases("No ratio, the training error being zero", zero, "{model} at n = {n:,}"),
        *describe_failures(runs.assign(worst=worst), "worst"),
    ]


def _without(runs: pd.DataFrame, groups: pd.DataFrame, value: str) -> pd.DataFrame:
    """Replace a value by NaN in some groups of runs, which are then gaps of their lines."""
    left_out = pd.MultiIndex.from_frame(groups[_GROUP])
    hit = pd.MultiIndex.from_frame(runs[_GROUP]).isin(left_out)
    return runs.assign(**{value: runs[value].mask(hit)})


def bound_shape(n: ArrayLike, angles: int) -> np.ndarray:
    """Compute the shape of the bound on the generalisation gap, sqrt(T log T / n).

    M. C. Caro et al., Nature Communications 13, 4919 (2022), Theorem 1: for a circuit with
    T trained gates (at least 2) and n examples the gap is at most of this order, with high
    probability and up to a constant that depends on the loss.
    """
    return np.sqrt(angles * np.log(angles) / np.asarray(n, dtype=float))


def fit_constant(n: ArrayLike, gap: ArrayLike, angles: int) -> tuple[float, float, int]:
    """Fit the constant of the bound's shape to positive gaps, by least squares in log space.

    Returned are c of c sqrt(T log T / n) in the unit of the gap, NaN if no gap is positive; the
    slope of log gap in log n, NaN for fewer than two n; and the number of gaps that were fitted.
    Raises ValueError for fewer than two angles: log T would be zero.
    """
    if angles < 2:
        raise ValueError(f"the bound needs at least 2 angles, found {angles}")
    sizes, gaps = np.asarray(n, dtype=float), np.asarray(gap, dtype=float)
    kept = np.isfinite(gaps) & (gaps > 0)
    sizes, logs = sizes[kept], np.log(gaps[kept])
    if not len(logs):
        return np.nan, np.nan, 0
    constant = np.exp(np.mean(logs - np.log(bound_shape(sizes, angles))))
    several = len(np.unique(sizes)) > 1
    slope = np.polyfit(np.log(sizes), logs, 1)[0] if several else np.nan
    return float(constant), float(slope), len(logs)


def draw_bound(figure: Figure, metrics: pd.DataFrame, angles: int) -> list[str]:
    """Draw gaps of one problem against n and the shape of the bound, fitted to those of quantum."""
    figure.set_size_inches(8.6, 5.0)
    ax = figure.add_subplot()
    trained = metrics[(metrics["stage"] == "trained") & metrics["model"].isin(_OF_BOUND)]
    with np.errstate(invalid="ignore"):  # inf - inf, of a diverged run, is NaN
        runs = trained.assign(gap=trained["heldout_loss"] - trained["train_loss"])
    means = runs.groupby(_GROUP)["gap"].mean(skipna=False).rename("mean").reset_index()
    hidden, own = means[means["mean"] <= 0], means[means["model"] == _FITTED]
    draw_models(ax, _without(runs, hidden, "gap"), "n", "gap", _OF_BOUND)
    constant, slope, points = fit_constant(own["n"], own["mean"], angles)
    told = [f"No shape fitted: no gap of {_FITTED} is positive."]
    if points:
        label = f"c √(T log T / n), shape only:\nconstant fitted, c = {constant:.2g}"
        sizes, line = np.unique(metrics["n"]), (0, (1, 2))
        shape = constant * bound_shape(sizes, angles)
        ax.plot(sizes, shape, color="black", linestyle=line, linewidth=1.4, label=label)
        steep = f"measured slope {slope:.1f}, the bound's {_SLOPE}".replace("-", "\N{MINUS SIGN}")
        steep = steep if np.isfinite(slope) else "too few n for a slope"
        where = f"{_FITTED} at {points} of {len(own)} n, in log space"
        parameters = int(runs["n_parameters"][runs["model"] == _FITTED].max())
        counted = f"T = {angles:,} angles, of {parameters:,} numbers that {_FITTED} trains."
        told = [f"Fitted to the mean gaps of {where}: {steep}.", counted]
    _finish(ax, metrics["n"], "held-out error \N{MINUS SIGN} training error")
    words = "Not drawn, the mean gap not being positive"
    not_drawn = list_cases(words, hidden, "{model} at n = {n:,}")
    return [describe_means(runs), *told, *not_drawn, *describe_failures(runs)]
