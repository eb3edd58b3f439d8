"""Intervals that count held-out rows as a sample, against simulation and the t interval."""

import numpy as np
import pytest

from qdistill.judgement.resampling import crossed_ratio, draw_crossed
from qdistill.judgement.statistics import paired_interval

SEEDS, ROWS = 10, 300


def simulate(generator, of_seeds=0.1, of_rows=0.5, both=0.2, mean=0.3):
    """Errors of two models: the log of their ratio has a part of the seed, the row, and of both."""
    base = generator.lognormal(0, 0.5, ROWS)  # what both models find hard
    shift = of_seeds * generator.standard_normal((SEEDS, 1))
    shift = shift + of_rows * generator.standard_normal(ROWS)
    shift = shift + both * generator.standard_normal((SEEDS, ROWS))
    return base * np.exp(mean + shift), np.tile(base, (SEEDS, 1))


def true_ratio(of_rows=0.5, both=0.2, mean=0.3):
    """Of expectations over rows; the geometric mean over seeds has no part of theirs."""
    return np.exp(mean + (of_rows**2 + both**2) / 2)


def interval_of(challenger, baseline, generator):
    """The crossed interval, its draws made with a generator."""
    return crossed_ratio(challenger, baseline, draw_crossed(challenger.shape, generator))


def test_it_covers_the_ratio_for_all_rows_and_the_interval_over_seeds_does_not():
    crossed, seeds_alone, times = 0, 0, 300
    draws = draw_crossed((SEEDS, ROWS), np.random.default_rng(times))  # as of models of one problem
    for trial in range(times):
        pair = simulate(np.random.default_rng(trial))
        found = crossed_ratio(*pair, draws)
        logs = np.log(pair[0].mean(1) / pair[1].mean(1))
        alone = paired_interval(logs)
        crossed += found.low <= true_ratio() <= found.high
        seeds_alone += np.exp(alone.low) <= true_ratio() <= np.exp(alone.high)
    assert 0.93 <= crossed / times <= 0.995
    assert seeds_alone / times < crossed / times


def test_where_rows_make_no_difference_it_is_the_t_interval():
    generator = np.random.default_rng(1)
    ratios = np.exp(0.1 * generator.standard_normal(SEEDS))
    found = interval_of(np.outer(ratios, np.ones(ROWS)), np.ones((SEEDS, ROWS)), generator)
    expected = paired_interval(np.log(ratios))
    assert found.ratio == pytest.approx(np.exp(expected.estimate))
    limits = pytest.approx([expected.low, expected.high], abs=0.05 * (expected.high - expected.low))
    assert np.log([found.low, found.high]) == limits
    assert found.rows_share == pytest.approx(0, abs=1e-20)


def test_the_share_of_the_rows_is_that_of_the_variance():
    few, many = (
        interval_of(*simulate(np.random.default_rng(2), of_rows=spread), np.random.default_rng(3))
        for spread in (0.0, 2.0)
    )
    assert few.rows_share < 0.1 and many.rows_share > 0.8


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 0.0])
def test_without_a_finite_positive_error_of_every_seed_it_is_undefined(spoil):
    pair = simulate(np.random.default_rng(4))
    pair[0][3] = spoil
    assert np.isnan(interval_of(*pair, np.random.default_rng(5)).ratio)
    single = [errors[:1] for errors in simulate(np.random.default_rng(4))]
    assert np.isnan(interval_of(*single, np.random.default_rng(5)).low)
