"""How many seeds would decide what these seeds leave open."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from qdistill.judgement.statistics import has_spread

ALPHA = 0.05
POWER = 0.80
MOST_SEEDS = 100_000  # beyond which no study could decide it
_FEW = np.arange(2, 10)  # looked up one by one: the root finder misses some of these


def seeds_needed(differences: ArrayLike, alpha: float = ALPHA) -> float:
    """Count the seeds that would show a mean difference of the observed size.

    The number is for planning, and rough: it takes the observed mean and spread of the paired
    differences, one per seed, for the true ones, and with few seeds those are uncertain themselves.

    Returns
    -------
    float
        The smallest whole number of seeds, those already run included, at which the two-sided
        paired t-test of level ``alpha`` rejects a mean of zero, on the observed side, with a
        probability of 80 % if the true mean and standard deviation are the observed ones.
        Infinite where the mean is zero or more than 100,000 seeds would be needed; NaN for fewer
        than two seeds, a difference that is not finite, or no spread.
    """
    values = np.asarray(differences, dtype=float)
    if values.size < 2 or not np.isfinite(values).all() or not has_spread(values):
        return np.nan
    effect = abs(float(values.mean() / values.std(ddof=1)))
    # known variance needs fewer seeds than the t-test, which has to estimate it
    at_least = ((special.ndtri(POWER) - special.ndtri(alpha / 2)) / max(effect, 1e-12)) ** 2
    if at_least > MOST_SEEDS:
        return np.inf
    from statsmodels.stats.power import TTestPower

    # one tail of the two-sided test: rejecting on the other side would not show this effect
    test, side = TTestPower(), {"alpha": alpha / 2, "alternative": "larger"}
    enough = _FEW[test.power(effect, _FEW, **side) >= POWER]
    if len(enough):
        return float(enough[0])
    number = float(np.ceil(test.solve_power(effect_size=effect, power=POWER, **side)))
    return number if number <= MOST_SEEDS else np.inf


def seeds_to_decide_fraction(
    kept: ArrayLike, advantage: ArrayLike, limits: tuple[float, float] = (0.2, 0.8)
) -> float:
    """Count the seeds that would decide a retained fraction, kept / advantage, paired by seed.

    It is undecided while the t-test rejects neither of the two limits, so the easier of the two
    tests decides it: the smaller of what :func:`seeds_needed` gives for kept - limit * advantage,
    NaN if neither is defined.
    """
    top, bottom = np.asarray(kept, dtype=float), np.asarray(advantage, dtype=float)
    low, high = (seeds_needed(top - limit * bottom) for limit in limits)
    return float(np.fmin(low, high))


def holm_levels(p_values: ArrayLike) -> np.ndarray:
    """Return the level at which Holm's procedure tests each member of a family: (tests,).

    It is ``ALPHA`` over the number of tests that come no earlier in the order of p-values (equal
    ones in the order given). NaN marks a test that could not be made and ranks last.
    """
    from scipy import stats

    raw = np.asarray(p_values, dtype=float)
    ranks = stats.rankdata(np.where(np.isnan(raw), 1.0, raw), method="ordinal")
    return ALPHA / (raw.size - ranks + 1)
