"""What figures show of a table: means over seeds with Student t limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from qdistill.errors import DataError
from qdistill.judgement.statistics import LEVEL
from qdistill.storage.tables import read_frame


def select_problem(
    frame: pd.DataFrame, dataset: str, protocol: str, path: str | Path
) -> pd.DataFrame:
    """Select the rows of one data set and protocol, which must be there with one qubit count.

    Parameters
    ----------
    frame : DataFrame
        With columns ``dataset``, ``protocol`` and ``qubits``.

    Raises
    ------
    DataError
        If there is no row, or rows with different numbers of qubits.
    """
    chosen = frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)]
    if chosen.empty:
        pairs = sorted(set(zip(frame["dataset"], frame["protocol"], strict=True)))
        found = ", ".join(f"{name} ({way})" for name, way in pairs) or "none"
        raise DataError(
            f"{path}: no row for data set '{dataset}' under the protocol '{protocol}'; "
            f"it has: {found}"
        )
    qubits = sorted(chosen["qubits"].unique())
    if len(qubits) > 1:
        listed = ", ".join(map(str, qubits))
        raise DataError(
            f"{path}: data set '{dataset}' has {listed} qubits, and a figure shows only one"
        )
    return chosen


def read_problem(kind: str, path: str | Path, dataset: str, protocol: str) -> pd.DataFrame:
    """Read the rows of one data set and protocol as :func:`select_problem` selects them."""
    return select_problem(read_frame(kind, path), dataset, protocol, path)


def summarise_seeds(
    frame: pd.DataFrame, value: str, by: Sequence[str], level: float = LEVEL
) -> pd.DataFrame:
    """Compute the mean over seeds with Student t limits, one row for each group.

    As in :func:`qdistill.judgement.statistics.paired_interval`, a run without a finite value
    is never dropped: it leaves its group without a mean. This one is computed for all groups
    at once.

    Parameters
    ----------
    frame : DataFrame
        One row for each seed of each group.
    value : str
        The column to average.
    by : sequence of str
        The columns that make a group.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        Columns ``by``, then ``mean``, ``low``, ``high`` (NaN where undefined; limits are
        also NaN for fewer than two seeds), ``seeds`` and ``not_finite``, the number of runs
        without a finite value.
    """
    numbers = frame.assign(**{value: frame[value].where(np.isfinite(frame[value]))})
    groups = numbers.groupby(list(by), sort=True)[value]
    seeds, finite = groups.size(), groups.count()
    mean = groups.mean().where(finite == seeds)
    spread = groups.std(ddof=1).where(finite == seeds)
    half = special.stdtrit(np.maximum(seeds - 1, 1), (1 + level) / 2) * spread / np.sqrt(seeds)
    return pd.DataFrame(
        {
            "mean": mean,
            "low": mean - half,
            "high": mean + half,
            "seeds": seeds,
            "not_finite": seeds - finite,
        }
    ).reset_index()


def describe_failures(runs: pd.DataFrame, value: str = "heldout_mse") -> list[str]:
    """Describe in sentences which runs diverged or ended too early, so that no figure hides it.

    Parameters
    ----------
    runs : DataFrame
        Rows of the contract "metrics" of one data set.
    value : str
        The column that is drawn.
    """
    lost = ~np.isfinite(runs[value])
    flagged = runs["diverged"].astype(bool) & ~lost
    told = [
        (lost, "Not drawn, for runs without a finite error"),
        (flagged, "Drawn, though flagged as diverged"),
    ]
    if "still_improving" in runs:  # of runs themselves, not of what was measured on them
        told.append((runs["still_improving"], "Still improving at the most steps"))
    sentences = []
    seeds = runs.groupby(["model", "n"])["seed"].nunique()
    for hit, words in told:
        counts = runs[hit].groupby(["model", "n"])["seed"].nunique()
        cases = (
            f"{m} at n = {n:,} ({count} of {seeds[m, n]} seeds)" for (m, n), count in counts.items()
        )
        sentences += list_cases(words, cases)
    return sentences


def list_cases(words: str, cases: Iterable[str]) -> list[str]:
    """Return the sentence "words: one, other." as a list, which is empty if there is no case."""
    listed = ", ".join(cases)
    return [f"{words}: {listed}."] if listed else []


def seeds_in_words(runs: pd.DataFrame) -> str:
    """Describe how many seeds a table has, such as "10 seeds" (or "8 to 10 seeds")."""
    counts = runs.groupby([c for c in ("model", "n") if c in runs])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    number = str(high) if low == high else f"{low} to {high}"
    return f"{number} seed" if number == "1" else f"{number} seeds"
