"""Lines with limits, axes and their ticks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers.figures import drawn_lines, empty_axes
from qdistill.figures.lines import (
    PALE,
    draw_line,
    draw_models,
    limits_of_positive,
    line_values,
    log_ticks,
    panel_grid,
    plain_number,
    set_log_axis,
    student_limits,
)
from qdistill.judgement.statistics import paired_interval
from qdistill.study.styles import style_of

RUNS = pd.DataFrame({"n": [1, 1, 2, 2, 3, 3], "y": [1.0, 3.0, 2.0, 2.5, 4.0, 16.0]})


@given(st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=12, unique=True))
def test_limits_are_those_of_the_statistics(values):
    expected = paired_interval(values)
    if expected.defined:
        scale = np.abs(values).max()
        wanted = (expected.low, expected.high)
        assert student_limits(values) == pytest.approx(wanted, abs=1e-9 * scale)


def drawn(runs, scale="linear", **look):
    ax = empty_axes()
    ax.set_yscale(scale)
    draw_line(ax, runs, "n", "y", style_of("quantum"), label="quantum", **look)
    return ax


def test_a_line_is_the_mean_and_its_band_the_limits():
    ax = drawn(RUNS)
    (line,) = ax.lines
    assert line.get_xydata().tolist() == [[1, 2], [2, 2.25], [3, 10]]
    assert (line.get_label(), line.get_color()) == ("quantum", style_of("quantum").colour)
    corners = ax.collections[0].get_paths()[0].vertices
    for n, part in RUNS.groupby("n"):
        heights = corners[corners[:, 0] == n, 1]
        low, high = student_limits(part["y"])
        wanted = max(low, part["y"].min()), high
        assert (heights.min(), heights.max()) == pytest.approx(wanted)
    assert ax.get_xlabel() == ax.get_ylabel() == ""
    assert not drawn(RUNS, bands=False).collections
    (line,) = drawn(RUNS, "log").lines  # on an axis made logarithmic before, a geometric mean
    assert line.get_ydata() == pytest.approx([3**0.5, 5**0.5, 8])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_run_that_is_not_finite_leaves_a_gap(bad):
    ax = drawn(RUNS.replace(2.5, bad))
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[1, 2]], [[3, 10]]]
    assert ax.lines[0].get_label() == "quantum"
    assert len(ax.get_legend_handles_labels()[0]) == 1
    assert not drawn(RUNS.assign(y=bad)).lines


def test_one_seed_has_a_mean_and_no_limits():
    ax = drawn(RUNS.drop_duplicates("n"))
    assert ax.lines[0].get_ydata().tolist() == [1, 2, 4]
    paths = [path for band in ax.collections for path in band.get_paths()]
    assert all(np.isnan(path.vertices).all() for path in paths)


def test_a_lower_limit_of_positive_values_is_not_below_the_lowest():
    assert student_limits([4.0, 16.0])[0] < 0
    assert limits_of_positive([4.0, 16.0]) == (4.0, student_limits([4.0, 16.0])[1])
    for values in ([-4.0, 16.0], [5.0, 5.1, 5.2]):
        assert limits_of_positive(values)[1] == student_limits(values)[1]
    assert limits_of_positive([-4.0, 16.0]) == student_limits([-4.0, 16.0])


def test_models_behind_are_pale_unlabelled_and_without_a_band():
    names = ["pca", "separable", "quantum", "square"]
    runs = pd.concat([RUNS.assign(model=name) for name in names])
    ax = empty_axes()
    draw_models(ax, runs, "n", "y", ["pca", "quantum", "square"])
    lines = drawn_lines(ax)
    assert {name for name, line in lines.items() if line.get_alpha() == PALE} == {"separable"}
    assert ax.get_legend_handles_labels()[1] == ["pca", "square", "quantum"]
    assert len(ax.collections) == 2  # of models in front; references have none
    assert lines["separable"].get_linewidth() < lines["quantum"].get_linewidth()


@given(st.floats(-12, 4), st.floats(0.03, 14), st.sampled_from([5, 8]))
def test_ticks_are_few_round_and_inside(exponent, decades, most):
    low, high = 10**exponent, 10 ** (exponent + decades)
    ticks = log_ticks(low, high, most)
    assert 1 <= len(ticks) <= most and (np.diff(ticks) > 0).all()
    assert low <= ticks.min() and ticks.max() <= high
    leading = ticks / 10.0 ** np.floor(np.log10(ticks) + 1e-9)
    assert np.allclose(leading * 100, np.round(leading * 100))


def test_labels_of_ticks():
    labels = {0.002: "0.002", 1000: "1,000", 1e-6: "$10^{-6}$", 3e-6: r"$3 \times 10^{-6}$"}
    labels |= {0.0001: "0.0001", 1e30: "$10^{30}$"}
    assert {value: plain_number(value) for value in labels} == labels


@pytest.mark.parametrize("along", ["x", "y"])
def test_either_axis_can_be_made_logarithmic(along):
    ax = empty_axes()
    set_log_axis(ax, [0.01, np.nan, -3.0, 0.5, np.inf], along=along)
    scales = {"x": ax.get_xscale(), "y": ax.get_yscale()}
    assert scales.pop(along) == "log" and [*scales.values()] == ["linear"]
    low, high = {"x": ax.get_xlim(), "y": ax.get_ylim()}[along]
    assert 0.005 < low < 0.01 and 0.5 < high < 1


@pytest.mark.parametrize("count", [1, 4, 5, 7])
def test_panels_are_wrapped_with_one_label_below_the_last_row(count):
    figure = Figure()
    panels = panel_grid(figure, count, "what", (1.5, 2.0), (2.0, 1.0), share=True)
    assert len(panels) == count == sum(ax.axison for ax in figure.axes)
    (labelled,) = [ax for ax in panels if ax.get_xlabel() == "what"]
    assert panels.index(labelled) >= count - 1 - (count - 1) % 5
    assert figure.get_figheight() == (3 if count <= 5 else 5)


def test_panels_without_a_line_have_an_axis():
    ax = Figure().subplots()
    assert line_values(ax).size == 0
    set_log_axis(ax, line_values(ax))
    assert len(ax.get_xticks()) and ax.get_yscale() == "log"
