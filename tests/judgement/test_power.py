import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qdistill.judgement.power import holm_levels, seeds_needed, seeds_to_decide_fraction

SIMULATIONS = 2000


def with_effect(effect, count=10):
    """Differences whose mean is so many of their standard deviations."""
    values = stats.norm.ppf((np.arange(count) + 0.5) / count)
    return values / values.std(ddof=1) + effect


def exact_power(effect, count, alpha):
    return stats.nct.sf(stats.t.isf(alpha / 2, count - 1), count - 1, effect * np.sqrt(count))


@given(st.floats(0.05, 200), st.sampled_from([0.05, 0.01, 0.003]))
def test_it_is_the_smallest_number_that_suffices(effect, alpha):
    number = seeds_needed(with_effect(effect), alpha)
    assert number == int(number) and number >= 2
    assert exact_power(effect, number, alpha) >= 0.8 - 1e-6
    assert number == 2 or exact_power(effect, number - 1, alpha) < 0.8 + 1e-6


def test_known_answers():
    # G*Power and every textbook: 34 pairs for a medium effect
    assert seeds_needed(with_effect(0.5)) == 34
    assert seeds_needed(3e-5 * with_effect(0.5)) == 34  # the unit does not matter
    assert seeds_needed(-with_effect(0.5)) == 34
    assert seeds_needed(with_effect(1000.0)) == 2
    assert 90_000 < seeds_needed(with_effect(0.009)) <= 100_000  # the last within reach


def test_out_of_reach_and_undefined():
    for effect in (0.0, 1e-9, 0.005, 0.008):
        assert seeds_needed(with_effect(effect)) == np.inf
    for values in ([], [0.3], [0.3, 0.3, 0.3], [0.1, np.nan], [0.1, np.inf]):
        assert np.isnan(seeds_needed(values))


def test_a_fraction_is_decided_by_the_easier_of_two_tests():
    generator = np.random.default_rng(3)
    advantage = generator.normal(1.0, 0.2, 8)
    for fraction, limit in [(0.35, 0.8), (0.65, 0.2)]:
        kept = fraction * advantage + generator.normal(0, 1.0, 8)
        kept += fraction * advantage.mean() - kept.mean()
        number = seeds_to_decide_fraction(kept, advantage)
        assert number == seeds_needed(kept - limit * advantage)
        assert number < seeds_needed(kept - (1.0 - limit) * advantage)


def test_simulated_power_of_deciding_a_fraction():
    generator = np.random.default_rng(4)
    advantage, noise = generator.normal(0, 1.0, (2, 10))
    advantage = 1.0 + 0.1 * stats.zscore(advantage, ddof=1)
    noise = 1.2 * stats.zscore(noise, ddof=1)
    kept = 0.4 * advantage + noise
    number = int(seeds_to_decide_fraction(kept, advantage))
    mean, cov = [advantage.mean(), kept.mean()], np.cov(advantage, kept)
    draws = generator.multivariate_normal(mean, cov, (SIMULATIONS, number))
    tests = stats.ttest_1samp(draws[..., 1] - 0.8 * draws[..., 0], 0, axis=1)
    low, high = stats.binom.interval(0.999, SIMULATIONS, 0.8)
    assert low <= (tests.pvalue < 0.05).sum() <= high


def test_a_fraction_with_one_test_undefined():
    advantage = np.array([1.0, 1.2, 0.9, 5.0])
    kept = 0.2 * advantage
    assert seeds_to_decide_fraction(kept, advantage) == seeds_needed(advantage) > 4
    assert np.isnan(seeds_to_decide_fraction([np.nan, 1.0], [1.0, 2.0]))


def test_holm_levels():
    levels = holm_levels([0.02, np.nan, 0.001, 0.4])
    assert levels == pytest.approx([0.05 / 3, 0.05, 0.05 / 4, 0.05 / 2])
    assert holm_levels([0.3]) == pytest.approx([0.05])
    assert holm_levels([]).size == 0
