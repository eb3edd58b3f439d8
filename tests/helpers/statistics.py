"""What intervals hold."""

from qdistill.judgement.statistics import FiellerInterval


def holds(interval, truth):
    """Whether a value lies in an interval or in a confidence set, which may have a gap."""
    gap = interval.gap if isinstance(interval, FiellerInterval) else None
    return interval.low <= truth <= interval.high and not (gap and gap[0] < truth < gap[1])
