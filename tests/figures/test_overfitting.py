"""The overfitting figure: error and agreement by pool, and the verdicts in words."""

import numpy as np
import pandas as pd
import pytest

from helpers.figures import SIZES, figure_of, line_in, saved_words, study_metrics, texts_of
from helpers.metrics import POOLS, make_sweep
from qdistill.figures.overfitting import (
    LOWEST_R2,
    draw_overfitting,
    plot_overfitting,
    size_styles,
)
from qdistill.judgement.overfitting import judge_overfitting


@pytest.fixture(scope="module")
def table():
    metrics = study_metrics()
    return judge_overfitting(metrics, make_sweep(metrics))


def drawn(table):
    figure = figure_of(draw_overfitting, table, figsize=(9, 4.4))
    return figure, *figure.axes


def test_each_n_has_a_line_of_its_own_in_both_panels(table):
    _, left, right = drawn(table)
    styles = size_styles(SIZES)
    assert len({style.colour for style in styles.values()}) == len(SIZES)
    for n, style in styles.items():
        part = table[table["n"] == n].sort_values("pool")
        for ax, value in ((left, "ratio"), (right, "teacher_r2")):
            line = next(line for line in line_in(ax, style.colour) if len(line.get_xdata()))
            assert np.allclose(line.get_ydata(), part[value])
            assert np.allclose(line.get_xdata(), range(len(POOLS)), atol=0.2)
            band = ax.collections[list(styles).index(n)].get_paths()[0].vertices
            assert band[:, 1].max() == pytest.approx(part[f"{value}_high"].max())
            assert band[:, 1].min() == pytest.approx(part[f"{value}_low"].min())


def test_pools_are_categories_and_the_levels_of_the_verdict_are_lines(table):
    _, left, right = drawn(table)
    for ax in (left, right):
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "100", "300", "1,000"]
    levels = {line.get_ydata()[0] for line in left.lines if list(line.get_xdata()) == [0, 1]}
    assert levels == {1.0, 1.05}
    low, high = left.get_ylim()
    assert low < 1.0 and high > table["ratio"].max()
    assert left.get_yscale() == "log" and right.get_yscale() == "linear"


def test_verdicts_are_told_for_each_n(table):
    figure, *_ = drawn(table)
    words = texts_of(figure)
    found = table[table["n"] == 100].set_index("pool")["verdict"]
    assert found[0] == "overfits" and found[1000] == "does not overfit"
    assert "n = 100: overfits with a pool of 0" in words
    assert words.count("does not overfit with a pool of") == len(SIZES)


def test_agreement_far_below_zero_is_told_and_does_not_flatten_the_rest(table):
    hit = (table["n"] == 50) & (table["pool"] == 0)
    low = table.assign(
        teacher_r2=table["teacher_r2"].mask(hit, -36.0),
        teacher_r2_low=table["teacher_r2_low"].mask(hit, -40.0),
    )
    figure, _, right = drawn(low)
    assert LOWEST_R2 - 0.5 < right.get_ylim()[0] < LOWEST_R2
    assert "R² below the axis: \N{MINUS SIGN}36 at n = 50, pool 0." in texts_of(figure)
    assert "below the axis" not in texts_of(drawn(table)[0])


def test_a_very_wide_interval_does_not_flatten_the_others(table):
    wide = table.assign(ratio_high=table["ratio_high"].mask(table["pool"] == 0, 1e6))
    assert drawn(wide)[1].get_ylim()[1] < 6


@pytest.mark.slow
def test_an_undefined_ratio_is_a_gap_and_divergence_is_told(table):
    hit = (table["n"] == 200) & (table["pool"] == 100)
    values = ["ratio", "ratio_low", "ratio_high"]
    broken = table.copy()
    broken.loc[hit, values] = np.nan
    broken.loc[hit, ["verdict", "diverged"]] = ["undefined", 2]
    figure, left, _ = drawn(broken)
    colour = size_styles(SIZES)[200].colour
    line = next(line for line in line_in(left, colour) if len(line.get_xdata()))
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    words = texts_of(figure)
    assert "undefined with a pool of 100" in words
    assert "n = 200, pool 100 (2 of 4)" in words


@pytest.mark.slow
def test_the_overfitting_figure_is_read_drawn_and_saved(tmp_path, table):
    both = pd.concat([table, table.assign(protocol="converged", pool=table["pool"] + 7)])
    where = ("synthetic-6q", "converged")
    words = saved_words(tmp_path, plot_overfitting, {"overfitting": both}, *where)
    assert "synthetic-6q, protocol converged: does the student overfit" in words
    assert "107" in words and "a pool of 100" not in words
