"""Equivalence of two models: two one-sided t-tests against margins fixed before the runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qdistill.judgement.statistics import has_spread

NATS = "nats_per_token"


@dataclass(frozen=True)
class Margins:
    """Differences that are too small to matter; key ``equivalence`` of a study."""

    error: float = 0.02  # of the other's error
    accuracy: float = 0.01  # of shares such as recall: a point


MARGINS = Margins()


def scaled_differences(
    values: np.ndarray, others: np.ndarray, loss: str | None, margins: Margins = MARGINS
) -> tuple[np.ndarray, float, float]:
    """Compute differences of two models, one per seed: (seeds,), and how large they may be.

    Of errors they are log-ratios, and the limit is log(1 + ``margins.error``). A bound in nats
    (``loss`` ``nats_per_token``) is the logarithm of a perplexity: its differences are log-ratios
    already, with that same limit. Two per cent of a bound of 6 nats would be 13 % in perplexity,
    and a tenth of what adaptation gains. Where there is no loss, values are shares such as recall,
    and differences may be ``margins.accuracy``. The third number is the margin. Differences are NaN
    or infinite where an error is not finite or has no logarithm.
    """
    with np.errstate(all="ignore"):
        if loss is None:
            return values - others, margins.accuracy, margins.accuracy
        differences = values - others if loss == NATS else np.log(values) - np.log(others)
    return differences, log_limit(margins), margins.error


def log_limit(margins: Margins) -> float:
    """Return the margin of errors as that of their logarithms, or of nats."""
    return float(np.log1p(margins.error))


def equivalence_p(differences: ArrayLike, limit: float) -> float:
    """Compute the p-value of two one-sided t-tests: that a mean is within plus or minus a limit.

    It is below 0.05 exactly where the 90 % Student t interval of the mean lies inside (Schuirmann,
    J. Pharmacokinet. Biopharm. 15, 657, 1987; Lakens, Soc. Psychol. Personal. Sci. 8, 355, 2017).
    The differences are paired, one per seed. NaN for fewer than two seeds, a difference that is not
    finite, or no spread.
    """
    values = np.asarray(differences, dtype=float)
    if values.size < 2 or not np.isfinite(values).all() or not has_spread(values):
        return np.nan
    from statsmodels.stats.weightstats import DescrStatsW

    return float(DescrStatsW(values).ttost_mean(-limit, limit)[0])
