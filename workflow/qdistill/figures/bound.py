"""The generalisation gap by number of examples, beside the shape of a published bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from qdistill.figures.axes import (
    add_note,
    figure_of,
    set_example_axis,
    set_log_limits,
    set_problem_titles,
)
from qdistill.figures.save import saved_figure
from qdistill.figures.series import add_legend, draw_series, keys_of
from qdistill.figures.summaries import (
    describe_failures,
    list_cases,
    read_problem,
    seeds_in_words,
    summarise_seeds,
)
from qdistill.study.styles import style_of

FITTED = "quantum"
BOUND_SLOPE = -0.5

# Circuits whose gap the theorem speaks of, and two models without any angle beside them.
_SHOWN = ("quantum", "quantum_tuned", "real_circuit", "separable", "square", "classical")


@dataclass(frozen=True)
class FittedShape:
    """What was read off the gaps of one model.

    Attributes
    ----------
    constant : float
        c of c sqrt(T log T / n), in the unit of the gap; NaN if no gap is positive.
    slope : float
        Slope of log gap in log n by least squares; NaN for fewer than two n.
    points : int
        The number of n with a positive gap, which are those fitted.
    """

    constant: float
    slope: float
    points: int


def bound_shape(n: ArrayLike, angles: int) -> np.ndarray:
    """Compute the shape of the bound on the generalisation gap, sqrt(T log T / n).

    M. C. Caro et al., Nature Communications 13, 4919 (2022), Theorem 1: for a circuit with
    T trained gates and n examples the gap is at most of this order, with high probability
    and up to a constant that depends on the loss.

    Parameters
    ----------
    n : array_like
        Numbers of examples.
    angles : int
        T, at least 2.
    """
    return np.sqrt(angles * np.log(angles) / np.asarray(n, dtype=float))


def fit_constant(n: ArrayLike, gap: ArrayLike, angles: int) -> FittedShape:
    """Fit the constant of the bound's shape to gaps, by least squares in log space.

    Parameters
    ----------
    n : array_like, shape (k,)
        Numbers of examples.
    gap : array_like, shape (k,)
        Held-out less training error at each; those that are not positive are left out.
    angles : int
        T, the number of trained angles, at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two angles: log T would be zero.
    """
    if angles < 2:
        raise ValueError(f"the bound needs at least 2 angles, found {angles}")
    sizes, gaps = np.asarray(n, dtype=float), np.asarray(gap, dtype=float)
    kept = np.isfinite(gaps) & (gaps > 0)
    sizes, gaps = sizes[kept], gaps[kept]
    if not len(gaps):
        return FittedShape(np.nan, np.nan, 0)
    constant = float(np.exp(np.mean(np.log(gaps / bound_shape(sizes, angles)))))
    slope = np.nan
    if len(np.unique(sizes)) > 1:
        slope = float(np.polyfit(np.log(sizes), np.log(gaps), 1)[0])
    return FittedShape(constant, slope, len(gaps))


def summarise_differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean of held-out less training error, as ``summarise_seeds`` by model and n.

    Parameters
    ----------
    runs : DataFrame
        Rows of the contract "metrics" of one data set, protocol and stage.
    """
    with np.errstate(invalid="ignore"):  # inf - inf, of a diverged run, is NaN
        gaps = runs.assign(gap=runs["heldout_mse"] - runs["train_mse"])
    return summarise_seeds(gaps, "gap", ["model", "n"])


