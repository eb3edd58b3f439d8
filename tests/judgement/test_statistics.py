import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.statistics import holds
from qdistill.judgement.statistics import fieller_interval, holm, paired_interval, paired_ratio


def test_interval_excludes_zero_exactly_when_p_is_below_the_level():
    draws = np.random.default_rng(1).normal(0.7, 1.0, (200, 8))
    results = [paired_interval(d) for d in draws]
    assert {r.p_value < 0.05 for r in results} == {True, False}
    assert all((r.p_value < 0.05) == (r.low > 0 or r.high < 0) for r in results)


NOT_FINITE = [([], np.nan), ([1.0, np.nan, 2.0], np.nan), ([1.0, np.inf, 2.0], np.nan)]


@pytest.mark.parametrize(("values", "estimate"), [*NOT_FINITE, ([0.2], 0.2), ([0.0, 0.0], 0.0)])
def test_where_there_are_no_limits_and_no_estimate_of_what_is_not_finite(values, estimate):
    result = paired_interval(values)
    assert result.estimate == pytest.approx(estimate, nan_ok=True)
    assert np.isnan([result.low, result.high, result.p_value]).all() and not result.defined


@pytest.mark.parametrize("values", [[0.2, 0.2, 0.2], [0.3 - 0.1, 0.2], [-4.0, -4.0]])
def test_the_same_difference_at_every_seed_is_the_limit_of_vanishing_spread(values):
    result = paired_interval(values)
    nearly = paired_interval(np.array(values) * (1 + 1e-9 * np.arange(len(values))))
    assert result.defined and result.low == result.high == result.estimate == np.mean(values)
    assert (result.low, result.high) == pytest.approx((nearly.low, nearly.high), rel=1e-6)
    assert result.p_value == 0 and nearly.p_value < 1e-6


def test_paired_ratio_swaps_to_its_inverse():
    draws = np.random.default_rng(3).lognormal(size=(2, 10))
    there, back = paired_ratio(*draws), paired_ratio(*draws[::-1])
    assert there.estimate == pytest.approx(1 / back.estimate)
    assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))
    assert there.p_value == pytest.approx(back.p_value)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_paired_ratio_is_undefined_for_losses_without_a_logarithm(bad):
    assert np.isnan(paired_ratio([1.0, bad], [1.0, 2.0]).estimate)
    assert np.isnan(paired_ratio([1.0, 2.0], [bad, 1.0]).estimate)


def test_fieller_agrees_with_inversion_of_the_t_test():
    generator = np.random.default_rng(4)
    denominator = generator.normal(1.0, 0.4, 10)
    numerator = 0.6 * denominator + generator.normal(0.1, 0.2, 10)
    result = fieller_interval(numerator, denominator)
    assert result.bounded and result.gap is None
    for limit in (result.low, result.high):
        test = stats.ttest_1samp(numerator - limit * denominator, 0.0)
        assert test.pvalue == pytest.approx(0.05, abs=1e-9)
    assert result.estimate == pytest.approx(numerator.mean() / denominator.mean())
    assert result.low < result.estimate < result.high


def test_fieller_with_a_constant_denominator_is_students():
    numerator = np.array([0.3, 0.5, 0.4, 0.9])
    result, plain = fieller_interval(numerator, np.full(4, 2.0)), paired_interval(numerator / 2)
    assert result.columns("ratio") == pytest.approx(plain.columns("ratio"))


def test_fieller_of_proportional_samples_is_a_point():
    denominator = np.array([1.0, 1.3, 0.8, 1.1])
    exact = fieller_interval(denominator, denominator)
    assert exact.bounded and (exact.low, exact.high) == (1.0, 1.0)
    almost = fieller_interval(denominator * (1 + 1e-9 * np.arange(4)), denominator)
    assert 0 < almost.high - almost.low < 1e-8


def test_fieller_with_a_denominator_near_zero_says_what_it_excludes():
    denominator = np.array([-0.2, 0.3, 0.1, -0.1, 0.05])
    numerator = np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    rays = fieller_interval(numerator, denominator)
    assert not rays.bounded and (rays.low, rays.high) == (-np.inf, np.inf)
    assert rays.gap is not None and rays.gap[0] < 0 < rays.gap[1]
    for edge in rays.gap:
        test = stats.ttest_1samp(numerator - edge * denominator, 0.0)
        assert test.pvalue == pytest.approx(0.05, abs=1e-9)
    assert not holds(rays, 0.0) and holds(rays, 100.0) and holds(rays, rays.estimate)
    line = fieller_interval(numerator - 1.0, denominator)
    assert not line.bounded and line.gap is None and holds(line, 0.0) and holds(line, 1e9)


@given(st.integers(0, 10_000))
def test_fieller_is_bounded_exactly_when_the_denominator_excludes_zero(seed):
    top, bottom = np.random.default_rng(seed).normal([[0.5], [0.8]], 1.0, (2, 6))
    plain = paired_interval(bottom)
    assert fieller_interval(top, bottom).bounded == (plain.low > 0 or plain.high < 0)


@pytest.mark.parametrize(
    ("top", "bottom"),
    [
        ([1.0], [2.0]),
        ([1.0, np.nan], [1.0, 2.0]),
        ([1.0, 2.0], [np.inf, 2.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1.0, 2.0], [-1.0, 1.0]),
        ([1.0, 1.0], [2.0, 2.0]),
    ],
)
def test_fieller_is_undefined_for_degenerate_input(top, bottom):
    result = fieller_interval(top, bottom)
    assert not result.defined and np.isnan([result.low, result.high]).all()
    assert not holds(result, 0.5)


def test_holm_by_hand_counts_a_test_that_could_not_be_made():
    # sorted 0.01, 0.02, 0.04: times 3, 2, 1, then made monotone
    assert holm([0.02, 0.01, 0.04]) == pytest.approx([0.04, 0.03, 0.04])
    adjusted = holm([0.02, np.nan, 0.01])
    assert adjusted[[0, 2]] == pytest.approx([0.04, 0.03])
    assert np.isnan(adjusted[1])
    assert holm([]).size == 0
    assert np.isnan(holm([np.nan, np.nan])).all()


def test_unpaired_samples_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        fieller_interval([1.0, 2.0], [1.0])
