"""Errors by the number of examples: crossover, overview, gap and bound."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from helpers.figures import (
    NO_CROSSOVER,
    NOTHING_PUBLISHED,
    SIZES,
    drawn_lines,
    figure_of,
    points_of,
)
from helpers.metrics import diverge, make_metrics
from helpers.names import MODELS, STUDENTS
from qdistill.figures.errors import (
    bound_shape,
    draw_bound,
    draw_crossover,
    draw_gap,
    draw_overview,
    fit_constant,
)
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.published import PUBLISHED_PATH, read_published
from qdistill.study.styles import style_of

ANGLES = 240


def crossover_of(metrics, crossovers=NO_CROSSOVER, published=NOTHING_PUBLISHED, metadata=None):
    figure, note = figure_of(draw_crossover, metrics, crossovers, published, metadata or {})
    return figure.axes[0], note


def test_crossover_draws_the_means_of_all_models_and_of_no_student(metrics):
    ax, note = crossover_of(metrics)
    for name in MODELS:
        runs = metrics[metrics["model"] == name]
        means = runs.groupby("n")["heldout_loss"].mean()
        assert np.allclose(points_of(ax, name), np.column_stack([means.index, means])), name
    assert not {*drawn_lines(ax)} & {*STUDENTS}
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "Lines across" not in note and "hollow" not in note


def test_published_points_are_hollow_and_within_the_measured_range(metrics):
    published = read_published(PUBLISHED_PATH)
    chosen = published[published["dataset"] == "synthetic-6q"]
    far = chosen.iloc[:1].assign(model="classical", n=200, heldout_loss=3.0)
    ax, note = crossover_of(metrics, published=pd.concat([chosen, far, chosen.assign(qubits=4)]))
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    points = {(line.get_markeredgecolor(), *p) for line in hollow for p in line.get_xydata()}
    inside = pd.concat([chosen[chosen["n"] <= max(SIZES)], far])
    assert len(inside) == 5 < len(chosen)
    assert points == {
        (style_of(r.model).colour, float(r.n), r.heldout_loss) for r in inside.itertuples()
    }
    assert inside["heldout_loss"].between(*ax.get_ylim()).all()
    assert "hollow markers: published" in note


@pytest.mark.parametrize(("baseline", "bands"), [("classical", 1), ("classical_dense", 0)])
def test_located_crossovers_are_marked_and_told(metrics, baseline, bands):
    located = locate_crossovers(metrics)
    table = located[located["baseline"] == baseline]
    (found,) = table.itertuples()
    assert found.verdict == "crossover"
    other = table.assign(verdict="several", n_star=120.0)
    ax, note = crossover_of(metrics, pd.concat([table, other]))
    vertical = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert vertical == [found.n_star] and len(ax.patches) == bands
    for band in ax.patches:
        ends = band.get_x(), band.get_x() + band.get_width()
        assert ends == pytest.approx((found.ci_low, found.ci_high))
    limits = f"[{found.ci_low:.0f}, {found.ci_high:.0f}]"
    assert f"quantum and {baseline} at n = {found.n_star:.0f} {limits}" in note


def test_an_open_crossover_interval_is_cut_at_the_axes_and_said_so(metrics):
    row = {"challenger": "quantum", "baseline": "classical", "verdict": "crossover"}
    row |= {"n_star": 300.0, "ci_low": 0.0, "ci_high": np.inf}
    ax, note = crossover_of(metrics, pd.DataFrame([row]))
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(ax.get_xlim())
    assert "no limit within the grid" in note


def test_each_bound_is_a_line_that_is_told(metrics):
    ax, note = crossover_of(metrics, metadata={"optimal_mse": "0.00123", "pca_floor_mse": "0.0014"})
    levels = {line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]}
    assert levels == {0.00123, 0.0014} and ax.get_ylim()[0] < 0.00123
    assert "any linear reconstruction (0.00123), thin, PCA of all training rows (0.0014)" in note


def bound_of(metrics):
    figure, note = figure_of(draw_bound, metrics, ANGLES)
    return figure.axes[0], note


def gap_of(metrics):
    figure, note = figure_of(draw_gap, metrics)
    return figure.axes[0], note


@pytest.mark.parametrize("drawn", [crossover_of, bound_of, gap_of])
def test_a_diverged_run_breaks_its_line_and_is_told(metrics, drawn):
    ax, note = drawn(diverge(metrics, "square", 100, 1))
    assert points_of(ax, "square")[:, 0] == pytest.approx([50, 200, 500])
    assert "square at n = 100 (1 of 4 seeds)" in note


def test_the_overview_has_a_panel_of_six_lines_for_each_problem(metrics):
    both = pd.concat([metrics, metrics.assign(dataset="digits", heldout_loss=3.0, n=7)])
    figure, note = figure_of(draw_overview, diverge(both, "pca", 7, 2))
    titles = [ax.get_title("left") for ax in figure.axes]
    assert titles == ["digits\narticle", "synthetic-6q\narticle"]
    digits, synthetic = figure.axes
    wanted = ["mean", "pca", "linear", "square", "classical", "quantum"]
    assert synthetic.get_legend_handles_labels()[1] == wanted == [*drawn_lines(synthetic)]
    assert points_of(digits, "quantum").tolist() == [[7, 3]]
    means = metrics[metrics["model"] == "pca"].groupby("n")["heldout_loss"].mean()
    assert points_of(synthetic, "pca")[:, 1] == pytest.approx(means.to_numpy())
    assert "digits, article: Not drawn, for runs without a finite error: pca at n = 7" in note


def test_the_gap_is_the_geometric_mean_of_each_seeds_ratio(metrics):
    noise = np.random.default_rng(0).uniform(0.5, 2, len(metrics))
    runs = metrics.assign(train_loss=metrics["train_loss"] * noise)
    one = runs[(runs["model"] == "linear") & (runs["n"] == 100)]
    expected = stats.gmean(one["heldout_loss"] / one["train_loss"])
    assert points_of(gap_of(runs)[0], "linear")[1] == pytest.approx([100, expected])


def test_ratios_above_the_axis_and_missing_ones_are_told(metrics):
    runs = metrics[metrics["stage"] == "trained"].copy()
    at = {(name, n): (runs["model"] == name) & (runs["n"] == n) for name in MODELS for n in SIZES}
    runs.loc[at["pca", 50] | at["linear_tuned", 50], "train_loss"] = 1e-33
    runs.loc[at["mean", 100], "train_loss"] = 0.0
    runs.loc[at["square", 200], "train_loss"] = np.nan
    runs.loc[runs["model"] == "linear", "train_loss"] /= 5
    ax, note = gap_of(runs)
    low, high = ax.get_ylim()
    assert low < 1 and 8 < high < 20
    assert points_of(ax, "pca")[:, 0] == pytest.approx([100, 200, 500])
    arrows = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "^"]
    assert arrows.count([[50, high]]) == 2
    assert "Above the axis (arrows): linear_tuned at n = 50 (ratio" in note
    assert "No ratio, the training error being zero: mean at n = 100." in note
    assert "square at n = 200 (4 of 4 seeds)" in note


def with_gap(metrics, model, gap):
    """The same table with a chosen gap of one model: a function of n."""
    changed, hit = metrics.copy(), metrics["model"] == model
    changed.loc[hit, "heldout_loss"] = changed.loc[hit, "train_loss"] + gap(changed.loc[hit, "n"])
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
    found, slope, points = fit_constant(sizes, constant * bound_shape(sizes, angles), angles)
    assert found == pytest.approx(constant, rel=1e-9)
    assert slope == pytest.approx(-0.5, abs=1e-6) and points == len(sizes)


def test_the_constant_is_the_least_squares_solution_in_log_space():
    sizes, gaps = np.array([10, 50, 200, 900]), np.array([3e-3, 2.5e-3, 4e-4, 3e-5])
    logs = np.log(gaps) - np.log(bound_shape(sizes, 72))
    expected = np.exp(optimize.least_squares(lambda constant: logs - constant, x0=[0.0]).x[0])
    assert fit_constant(sizes, gaps, 72)[0] == pytest.approx(expected, rel=1e-6)


def test_gaps_that_are_not_positive_are_left_out_of_the_fit():
    sizes = np.array([50, 100, 200, 500, 1000])
    gaps = np.where([0, 1, 0, 1, 0], [0, -1e-3, 0, np.nan, 0], 2.0 * sizes**-0.8)
    _, slope, points = fit_constant(sizes, gaps, ANGLES)
    assert points == 3 and slope == pytest.approx(-0.8)
    _, slope, points = fit_constant(sizes[:1], gaps[:1], ANGLES)
    assert points == 1 and np.isnan(slope)
    constant, slope, points = fit_constant(sizes, -np.abs(gaps), ANGLES)
    assert points == 0 and np.isnan([constant, slope]).all()
    with pytest.raises(ValueError, match="at least 2 angles, found 1"):
        fit_constant([10, 20], [1.0, 0.5], 1)


def test_the_shape_is_drawn_through_the_gaps_of_quantum_and_said_to_be_fitted(metrics):
    ax, note = bound_of(with_gap(metrics, "quantum", lambda n: 0.7 * n**-0.8))
    (shape,) = [line for line in ax.lines if "shape only" in line.get_label()]
    constant, *_ = fit_constant(SIZES, 0.7 * np.array(SIZES, float) ** -0.8, ANGLES)
    assert np.allclose(shape.get_ydata(), constant * bound_shape(SIZES, ANGLES))
    assert f"constant fitted, c = {constant:.2g}" in shape.get_label()
    assert "at 4 of 4 n, in log space: measured slope \N{MINUS SIGN}0.8, the bound's" in note
    assert "T = 240 angles, of 33,300 numbers that quantum trains." in note


def test_circuits_and_two_models_without_angles_are_drawn(metrics):
    ax, _ = bound_of(metrics)
    wanted = {"quantum", "quantum_tuned", "real_circuit", "separable", "square", "classical"}
    assert {*drawn_lines(ax)} == wanted
    runs = metrics[metrics["model"] == "square"]
    means = (runs["heldout_loss"] - runs["train_loss"]).groupby(runs["n"]).mean()
    assert points_of(ax, "square")[:, 1] == pytest.approx(means.to_numpy())


def test_gaps_below_zero_are_told_and_not_drawn(metrics):
    runs = with_gap(metrics, "square", lambda n: np.where(n == 100, -1e-4, 1e-3))
    ax, note = bound_of(runs)
    assert points_of(ax, "square")[:, 0] == pytest.approx([50, 200, 500])
    assert "Not drawn, the mean gap not being positive: square at n = 100." in note
    ax, note = bound_of(with_gap(metrics, "quantum", lambda n: -1e-4 + 0 * n))
    assert "No shape fitted: no gap of quantum is positive" in note
    assert not [line for line in ax.lines if line.get_label().startswith("c √")]


def test_where_no_gap_is_positive_the_page_says_so(metrics):
    runs = metrics.assign(train_loss=2 * metrics["heldout_loss"])
    ax, note = bound_of(runs)
    assert not ax.lines and "No shape fitted" in note and "Not drawn" in note


def test_a_model_far_above_the_mean_at_every_n_is_told_and_not_drawn():
    def loss(model, stage, n):
        return {"linear": 1.1, "classical": 0.5 if n == 50 else 0.004}.get(model, 0.004)

    runs = make_metrics(("digits",), (50, 100), names=("mean", "linear", "classical"), loss=loss)
    ax, note = crossover_of(runs)
    assert ax.get_legend_handles_labels()[1] == ["mean", "classical"]
    words = "Not drawn, 100 times above mean and more: linear (1.09)"
    assert words in note and f"digits, article: {words}" in figure_of(draw_overview, runs)[1]
