"""What figures take from tables, and what they say of runs in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.wording import counted


def select_problem(
    frame: pd.DataFrame, dataset: str, protocol: str, path: str | Path
) -> pd.DataFrame:
    """Select the rows of one data set and protocol.

    Raises DataError if there is no row, or rows of several numbers of qubits.
    """
    chosen = frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)]
    if chosen.empty:
        pairs = sorted({*zip(frame["dataset"], frame["protocol"], strict=True)})
        found = ", ".join(f"{name} ({way})" for name, way in pairs) or "none"
        wanted = f"data set '{dataset}' under the protocol '{protocol}'"
        raise DataError(f"{path}: no row for {wanted}; it has: {found}")
    if chosen["qubits"].nunique() > 1:
        listed = ", ".join(map(str, sorted(chosen["qubits"].unique())))
        raise DataError(f"{path}: '{dataset}' has {listed} qubits, and a figure shows only one")
    return chosen


def describe_means(runs: pd.DataFrame, words: str = "Mean") -> str:
    """Describe in a sentence what lines and bands show of runs of several seeds."""
    counts = runs.groupby(["model", "n"])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    seeds = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    qubits = " or ".join(str(number) for number in sorted(runs["qubits"].unique()) if number)
    where = f" at {qubits} qubits" if qubits else ""  # none of a width that is no power of two
    bands = "bands: 95 % Student t limits, cut at the lowest seed"
    return f"{words} over {seeds}{where}; {bands}."


def describe_failures(runs: pd.DataFrame, value: str = "heldout_loss") -> list[str]:
    """Describe in sentences which runs diverged or ended too early, so that no figure hides it.

    Those without a finite ``value``, which is what is drawn, are told apart from the others.
    """
    lost = ~np.isfinite(runs[value])
    told = {
        "Not drawn, for runs without a finite error": lost,
        "Drawn, though flagged as diverged": runs["diverged"].astype(bool) & ~lost,
    }
    if "choice_at_edge" in runs:  # of runs themselves, not of what was measured on them
        told["Choice at the edge of the grid"] = runs["choice_at_edge"]
    sentences = []
    for words, hit in told.items():
        groups = runs.assign(hit=runs["seed"].where(hit)).groupby(["model", "n"])
        counts = groups.agg(failed=("hit", "nunique"), seeds=("seed", "nunique")).reset_index()
        sentences += list_cases(words, _cases_of(counts))
    return sentences


def _cases_of(counts: pd.DataFrame) -> Iterator[str]:
    """Say where seeds failed; of a model whose every run did, in one case."""
    for model, own in counts.groupby("model", sort=False):
        if len(own) > 1 and (own["failed"] == own["seeds"]).all():
            yield f"{model} at every n"
            continue
        for row in own[own["failed"] > 0].itertuples():
            yield f"{model} at n = {row.n:,} ({row.failed} of {row.seeds} seeds)"


def list_cases(words: str, cases: Iterable[str] | pd.DataFrame, each: str = "") -> list[str]:
    """Return the sentence "words: one, other." as a list, which is empty if there is no case.

    The cases of a table are its rows, in the format ``each``.
    """
    if isinstance(cases, pd.DataFrame):
        cases = [
            each.format(**row).replace("-", "\N{MINUS SIGN}") for row in cases.to_dict("records")
        ]
    listed = ", ".join(cases)
    return [f"{words}: {listed}."] if listed else []
