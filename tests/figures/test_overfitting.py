"""The overfitting figure: error and agreement by pool, and the verdicts in words."""

import numpy as np
import pytest

from helpers.figures import SIZES, figure_of
from helpers.metrics import POOLS, make_sweep
from qdistill.figures.overfitting import HIGHEST_GAP, draw_overfitting, size_styles
from qdistill.judgement.overfitting import judge_overfitting


@pytest.fixture(scope="module")
def table(metrics):
    ratio = {0: 1.3, 100: 1.2, 300: 1.05, 1000: 1.01}.get  # gaps of half of that less 1.04
    return judge_overfitting(metrics, make_sweep(metrics, ratio=ratio))


def drawn(table):
    figure, note = figure_of(draw_overfitting, table)
    return *figure.axes, note


def lines_in(ax, n):
    colour = size_styles(SIZES)[n].colour
    return [line for line in ax.lines if line.get_color() == colour]


def test_each_n_has_a_line_of_its_own_in_both_panels(table):
    left, right, _ = drawn(table)
    for place, n in enumerate(SIZES):
        part = table[table["n"] == n].sort_values("pool")
        for ax, value in ((left, "ratio"), (right, "r2_gap")):
            (line,) = lines_in(ax, n)
            shown = part[value].notna().to_numpy()  # without a pool there is no gap
            assert np.allclose(line.get_ydata(), part[value][shown])
            assert np.allclose(line.get_xdata(), np.arange(len(POOLS))[shown], atol=0.2)
            assert shown.sum() == len(POOLS) - (ax is right)
            band = ax.collections[place].get_paths()[0].vertices
            assert band[:, 1].max() == pytest.approx(part[f"{value}_high"].max())
            assert band[:, 1].min() == pytest.approx(part[f"{value}_low"].min())
            ticks = [label.get_text() for label in ax.get_xticklabels()]
            assert ticks == ["0", "100", "300", "1,000"]
    assert left.get_legend_handles_labels()[1] == [f"n = {n}" for n in SIZES]
    for ax, level in ((left, 1.0), (right, 0.05)):
        levels = {line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]}
        assert levels == {level} and ax.get_ylim()[0] < level < ax.get_ylim()[1]
    low, high = left.get_ylim()
    assert low < 1.0 and high > table["ratio"].max()
    assert left.get_yscale() == "log" and right.get_yscale() == "linear"


def test_verdicts_say_what_they_are_about_and_where_the_student_is_better(table):
    *_, note = drawn(table)
    found = table[table["n"] == 100].set_index("pool")["verdict"]
    assert found[100] == "overfits" and found[1000] == "does not overfit"
    assert "Overfits its teacher's outputs: R² shown to be over 0.05 lower than on rows of" in note
    assert "Does not overfit them: n = 50, 100" in note and "Lower error" not in note
    assert "Undefined, without a pool or for runs without finite outputs: n = 50, 100" in note
    better = table.assign(ratio_high=table["ratio_high"].mask(table["n"] == 200, 0.9))
    assert "Lower error than the teacher, by its limits: n = 200 (pool 0, 100" in drawn(better)[2]


def test_a_gap_beyond_one_is_told_and_does_not_flatten_the_rest(table):
    hit = (table["n"] == 50) & (table["pool"] == 100)
    values = {"r2_gap": 36.0, "r2_gap_high": 40.0}
    wide = table.assign(**{name: table[name].mask(hit, value) for name, value in values.items()})
    _, right, note = drawn(wide)
    assert HIGHEST_GAP < right.get_ylim()[1] < HIGHEST_GAP + 0.5
    assert "Gaps above the axis: 36 at n = 50, pool 100." in note
    assert "above the axis" not in drawn(table)[2]
    wide = table.assign(ratio_high=table["ratio_high"].mask(table["pool"] == 0, 1e6))
    assert drawn(wide)[0].get_ylim()[1] < 6


def test_an_undefined_ratio_is_a_gap_and_divergence_is_told(table):
    hit = (table["n"] == 200) & (table["pool"] == 100)
    broken = table.copy()
    broken.loc[hit, ["ratio", "ratio_low", "ratio_high"]] = np.nan
    broken.loc[hit, ["verdict", "diverged"]] = ["undefined", 2]
    left, _, note = drawn(broken)
    assert [len(line.get_xdata()) for line in lines_in(left, 200)] == [1, 2]
    assert "without finite outputs: n = 50, 100, 500 (pool 0), n = 200 (pool 0, 100)" in note
    assert "n = 200, pool 100 (2 of 4)" in note
