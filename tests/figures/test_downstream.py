"""The figure of what codes are good for: what is drawn is what the table holds."""

import numpy as np
import pytest

from helpers.downstream import lose_codes, make_downstream
from helpers.figures import SIZES, figure_of, points_of
from helpers.metrics import make_metrics
from qdistill.figures.downstream import RAW_STYLE, draw_downstream

FEW = ("mean", "pca", "linear", "square", "quantum", "distilled_pool")


@pytest.fixture(scope="module")
def table():
    return make_downstream(make_metrics(("synthetic-6q",), SIZES, seeds=4, names=FEW))


def drawn(table):
    figure, note = figure_of(draw_downstream, table)
    return figure.axes, note


def test_each_code_has_a_line_in_both_panels(table):
    axes, note = drawn(table)
    for ax, measure in zip(axes, ("recall", "probe_accuracy"), strict=True):
        means = table.groupby(["model", "n"])[measure].mean()
        for name in FEW[1:]:
            assert points_of(ax, name)[:, 1] == pytest.approx(means[name].to_numpy()), name
        raw = next(line for line in ax.lines if line.get_color() == RAW_STYLE.colour)
        assert raw.get_ydata() == pytest.approx(means["raw"].to_numpy())
        low, high = ax.get_ylim()
        assert low == 0 and means.max() < high <= 1.02
    left, right = axes
    assert left.get_ylabel() == "recall@10" and "accuracy" in right.get_ylabel()
    assert "cosine similarity" in left.get_title(loc="left")
    assert "30 classes, 5 examples of each" in right.get_title(loc="left")
    levels = {line.get_ydata()[0] for line in right.lines if list(line.get_xdata()) == [0, 1]}
    assert levels == {0.139, 1 / 30}
    assert "most frequent class (0.139); dashed, guessing (0.0333)" in note


def test_without_labels_there_is_one_panel_and_the_reason(table):
    unlabelled = table.assign(probe_undefined="no_labels", probe_accuracy=np.nan)
    axes, note = drawn(unlabelled)
    assert len(axes) == 1 and "frequent class" not in note
    assert "No label probe: rows have no labels." in note


def test_a_run_without_finite_codes_is_a_gap_that_is_told(table):
    (left, _), note = drawn(lose_codes(table, "linear", 200, 1))
    assert points_of(left, "linear")[:, 0] == pytest.approx([50, 100, 500])
    assert "linear at n = 200 (1 of 4 seeds)" in note
