"""Intervals and tests over seeds, the unit of replication.

Every function takes one value per seed and returns NaN limits where the seeds say
nothing: fewer than two of them, no difference at all, or a value that is not finite. A run
that diverged is never dropped, for the seeds that remain would flatter the model that failed.
"""

import gc
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

LEVEL = 0.95


@dataclass(frozen=True)
class _Limits:
    """An estimate and its confidence limits."""

    estimate: float
    low: float
    high: float

    @property
    def defined(self) -> bool:
        """Whether there are limits."""
        return not (np.isnan(self.low) or np.isnan(self.high))

    def columns(self, name: str, limits: str = "ci") -> dict[str, float]:
        """Return the estimate and its limits as the columns of a table."""
        return {name: self.estimate, f"{limits}_low": self.low, f"{limits}_high": self.high}


@dataclass(frozen=True)
class Interval(_Limits):
    """An estimate, its confidence limits and the two-sided p-value of 'no effect'.

    All four are NaN where the estimate itself is undefined; the limits and the p-value
    alone are NaN where only the spread is.
    """

    p_value: float


@dataclass(frozen=True)
class FiellerInterval(_Limits):
    """A ratio of means and its Fieller confidence set, by the smallest interval that holds it.

    The limits are finite where the set is one bounded interval, which it is exactly when the
    denominator's mean differs from zero by a Student t interval of the same level. They are
    ``-inf`` and ``inf`` where it is not, NaN where the ratio is undefined. Of an unbounded set that
    is two rays, ``gap`` is the open interval between them, which is all that the data exclude.
    """

    bounded: bool
    gap: tuple[float, float] | None = None


NO_RATIO = FiellerInterval(np.nan, np.nan, np.nan, False)


def has_spread(values: np.ndarray) -> bool:
    """Return whether finite float64 values differ by more than rounding."""
    return bool(np.ptp(values) > 8 * np.finfo(float).eps * np.abs(values).max())


def paired_interval(differences: ArrayLike) -> Interval:
    """Compute the mean of paired differences, one per seed, with 95 % Student t limits.

    In simulations with 5, 10 and 20 seeds the interval covers 0.95 for normal values and for
    differences between two log-normal losses. Given single losses in place of differences
    it covers less the more skewed they are: 0.94, 0.94 and 0.95 if log-normal with a
    standard deviation of 0.3 in the logarithm, 0.82, 0.84 and 0.87 with one of 1.

    Returns
    -------
    Interval
        In the unit of ``differences``, with the p-value of the two-sided t-test against a
        mean of zero. Differences that are the same at every seed, as those of two models
        that no draw touches, and not zero have both limits at their mean and a p-value of
        zero: the limit of the test as the spread vanishes. The limits are NaN for fewer than
        two seeds or where every difference is zero; the mean is NaN too if a difference is
        not finite.
    """
    values = np.asarray(differences, dtype=float)
    if values.size == 0 or not np.isfinite(values).all():
        return Interval(np.nan, np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if values.size < 2 or not values.any():
        return Interval(mean, np.nan, np.nan, np.nan)
    if not has_spread(values):
        return Interval(mean, mean, mean, 0.0)
    # What scipy.stats.ttest_1samp gives, of which judging a study would take a minute.
    freedom, error = values.size - 1, values.std(ddof=1) / np.sqrt(values.size)
    reach = special.stdtrit(freedom, 0.5 + LEVEL / 2) * error
    p_value = 2 * special.stdtr(freedom, -abs(mean) / error)
    return Interval(mean, float(mean - reach), float(mean + reach), float(p_value))


def paired_ratio(challenger: ArrayLike, baseline: ArrayLike) -> Interval:
    """Compute the geometric mean of challenger / baseline, with the limits of the mean log-ratio.

    They are losses of two models, paired by seed; the p-value is that of a mean log-ratio of zero.
    NaN if a loss is not finite or not above zero. Covers 0.95 in simulations of log-normal losses
    with 5, 10 and 20 seeds.
    """
    top, bottom = _paired(challenger, baseline)
    if not all((np.isfinite(losses) & (losses > 0)).all() for losses in (top, bottom)):
        return Interval(np.nan, np.nan, np.nan, np.nan)
    logs = paired_interval(np.log(top) - np.log(bottom))
    return Interval(
        float(np.exp(logs.estimate)),
        float(np.exp(logs.low)),
        float(np.exp(logs.high)),
        logs.p_value,
    )


def fieller_interval(numerator: ArrayLike, denominator: ArrayLike) -> FiellerInterval:
    """Compute the ratio of two means in one unit, over paired seeds, with 95 % Fieller limits.

    The confidence set holds each ratio r for which the t-test on numerator - r *
    denominator does not reject a mean of zero (E. C. Fieller, J. R. Stat. Soc. B 16, 175,
    1954). It is found as a quadratic in the distance from the estimate, which keeps its
    digits when the two samples are almost proportional. In simulations with 5, 10 and 20
    seeds the set covers 0.95, also where the denominator is near zero and most sets are
    unbounded.

    It is unbounded where the denominator's mean is not distinguishable from zero, and undefined
    (NaN) for fewer than two seeds, a value that is not finite, samples that both lack any spread,
    or a denominator whose mean is exactly zero.
    """
    top, bottom = _paired(numerator, denominator)
    if top.size < 2 or not np.isfinite([top, bottom]).all() or bottom.mean() == 0:
        return NO_RATIO
    if not (has_spread(top) or has_spread(bottom)):
        return NO_RATIO
    count, mean = top.size, bottom.mean()
    estimate = float(top.mean() / mean)
    squared_t = special.stdtrit(count - 1, (1 + LEVEL) / 2) ** 2
    # covariance of the means of (numerator - estimate * denominator) and the denominator
    spread = np.cov(np.stack([top - estimate * bottom, bottom])) / count
    curvature = mean**2 - squared_t * spread[1, 1]
    half_slope = squared_t * spread[0, 1]
    discriminant = half_slope**2 + curvature * squared_t * spread[0, 0]
    if discriminant < 0 or curvature == 0:
        return FiellerInterval(estimate, -np.inf, np.inf, bounded=False)
    root = np.sqrt(discriminant)
    first, second = sorted((estimate + (sign * root - half_slope) / curvature) for sign in (-1, 1))
    if curvature < 0:
        return FiellerInterval(estimate, -np.inf, np.inf, False, (float(first), float(second)))
    return FiellerInterval(estimate, float(first), float(second), bounded=True)


def holm(p_values: ArrayLike) -> np.ndarray:
    """Compute Holm-adjusted p-values of one family of tests, in the order given: (tests,).

    NaN marks a test that could not be made: it stays NaN, yet counts in the size of the family,
    which was fixed before the runs.
    """
    from statsmodels.stats.multitest import multipletests

    raw = np.asarray(p_values, dtype=float)
    if raw.size < 2:  # nothing to adjust
        return raw
    missing = np.isnan(raw)
    gc.freeze()  # multipletests collects garbage first, which takes far longer than its work
    try:
        adjusted = np.asarray(multipletests(np.where(missing, 1.0, raw), method="holm")[1])
    finally:
        gc.unfreeze()
    return np.where(missing, np.nan, adjusted)


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"paired samples have shapes {one.shape} and {other.shape}")
    return one, other