def draw_bound(ax: Axes, metrics: pd.DataFrame, angles: int) -> None:
    """Draw gaps against n and the shape of the bound, fitted to those of the quantum model.

    Parameters
    ----------
    metrics : DataFrame
        Rows of the contract "metrics" of one data set and protocol.
    angles : int
        T, the number of trained angles of the quantum model.
    """
    trained = metrics[metrics["stage"] == "trained"]
    runs = trained[trained["model"].isin(_SHOWN)]
    summary = summarise_differences(runs)
    positive = summary["mean"] > 0
    set_example_axis(ax, trained["n"].unique())
    own = summary[summary["model"] == FITTED]
    fitted = fit_constant(own["n"], own["mean"], angles)
    sizes = np.array(sorted(trained["n"].unique()), dtype=float)
    shape = fitted.constant * bound_shape(sizes, angles)
    set_log_limits(ax, [*summary.loc[positive, "mean"], *shape])
    ax.set_ylabel("held-out error \N{MINUS SIGN} training error")
    for name, part in summary.groupby("model"):
        shown = part.assign(**{k: part[k].where(part["mean"] > 0) for k in ("mean", "low", "high")})
        draw_series(ax, "n", shown, style_of(str(name)))
    groups = keys_of(summary["model"].unique())
    groups["Bound"] = _draw_shape(ax, sizes, shape, fitted)
    figure = figure_of(ax)
    add_legend(figure, groups)
    add_note(figure, [*_explanations(trained, summary, fitted, angles), *describe_failures(runs)])


def _draw_shape(
    ax: Axes, sizes: np.ndarray, shape: np.ndarray, fitted: FittedShape
) -> list[Artist]:
    """Draw the fitted shape, or say that there is none; returns legend keys."""
    if not fitted.points:
        words = f"no shape fitted: no gap of {FITTED} is positive"
        place: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "top"}
        ax.text(0.5, 0.95, words, style="italic", color="#555555", **place)
        return []
    label = f"c √(T log T / n), shape only:\nconstant fitted, c = {fitted.constant:.2g}"
    look: dict[str, Any] = dict(color="black", linestyle=(0, (1, 2)), linewidth=1.4)
    return [*ax.plot(sizes, shape, zorder=1.9, label=label, **look)]


def _explanations(
    trained: pd.DataFrame, summary: pd.DataFrame, fitted: FittedShape, angles: int
) -> list[str]:
    """Say what was fitted, what T counts, and which gaps no log axis can show."""
    sentences = []
    if fitted.points:
        count = int((summary["model"] == FITTED).sum())
        slope = (
            f"measured slope {_signed(fitted.slope)}, the bound's {_signed(BOUND_SLOPE)}"
            if np.isfinite(fitted.slope)
            else "too few n for a slope"
        )
        sentences.append(
            f"Fitted to the mean gaps of {FITTED} at {fitted.points} of {count} n, in log space: "
            f"{slope}."
        )
    numbers = trained.loc[trained["model"] == FITTED, "n_parameters"]
    if len(numbers):
        sentences.append(_what_is_counted(int(numbers.max()), angles))
    hidden = summary[summary["mean"] <= 0]
    cases = (f"{row.model} at n = {row.n:,}" for row in hidden.itertuples())
    return sentences + list_cases("Not drawn, the mean gap not being positive", cases)


def _what_is_counted(parameters: int, angles: int) -> str:
    if parameters == angles:
        return f"T = {angles:,} angles are all that {FITTED} trains: encoder and decoder are fixed."
    return (
        f"T = {angles:,} counts the angles only. {FITTED.capitalize()} trains {parameters:,} "
        "numbers (n_parameters in the metrics), encoder and decoder included; the bound is "
        "about circuits alone."
    )


def _signed(value: float) -> str:
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def plot_bound(
    metrics_path: str | Path,
    angles: int,
    dataset: str,
    protocol: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read the metrics, draw gap and bound of one data set and protocol, and save them.

    Parameters
    ----------
    angles : int
        T, the number of trained angles of the quantum model.

    Raises
    ------
    DataError
        If the table is damaged or has nothing of this data set under this protocol.
    """
    metrics = read_problem("metrics", metrics_path, dataset, protocol)
    with saved_figure(outputs, (8.6, 5.0)) as figure:
        draw_bound(figure.add_subplot(), metrics, angles)
        how = f"mean over {seeds_in_words(metrics)}; bands: 95 % Student t limits of the mean"
        set_problem_titles(figure, metrics, "generalisation gap and the shape of a bound", how)
