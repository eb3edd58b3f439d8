"""What comparisons find, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qdistill.verdict.sources import Finding, Source
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import (
    at_sizes,
    enumeration,
    estimate,
    headline_size,
    seeds_in_words,
    seeds_to_decide,
)

# One challenger against several baselines, and several challengers against one baseline.
THAN = {
    "better": "better than {names} {where}",
    "worse": "worse than {names} {where}",
    "not distinguishable": "not distinguishable from {names} {where}",
    "undefined": "not comparable with {names} {where}",
}
ARE = {
    "better": "{names} better {where}",
    "worse": "{names} worse {where}",
    "not distinguishable": "{names} not distinguishable {where}",
    "undefined": "{names} not comparable {where}",
}
_NEGATED = ("not distinguishable", "undefined")


@dataclass(frozen=True)
class Comparison:
    """Comparisons of two models at every n, and where they stand."""

    challenger: str
    baseline: str
    rows: pd.DataFrame
    source: Source


def compare(
    part: ProblemTables,
    challenger: str,
    baseline: str,
    stage: str = "trained",
    against: str = "trained",
) -> list[Comparison]:
    """Find the comparison of two models: one, or none where the problem lacks it.

    Parameters
    ----------
    challenger, baseline : str
        The models.
    stage, against : str
        Their stages.
    """
    rows = part.compared(challenger, baseline, stage, against)
    if rows.empty:
        return []
    where = {"challenger": challenger, "baseline": baseline}
    if stage != "trained":
        where["challenger_stage"] = stage
    found = part.source("comparisons", (), **where)
    return [Comparison(challenger, baseline, rows, found)]


def relate(
    part: ProblemTables,
    lead: str,
    comparisons: Sequence[Comparison],
    phrases: Mapping[str, str] = THAN,
    name: Callable[[Comparison], str] = lambda each: each.baseline,
    brief: bool = False,
) -> list[Finding]:
    """Describe in one sentence what several comparisons find; nothing where there are none.

    Parameters
    ----------
    lead : str
        How the sentence begins.
    phrases : mapping of str to str
        What to say of each verdict, with places for ``names`` and ``where``.
    name : callable
        Which of the two models the phrases name.
    brief : bool
        Put together what is not distinguishable at some n and better or worse at others.
    """
    groups, rest = _grouped(comparisons, phrases, brief)
    parts = []
    for (verdict, sizes), members in groups.items():
        where = at_sizes(sizes, part.sizes, negated=verdict in _NEGATED)
        names = enumeration(f"`{name(each)}`" for each in members)
        said = phrases[verdict].format(names=names, where=where)
        parts.append(f"{said} ({_details(part, verdict, sizes, members)})")
    if rest:
        needed = pd.concat(rest)["seeds_needed"]
        decide = seeds_to_decide(needed, part.seeds, "tell them apart")
        parts.append(f"elsewhere not distinguishable ({decide})")
    if not parts:
        return []
    return [Finding(f"{lead} {'; '.join(parts)}.", tuple(each.source for each in comparisons))]


def _grouped(
    comparisons: Sequence[Comparison], verdicts: Iterable[str], brief: bool
) -> tuple[dict[tuple[str, tuple[int, ...]], list[Comparison]], list[pd.DataFrame]]:
    """Comparisons by verdict and the n at which they have it; what brevity leaves over."""
    groups: dict[tuple[str, tuple[int, ...]], list[Comparison]] = {}
    rest = []
    for verdict in verdicts:
        for each in comparisons:
            hit = each.rows["verdict"] == verdict
            if brief and verdict == "not distinguishable" and hit.any() and not hit.all():
                rest.append(each.rows[hit])
            elif hit.any():
                groups.setdefault((verdict, tuple(each.rows.index[hit])), []).append(each)
    return groups, rest


def relation_words(row: pd.Series, is_error: bool = True) -> str:
    """Describe what a comparison finds of its first model, in errors or in scores."""
    if row["verdict"] == "not distinguishable" and not row["ci_low"] <= 0 <= row["ci_high"]:
        return f"{'worse' if (row['ci_low'] > 0) == is_error else 'better'}, not confirmed"
    return row["verdict"]


def ratio_words(row: pd.Series) -> str:
    """Describe the ratio of a comparison or an attribution with its interval."""
    return estimate(row["ratio"], row["ratio_low"], row["ratio_high"])


def why_undefined(rows: pd.DataFrame) -> str:
    """Describe why comparisons have no limits."""
    if (rows["diverged"] > 0).any():
        return "diverged runs"
    if (rows["seeds"] < 2).any():
        return "there is only one seed"
    return "no spread over the seeds"


def helped_at(comparisons: Sequence[Comparison], verdict: str = "better") -> list[int]:
    """List the n at which every one of several comparisons has a verdict."""
    if not comparisons:
        return []
    found = [set(each.rows.index[each.rows["verdict"] == verdict]) for each in comparisons]
    return sorted(set.intersection(*found))


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


def _ratio(row: pd.Series) -> str:
    words = relation_words(row)
    return ratio_words(row) + (f" {words}" if words.endswith("not confirmed") else "")


def _details(
    part: ProblemTables, verdict: str, sizes: Sequence[int], members: Sequence[Comparison]
) -> str:
    """Ratios at one of the sizes, and what would decide those that are open."""
    rows = pd.concat([each.rows.loc[list(sizes)] for each in members])
    if verdict == "undefined":
        return why_undefined(rows)
    n = headline_size(sizes)
    ratios = enumeration(_ratio(each.rows.loc[n]) for each in members)
    words = f"ratio{'s' if len(members) > 1 else ''} {ratios}"
    words += f" at n = {n}" if len(part.sizes) > 1 and len(sizes) > 1 else ""
    if verdict == "not distinguishable":
        decide = seeds_to_decide(rows["seeds_needed"], part.seeds, "tell them apart")
        words += f"; {decide}"
    return words
