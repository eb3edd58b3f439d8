"""Intervals for held-out rows as well as seeds, by a crossed bootstrap."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from qdistill.judgement.statistics import LEVEL

_DRAWS = 2000


@dataclass(frozen=True)
class CrossedInterval:
    """A ratio of errors, its 95 % limits, and what share of their variance is that of rows."""

    ratio: float
    low: float
    high: float
    rows_share: float


UNDEFINED = CrossedInterval(np.nan, np.nan, np.nan, np.nan)


def draw_crossed(
    shape: tuple[int, ...], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many of S seeds and H rows, of errors (S, H), with replacement, many times.

    Returned is how often each draw takes each seed (S, draws) and each row (H, draws).
    """
    of_rows, of_seeds = (
        generator.multinomial(n, np.full(n, 1 / n), size=_DRAWS).T for n in reversed(shape)
    )
    return of_seeds, of_rows.astype(np.float64)


def crossed_ratio(
    challenger: np.ndarray, baseline: np.ndarray, draws: tuple[np.ndarray, np.ndarray]
) -> CrossedInterval:
    """Compute the geometric mean over seeds of two models' ratio of errors; rows are a sample too.

    All seeds are measured on the same held-out rows, so an interval over seeds alone speaks of
    those rows. Here seeds and rows are both drawn again (Owen, Annals of Applied Statistics 1, 386,
    2007); limits are Student's t with the standard deviation of the draws, so that they are those
    over seeds alone where rows make no difference. Squared errors of each seed on each held-out row
    are (S, H). NaN for fewer than two seeds, and where an error is zero or not finite.
    """
    seeds, (of_seeds, of_rows) = len(challenger), draws
    errors = np.stack([challenger, baseline]).astype(np.float64)
    if seeds < 2 or not np.isfinite(errors).all() or (errors.mean(axis=2) <= 0).any():
        return UNDEFINED
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw may hold only rows without error
        drawn = np.log(errors @ of_rows)  # (2, S, draws)
    logs = drawn[0] - drawn[1]
    spread = np.sqrt(seeds / (seeds - 1)) * ((logs * of_seeds).sum(axis=0) / seeds).std(ddof=1)
    own = np.log(errors.mean(axis=2))
    own = own[0] - own[1]
    reach = stats.t.ppf((1 + LEVEL) / 2, seeds - 1) * spread
    by_rows, by_seeds = logs.mean(axis=0).var(ddof=1), own.var(ddof=1) / seeds
    ratio, low, high = map(float, np.exp(own.mean() + reach * np.array([0.0, -1.0, 1.0])))
    return CrossedInterval(ratio, low, high, float(by_rows / (by_rows + by_seeds)))
