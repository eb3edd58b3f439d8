"""The figure of what codes are good for: what is drawn is what the table holds."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from helpers.downstream import make_downstream
from helpers.figures import SIZES, figure_of, line_in, saved_words, study_metrics, texts_of
from helpers.metrics import make_metrics
from qdistill.figures.downstream import RAW_STYLE, draw_downstream, plot_downstream
from qdistill.figures.series import FAINT_OPACITY
from qdistill.judgement.statistics import paired_interval
from qdistill.study.styles import style_of

FEW = ("mean", "pca", "linear", "square", "quantum", "distilled_pool")


@pytest.fixture(scope="module")
def table():
    return make_downstream(make_metrics(("synthetic-6q",), SIZES, seeds=4, names=FEW))


def drawn(table):
    figure = figure_of(draw_downstream, table, figsize=(10, 5))
    return figure, figure.axes


def test_each_code_has_a_line_with_its_limits_in_both_panels(table):
    _, axes = drawn(table)
    for ax, measure in zip(axes, ("recall", "probe_accuracy"), strict=True):
        for name in ("raw", "pca", "linear", "quantum", "distilled_pool"):
            style = RAW_STYLE if name == "raw" else style_of(name)
            runs = table[table["model"] == name]
            means = runs.groupby("n")[measure].mean()
            lines = [np.column_stack(line.get_data()) for line in line_in(ax, style.colour)]
            wanted = np.column_stack([means.index, means])
            assert any(line.shape == wanted.shape and np.allclose(line, wanted) for line in lines)
        colour = to_rgb(style_of("quantum").colour)
        (band,) = [
            b for b in ax.collections if np.allclose(b.get_facecolor()[0, :3], to_rgb(colour))
        ]
        corners = band.get_paths()[0].vertices
        for n, own in table[table["model"] == "quantum"].groupby("n"):
            interval = paired_interval(own[measure])
            heights = corners[corners[:, 0] == n, 1]
            assert heights.min() == pytest.approx(interval.low)
            assert heights.max() == pytest.approx(interval.high)
        low, high = ax.get_ylim()
        assert low == 0 and table[measure].max() < high <= 1.02


def test_titles_and_legend_say_what_is_measured(table):
    figure, (left, right) = drawn(table)
    assert left.get_ylabel() == "recall@10" and right.get_ylabel() == "accuracy"
    assert "cosine similarity" in left.get_title(loc="left")
    assert "30 classes, 5 examples of each" in right.get_title(loc="left")
    words = texts_of(figure)
    assert "raw, the full vectors" in words and "most\nfrequent class (0.139)" in words
    assert "guessing (0.0333)" in words
    levels = {line.get_ydata()[0] for line in right.lines if list(line.get_xdata()) == [0, 1]}
    assert levels == {0.139, 1 / 30}
    assert all(name in words for name in FEW if name != "mean") and "mean\n" not in words


def test_without_labels_there_is_one_panel_and_the_reason(table):
    unlabelled = table.assign(probe_undefined="no_labels", probe_accuracy=np.nan)
    figure, axes = drawn(unlabelled)
    assert len(axes) == 1
    assert "No label probe: rows have no labels." in texts_of(figure)
    assert "frequent class" not in texts_of(figure)


def test_variants_step_back_where_there_are_many_lines():
    many = make_downstream(study_metrics())
    _, (left, _) = drawn(many)
    pale = {line.get_color() for line in left.lines if line.get_alpha() == FAINT_OPACITY}
    for name in ("random_dense", "separable", "distilled_softmax"):
        assert style_of(name).colour in pale
    for name in ("quantum", "compiled", "distilled_pool", "pca", "square"):
        own = line_in(left, style_of(name).colour)
        assert any(line.get_alpha() is None and line.get_linewidth() > 1 for line in own)
    assert not any(line.get_alpha() for line in drawn(many[many["model"].isin(FEW)])[1][0].lines)


def test_a_run_without_finite_codes_is_a_gap_that_is_told(table):
    broken = table.copy()
    hit = (broken["model"] == "linear") & (broken["n"] == 200) & (broken["seed"] == 1)
    broken.loc[hit, ["recall", "probe_accuracy"]] = np.nan
    broken.loc[hit, "diverged"] = True
    figure, (left, _) = drawn(broken)
    line = next(x for x in line_in(left, style_of("linear").colour) if len(x.get_xdata()) == 4)
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True, False]
    assert "linear at n = 200 (1 of 4 seeds)" in texts_of(figure)


@pytest.mark.slow
def test_the_figure_is_read_drawn_and_saved(tmp_path, table):
    both = pd.concat([table, table.assign(protocol="converged", neighbours=7)])
    where = ("synthetic-6q", "converged")
    words = saved_words(tmp_path, plot_downstream, {"downstream": both}, *where)
    assert "synthetic-6q, protocol converged: what codes are good for" in words
    assert "recall@7" in words and "recall@10" not in words
