"""Trainings that were ended while their cross-validated error was still falling."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qdistill.verdict.sources import Finding, source
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import at_sizes, counted, enumeration, seeds_in_words


def still_improving(parts: Sequence[ProblemTables]) -> list[Finding]:
    """Count over all problems the runs that more steps might have improved.

    Returns
    -------
    list of Finding
        None if every training went on for long enough.
    """
    runs = pd.concat([part.metrics for part in parts])
    counts = runs.loc[runs["still_improving"], "model"].value_counts()
    if counts.empty:
        return []
    by_model = enumeration(f"`{model}` ({count:,})" for model, count in counts.items())
    text = (
        f"{counted(counts.sum(), 'run')} ended at the most steps that the study allows, with a "
        f"cross-validated error that was still falling: {by_model}. Longer training might lower "
        "their errors."
    )
    return [Finding(text, (source("metrics", still_improving=True),))]


def improving_words(part: ProblemTables, models: Sequence[str]) -> str:
    """Describe which of some models was still improving when its training ended, or nothing.

    Parameters
    ----------
    models : sequence of str
        The models that are compared.
    """
    rows = part.metrics[part.metrics["still_improving"]]
    said = []
    for model in models:
        counts = rows[rows["model"] == model].groupby("n").size().sort_index()
        if len(counts):
            low, high = counts.min(), counts.max()
            span = f"{high}" if low == high else f"{low} to {high}"
            where = at_sizes([int(n) for n in counts.index], part.sizes)
            said.append(
                f"`{model}` was still improving at its last step {where} "
                f"({span} of {seeds_in_words(part.seeds)})"
            )
    return enumeration(said)
