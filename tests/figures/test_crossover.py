"""The crossover figure: what is drawn is what the tables hold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from helpers.figures import (
    NO_CROSSOVER,
    NOTHING_PUBLISHED,
    SIZES,
    axes_of,
    line_in,
    saved_words,
    texts_of,
    write_latents,
)
from helpers.metrics import diverge, make_metrics
from qdistill.figures.crossover import Bounds, draw_crossover, plot_crossover, read_bounds
from qdistill.figures.series import BACKGROUND, FAINT_OPACITY
from qdistill.figures.summaries import summarise_seeds
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.published import PUBLISHED_PATH, read_published
from qdistill.judgement.statistics import paired_interval
from qdistill.study.registry import MODELS, STUDENTS
from qdistill.study.styles import style_of


def drawn(metrics, crossovers=NO_CROSSOVER, published=NOTHING_PUBLISHED, *bounds):
    return axes_of(draw_crossover, metrics, crossovers, published, *bounds)


def test_crossover_draws_the_means_and_their_limits(metrics):
    ax = drawn(metrics)
    colour = style_of("quantum").colour
    (line,) = line_in(ax, colour)
    (markers,) = line_in(ax, colour, style_of("quantum").marker)
    runs = metrics[metrics["model"] == "quantum"]
    means = runs.groupby("n")["heldout_mse"].mean()
    assert np.allclose(line.get_xydata(), np.column_stack([means.index, means]))
    assert np.allclose(markers.get_ydata(), means)
    expected = [paired_interval(g["heldout_mse"]) for _, g in runs.groupby("n")]
    (band,) = [b for b in ax.collections if np.allclose(b.get_facecolor()[0, :3], to_rgb(colour))]
    corners = band.get_paths()[0].vertices
    for n, interval in zip(SIZES, expected, strict=True):
        heights = corners[corners[:, 0] == n, 1]
        assert heights.min() == pytest.approx(interval.low)
        assert heights.max() == pytest.approx(interval.high)


def test_students_are_not_in_the_crossover_figure(metrics):
    ax = drawn(metrics)
    words = texts_of(ax.figure)
    assert all(name in words for name in MODELS)
    assert not any(name in words for name in STUDENTS)


def test_published_points_are_hollow_and_within_the_measured_range(metrics):
    published = read_published(PUBLISHED_PATH)
    chosen = published[published["dataset"] == "synthetic-6q"]
    ax = drawn(metrics, published=chosen)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    points = {(line.get_markeredgecolor(), *p) for line in hollow for p in line.get_xydata()}
    inside = chosen[chosen["n"] <= max(SIZES)]
    assert len(inside) == 4 < len(chosen)
    assert points == {
        (style_of(r.model).colour, float(r.n), r.heldout_mse) for r in inside.itertuples()
    }
    low, high = ax.get_ylim()
    assert inside["heldout_mse"].between(low, high).all()


def test_a_published_point_far_from_ours_is_inside_the_axes(metrics):
    published = pd.DataFrame({"model": ["classical"], "n": [100], "heldout_mse": [3.0]})
    ax = drawn(metrics, published=published)
    assert ax.get_ylim()[1] > 3.0


def test_only_located_crossovers_are_marked(metrics):
    located = locate_crossovers(metrics)
    (found,) = located[located["baseline"] == "classical"].itertuples()
    assert found.verdict == "crossover"
    other = located[located["baseline"] == "classical"].assign(verdict="several", n_star=120.0)
    table = pd.concat([located[located["baseline"] == "classical"], other])
    ax = drawn(metrics, table)
    vertical = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert vertical == [found.n_star]
    (band,) = ax.patches
    assert band.get_x() == pytest.approx(found.ci_low)
    assert band.get_x() + band.get_width() == pytest.approx(found.ci_high)
    assert f"n = {found.n_star:.0f} [{found.ci_low:.0f}, {found.ci_high:.0f}]" in texts_of(
        ax.figure
    )


def test_an_open_crossover_interval_is_cut_at_the_axes_and_said_so(metrics):
    columns = ["challenger", "baseline", "n_star", "ci_low", "ci_high", "verdict"]
    row = pd.DataFrame([("quantum", "classical", 300.0, 0.0, np.inf, "crossover")], columns=columns)
    ax = drawn(metrics, row)
    left, right = ax.get_xlim()
    assert left > 0 and np.isfinite(right)
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((left, right))
    assert "no limit within the grid" in texts_of(ax.figure)


def test_each_bound_is_a_line_labelled_as_such(metrics):
    bounds = Bounds(optimum=0.00123, pca_floor=0.00145)
    ax = drawn(metrics, NO_CROSSOVER, NOTHING_PUBLISHED, bounds)
    for level, label in (
        (0.00123, "closed-form optimum (0.00123)"),
        (0.00145, "PCA of all training rows (0.00145)"),
    ):
        (line,) = [line for line in ax.lines if line.get_label() == label]
        assert set(line.get_ydata()) == {level}
        assert ax.get_ylim()[0] < level
        assert label in texts_of(ax.figure)


def test_without_a_known_distribution_there_is_no_bound(metrics):
    ax = drawn(metrics)
    assert "optimum" not in texts_of(ax.figure) and "PCA of" not in texts_of(ax.figure)


def test_variants_of_other_models_step_back_among_many_lines(metrics):
    ax = drawn(metrics)
    for name in MODELS:
        (line,) = line_in(ax, style_of(name).colour)
        assert line.get_alpha() == (FAINT_OPACITY if name in BACKGROUND else None)
    banded = [tuple(band.get_facecolor()[0, :3]) for band in ax.collections]
    for name, count in (("linear_tuned", 1), ("square", 1), ("separable", 0), ("real_circuit", 0)):
        assert banded.count(to_rgb(style_of(name).colour)) == count


def test_the_crossover_with_a_pale_model_has_a_thin_line_and_no_band(metrics):
    located = locate_crossovers(metrics)
    (found,) = located[located["baseline"] == "classical_dense"].itertuples()
    assert found.verdict == "crossover"
    for names, bands in ((MODELS, 0), (("quantum", "classical_dense"), 1)):
        table = located[located["baseline"] == "classical_dense"]
        ax = drawn(metrics[metrics["model"].isin(names)], table)
        assert [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1] == [
            found.n_star
        ]
        assert len(ax.patches) == bands
        assert f"n = {found.n_star:.0f}" in texts_of(ax.figure)


def test_a_diverged_run_breaks_its_line_and_is_told(metrics):
    ax = drawn(diverge(metrics, "linear", 100, 1))
    (line,) = line_in(ax, style_of("linear").colour)
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert "linear at n = 100 (1 of 4 seeds)" in texts_of(ax.figure)


def test_a_limit_below_zero_runs_to_the_end_of_the_axis():
    runs = make_metrics(("synthetic-6q",), SIZES, seeds=2, names=["quantum"], noise=0.4)
    summary = summarise_seeds(runs, "heldout_mse", ["n"])
    assert (summary["low"] < 0).any()
    ax = drawn(runs)
    low, high = ax.get_ylim()
    assert 0 < low < summary["mean"].min() and high < 10 * summary["mean"].max()


def test_the_legend_and_the_notes_leave_the_data_free(metrics):
    ax = drawn(diverge(metrics, "linear", 100, 1), NO_CROSSOVER, NOTHING_PUBLISHED, Bounds(0.001))
    figure = ax.figure
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = ax.get_window_extent()
    assert legend.get_window_extent().x0 > box.x1
    assert figure._supxlabel.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0
    assert box.width > 0.5 * figure.bbox.width and box.height > 0.6 * figure.bbox.height


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["article", "converged"])
def test_the_crossover_figure_is_read_drawn_and_saved(tmp_path, metrics, protocol):
    metrics = pd.concat([metrics, metrics.assign(protocol="converged")], ignore_index=True)
    latents = tmp_path / "latents.parquet"
    write_latents(latents, optimal_mse="0.00195", pca_floor_mse="0.002")
    assert read_bounds(latents) == Bounds(0.00195, 0.002)
    tables = {"metrics": metrics, "crossover": locate_crossovers(metrics)}
    where = (PUBLISHED_PATH, latents, "synthetic-6q", protocol)
    words = saved_words(tmp_path, plot_crossover, tables, *where)
    assert f"synthetic-6q, protocol {protocol}" in words
    assert read_bounds(tmp_path / "metrics.parquet") == Bounds(None, None)


def test_only_the_conditions_of_the_protocol_are_drawn(tmp_path, metrics):
    runs = metrics[metrics["model"].isin(["quantum", "classical"])]
    other = runs.assign(protocol="converged", n=runs["n"] + 7)
    both = pd.concat([runs, other], ignore_index=True)
    write_latents(tmp_path / "latents.parquet")
    tables = {"metrics": both, "crossover": locate_crossovers(both)}
    where = (PUBLISHED_PATH, tmp_path / "latents.parquet", "synthetic-6q", "converged")
    words = saved_words(tmp_path, plot_crossover, tables, *where)
    assert "207" in words and "200" not in words
    assert words.count("quantum and classical:") == 1
