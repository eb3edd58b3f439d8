"""What intervals hold, and log-ratios that change sign at a known n."""

import numpy as np

from qdistill.judgement.statistics import FiellerInterval

SIZES = np.array([50, 100, 200, 500, 1000])


def planted(generator, n_star, noise=0.5, seeds=10):
    """Log-ratios that grow with log n through zero at ``n_star``: (seeds, n)."""
    own = generator.normal(0, noise, (seeds, 1))
    return np.log(SIZES / n_star) + own + generator.normal(0, noise, (seeds, len(SIZES)))


def holds(interval, truth):
    """Whether a value lies in an interval or in a confidence set, which may have a gap."""
    gap = interval.gap if isinstance(interval, FiellerInterval) else None
    return interval.low <= truth <= interval.high and not (gap and gap[0] < truth < gap[1])
