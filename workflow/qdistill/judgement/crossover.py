"""Where one model overtakes another as the number of labelled examples n grows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import special

from qdistill.errors import DataError
from qdistill.judgement.pairing import PROBLEM, check_same_seeds, runs_of
from qdistill.judgement.statistics import LEVEL, has_spread
from qdistill.storage.tables import make_frame
from qdistill.study.registry import FITTED

POINTS_PER_SEGMENT = 1000  # of the log grid between two measured n
_CHALLENGER = "quantum"


@dataclass(frozen=True)
class Crossover:
    """One crossing, or the statement that there is none to be had.

    Verdicts are

    - ``crossover``: the mean log-ratio changes sign once. The interval is the
      connected set of n around ``n_star`` at which the paired t-test does not reject
      a log-ratio of zero. Where that set reaches an end of the grid, its limit there is 0
      or infinity.
    - ``several``: more than one change of sign. Entries whose intervals coincide are
      not told apart by these seeds: noise around a small difference looks like this.
    - ``none``: no change of sign, and the test rejects at both ends of the grid.
      Nothing is said of n beyond the grid.
    - ``outside grid``: no change of sign, and at one end at least the test does not
      reject, so that the order may turn there or beyond. The interval is the set of n
      not rejected that reaches that end; from 0 to infinity if it is both ends.
    - ``undefined``: fewer than two n or two seeds, an error that is zero or not finite,
      no difference at any seed at some n, or no n at all at which the test rejects: no
      order has been shown anywhere, so no change of order either.
    """

    verdict: str
    n_star: float = np.nan  # where the mean log-ratio changes sign; NaN if nowhere
    low: float = np.nan  # limits in n; 0 or infinity where the grid of n sets none on that side
    high: float = np.nan
    # Of the mean log-ratio just below n_star, or over the whole grid; 0 if undefined.
    sign_below: int = 0


def find_crossovers(sizes: np.ndarray, log_ratios: np.ndarray) -> list[Crossover]:
    """Locate each change of sign of a mean paired log-ratio along n; one entry if there is none.

    Each seed's log-ratio is interpolated linearly in log n between the measured n, which is
    exact for errors that are powers of n. The interval is over seeds alone: it leaves out how
    far the true curve between two measured n is from that line, and that other held-out rows
    would give other errors, so n* is known less well than a narrow interval says.

    In simulations of a planted crossover with 5, 10 and 20 seeds the interval covers 0.95 where
    the seeds show an order at both ends of the grid. Where they hardly do, it still covers
    0.95 if ``undefined`` is read as every n, but less among the answers that name a place:
    0.87, 0.92 and 0.94 with noise so large that 59, 32 and 5 % of the answers are
    ``undefined``.

    Parameters
    ----------
    sizes : ndarray, shape (k,)
        The measured n, ascending.
    log_ratios : ndarray, shape (seeds, k)
        Logarithms of one model's held-out error over another's, paired by seed.
    """
    sizes, log_ratios = np.asarray(sizes, dtype=float), np.asarray(log_ratios, dtype=float)
    seeds, count = log_ratios.shape
    usable = count > 1 and seeds > 1 and np.isfinite(log_ratios).all()
    if not usable or not all(has_spread(each) or each.any() for each in log_ratios.T):
        return [Crossover("undefined")]
    nodes = np.log(sizes)
    crossings = _sign_changes(nodes, log_ratios.mean(axis=0))
    segments = [np.linspace(a, b, POINTS_PER_SEGMENT + 1) for a, b in pairwise(nodes)]
    grid = np.unique(np.concatenate([*segments, [place for place, _ in crossings]]))
    kept = ~_rejected(nodes, log_ratios, grid)
    if kept[np.searchsorted(grid, nodes)].all():
        return [Crossover("undefined")]
    if not crossings:
        return [_without_crossing(grid, kept, int(np.sign(log_ratios.mean(axis=0)).sum()))]
    verdict = "crossover" if len(crossings) == 1 else "several"
    found = []
    for place, sign_below in crossings:
        low, high = _connected(grid, kept, int(np.searchsorted(grid, place)))
        found.append(Crossover(verdict, float(np.exp(place)), low, high, sign_below))
    return found


def locate_crossovers(metrics: pd.DataFrame) -> pd.DataFrame:
    """Locate the crossovers of ``quantum`` with every classical model and with PCA.

    The table is by the contract "crossover", one row per change of sign (see
    :func:`find_crossovers`) at each data set and protocol. ``ahead_below`` names the model with the
    lower error, by geometric mean, just below ``n_star``, or over the whole grid where there is no
    change of sign. Raises DataError if a seed or an n has one of two paired models alone.
    """
    trained = metrics[metrics["stage"] == "trained"]
    rows = []
    for problem, part in trained.groupby(list(PROBLEM), sort=True):
        if not (part["model"] == _CHALLENGER).any():
            continue
        wanted = (part["family"] == "classical") | part["model"].isin(FITTED)
        for baseline in sorted(set(part.loc[wanted, "model"])):
            sizes, log_ratios = _log_ratios(part, baseline)
            rows += [
                {
                    **dict(zip(PROBLEM, problem, strict=True)),
                    "challenger": _CHALLENGER,
                    "baseline": baseline,
                    "seeds": len(log_ratios),
                    "ahead_below": {-1: _CHALLENGER, 0: None, 1: baseline}[found.sign_below],
                    "n_star": found.n_star,
                    "ci_low": found.low,
                    "ci_high": found.high,
                    "verdict": found.verdict,
                }
                for found in find_crossovers(sizes, log_ratios)
            ]
    return make_frame("crossover", rows)


def _log_ratios(part: pd.DataFrame, baseline: str) -> tuple[np.ndarray, np.ndarray]:
    """Measured n, and log(challenger / baseline) as (seeds, n); not finite where an error is 0."""
    pair = (_CHALLENGER, "trained"), (baseline, "trained")
    columns, first_seeds = [], None
    sizes = np.sort(part["n"].unique())
    for n in sizes:
        condition = part[part["n"] == n]
        ours, theirs = (runs_of(condition, *run) for run in pair)
        check_same_seeds(condition, ours.index, theirs.index, pair)
        first_seeds = ours.index if first_seeds is None else first_seeds
        if not ours.index.equals(first_seeds):
            lost = first_seeds.symmetric_difference(ours.index)[0]
            where = ", ".join(f"{key} = {part[key].iloc[0]}" for key in PROBLEM)
            raise DataError(
                f"metrics table at {where}: seed {lost} of "
                f"{_CHALLENGER} is at only one of n = {sizes[0]} and n = {n}, and a crossover "
                "needs it at both"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = [np.log(runs["heldout_loss"].to_numpy()) for runs in (ours, theirs)]
            columns.append(logs[0] - logs[1])
    return sizes, np.stack(columns, axis=1)


def _sign_changes(nodes: np.ndarray, mean: np.ndarray) -> list[tuple[float, int]]:
    """Places in log n where the interpolated mean changes sign, and the sign before each.

    A node at which the mean is exactly zero is a place if the signs around it differ.
    """
    signed = np.flatnonzero(mean)
    places = []
    for left, right in pairwise(signed):
        if mean[left] * mean[right] < 0:
            if right == left + 1:
                share = mean[left] / (mean[left] - mean[right])
                place = nodes[left] + share * (nodes[right] - nodes[left])
            else:
                place = nodes[left + 1]
            places.append((float(place), int(np.sign(mean[left]))))
    return places


def _rejected(nodes: np.ndarray, log_ratios: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Whether the paired t-test rejects a log-ratio of zero at each point of the grid."""
    values = np.stack([np.interp(grid, nodes, row) for row in log_ratios])
    seeds = len(values)
    critical = special.stdtrit(seeds - 1, (1 + LEVEL) / 2)
    standard_error = values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return np.abs(values.mean(axis=0)) > critical * standard_error


def _connected(grid: np.ndarray, kept: np.ndarray, start: int) -> tuple[float, float]:
    """Limits in n of the connected run of kept points around one of them."""
    dropped = np.flatnonzero(~kept)
    before, after = dropped[dropped < start], dropped[dropped > start]
    low = float(np.exp(grid[before[-1] + 1])) if len(before) else 0.0
    high = float(np.exp(grid[after[0] - 1])) if len(after) else np.inf
    return low, high


def _without_crossing(grid: np.ndarray, kept: np.ndarray, sign: int) -> Crossover:
    sign = int(np.sign(sign))
    if not (kept[0] or kept[-1]):
        return Crossover("none", sign_below=sign)
    low = 0.0 if kept[0] else _connected(grid, kept, len(grid) - 1)[0]
    high = np.inf if kept[-1] else _connected(grid, kept, 0)[1]
    return Crossover("outside grid", np.nan, low, high, sign)
