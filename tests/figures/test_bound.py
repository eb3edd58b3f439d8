"""The bound figure: the fitted constant and slope, and gaps that no log axis can show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from helpers.figures import SIZES, axes_of, empty_axes, line_in, saved_words, texts_of
from helpers.metrics import diverge
from qdistill.figures.bound import (
    bound_shape,
    draw_bound,
    fit_constant,
    plot_bound,
    summarise_differences,
)
from qdistill.judgement.statistics import paired_interval
from qdistill.study.styles import style_of

ANGLES = 240


def with_gap(metrics, model, gap):
    """The same table with a chosen gap of one model: a function of n."""
    changed = metrics.copy()
    hit = changed["model"] == model
    changed.loc[hit, "heldout_mse"] = changed.loc[hit, "train_mse"] + gap(changed.loc[hit, "n"])
    return changed


def test_the_shape_is_that_of_the_theorem():
    assert bound_shape(100, 2) == pytest.approx(np.sqrt(2 * 0.6931471805599453 / 100))
    ratio = bound_shape([100, 400], ANGLES)
    assert ratio[0] / ratio[1] == pytest.approx(2)


@given(
    constant=st.floats(1e-8, 1e3),
    angles=st.integers(2, 5000),
    sizes=st.lists(st.integers(2, 10**5), min_size=2, max_size=6, unique=True),
)
def test_a_gap_of_the_bounds_own_shape_gives_back_its_constant_and_slope(constant, angles, sizes):
    fitted = fit_constant(sizes, constant * bound_shape(sizes, angles), angles)
    assert fitted.constant == pytest.approx(constant, rel=1e-9)
    assert fitted.slope == pytest.approx(-0.5, abs=1e-6)
    assert fitted.points == len(sizes)


def test_the_constant_is_the_least_squares_solution_in_log_space():
    sizes, gaps = np.array([10, 50, 200, 900]), np.array([3e-3, 2.5e-3, 4e-4, 3e-5])

    def residuals(log_constant):
        return np.log(gaps) - log_constant - np.log(bound_shape(sizes, 72))

    expected = np.exp(optimize.least_squares(residuals, x0=[0.0]).x[0])
    assert fit_constant(sizes, gaps, 72).constant == pytest.approx(expected, rel=1e-6)


def test_gaps_that_are_not_positive_are_left_out_of_the_fit():
    sizes = np.array([50, 100, 200, 500, 1000])
    gaps = 2.0 * np.array([50, 100, 200, 500, 1000.0]) ** -0.8
    gaps[[1, 3]] = [-1e-3, np.nan]
    fitted = fit_constant(sizes, gaps, ANGLES)
    assert fitted.points == 3
    assert fitted.slope == pytest.approx(-0.8)
    assert fit_constant(sizes[:1], gaps[:1], ANGLES).points == 1
    assert np.isnan(fit_constant(sizes[:1], gaps[:1], ANGLES).slope)
    nothing = fit_constant(sizes, -np.abs(gaps), ANGLES)
    assert nothing.points == 0 and np.isnan(nothing.constant) and np.isnan(nothing.slope)


def test_one_angle_is_refused():
    with pytest.raises(ValueError, match="at least 2 angles, found 1"):
        fit_constant([10, 20], [1.0, 0.5], 1)


def test_gaps_are_means_over_seeds_with_their_limits(metrics):
    summary = summarise_differences(metrics[metrics["stage"] == "trained"])
    row = summary[(summary["model"] == "square") & (summary["n"] == 200)].iloc[0]
    runs = metrics[(metrics["model"] == "square") & (metrics["n"] == 200)]
    expected = paired_interval(runs["heldout_mse"] - runs["train_mse"])
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )


def test_the_shape_is_drawn_through_the_gaps_of_quantum_and_said_to_be_fitted(metrics):
    ax = axes_of(draw_bound, with_gap(metrics, "quantum", lambda n: 0.7 * n**-0.8), ANGLES)
    (shape,) = [line for line in ax.lines if "shape only" in line.get_label()]
    fitted = fit_constant(SIZES, 0.7 * np.array(SIZES, float) ** -0.8, ANGLES)
    assert np.allclose(shape.get_ydata(), fitted.constant * bound_shape(SIZES, ANGLES))
    assert np.allclose(np.diff(np.log(shape.get_ydata())) / np.diff(np.log(SIZES)), -0.5)
    words = texts_of(ax.figure)
    assert f"constant fitted, c = {fitted.constant:.2g}" in words
    assert "at 4 of 4 n, in log space: measured slope \N{MINUS SIGN}0.8, the bound's" in words
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_circuits_and_two_models_without_angles_are_drawn(metrics):
    ax = axes_of(draw_bound, metrics, ANGLES)
    for name in ("quantum", "quantum_tuned", "real_circuit", "separable", "square", "classical"):
        assert line_in(ax, style_of(name).colour)
    for name in ("mean", "pca", "linear", "linear_tuned", "compiled"):
        assert not line_in(ax, style_of(name).colour)


def test_what_is_counted_is_told(metrics):
    ax = axes_of(draw_bound, metrics, ANGLES)
    words = texts_of(ax.figure).replace("\n", " ")
    assert "Quantum trains 33,300 numbers (n_parameters in the metrics)" in words
    ax = axes_of(draw_bound, metrics.assign(n_parameters=ANGLES), ANGLES)
    words = texts_of(ax.figure).replace("\n", " ")
    assert "T = 240 angles are all that quantum trains" in words


def test_gaps_below_zero_are_told_and_not_drawn(metrics):
    ax = empty_axes()
    runs = with_gap(metrics, "square", lambda n: np.where(n == 100, -1e-4, 1e-3))
    draw_bound(ax, runs, ANGLES)
    (line,) = line_in(ax, style_of("square").colour)
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert "Not drawn, the mean gap not being positive: square at n = 100." in texts_of(ax.figure)


def test_without_a_positive_gap_of_quantum_nothing_is_fitted_and_it_says_so(metrics):
    ax = axes_of(draw_bound, with_gap(metrics, "quantum", lambda n: -1e-4 + 0 * n), ANGLES)
    words = texts_of(ax.figure)
    assert "no shape fitted: no gap of quantum is positive" in words
    assert "constant fitted" not in words and "slope" not in words
    assert not [line for line in ax.lines if line.get_label().startswith("c √")]


def test_a_diverged_run_breaks_its_line_and_is_told(metrics):
    ax = axes_of(draw_bound, diverge(metrics, "square", 100, 1), ANGLES)
    (line,) = line_in(ax, style_of("square").colour)
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert "square at n = 100 (1 of 4 seeds)" in texts_of(ax.figure)


def test_the_bound_figure_is_read_drawn_and_saved(tmp_path, metrics):
    where = (ANGLES, "synthetic-6q", "article")
    words = saved_words(tmp_path, plot_bound, {"metrics": metrics}, *where)
    assert "synthetic-6q, protocol article: generalisation gap" in words
