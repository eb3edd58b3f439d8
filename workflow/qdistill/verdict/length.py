"""Trainings that were ended while their cross-validated error was still falling."""

from __future__ import annotations

from collections.abc import Sequence

from qdistill.verdict.sources import Finding, source
from qdistill.verdict.tables import ProblemTables
from qdistill.verdict.words import at_sizes, counted, enumeration, seeds_in_words


def still_improving(parts: Sequence[ProblemTables]) -> list[Finding]:
    """Count over all problems the runs that more steps might have improved.

    Parameters
    ----------
    parts : sequence of ProblemTables

    Returns
    -------
    list of Finding
        None if every training went on for long enough.
    """
    counts: dict[str, int] = {}
    for part in parts:
        for model in part.metrics.loc[part.metrics["still_improving"], "model"]:
            counts[model] = counts.get(model, 0) + 1
    if not counts:
        return []
    by_model = enumeration(
        f"`{model}` ({count:,})" for model, count in sorted(counts.items(), key=lambda kv: -kv[1])
    )
    runs = counted(sum(counts.values()), "run")
    text = (
        f"{runs} ended at the most steps that the study allows, with a cross-validated error that "
        f"was still falling: {by_model}. Longer training might lower their errors."
    )
    return [Finding(text, (source("metrics", still_improving=True),))]


def improving_words(part: ProblemTables, models: Sequence[str], sizes: Sequence[int]) -> str:
    """Say which of some models was still improving when its training ended, or nothing.

    Parameters
    ----------
    part : ProblemTables
    models : sequence of str
        The models that are compared.
    sizes : sequence of int
        The n at which they are.
    """
    rows = part.metrics[part.metrics["still_improving"] & part.metrics["n"].isin(list(sizes))]
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
