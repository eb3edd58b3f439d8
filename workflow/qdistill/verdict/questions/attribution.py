"""The question whose advantage it is."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from qdistill.study.registry import ENTRIES
from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import compare, ratio_words, relate
from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import (
    at_headline,
    at_sizes,
    counted,
    enumeration,
    headline,
    quoted,
    seeds_to_decide,
)

# What each control takes out of the circuit model.
REMOVED = {name: entry.removes for name, entry in ENTRIES.items() if entry.removes}


def introduce(names: Collection[str]) -> str:
    """Describe the question and the meaning of its answers."""
    text = (
        "Is an advantage of the circuit model its own? It is *distinct* if the model beats every "
        "rival without a trained entangling circuit, *not distinct* if the simplest of them, or a "
        "baseline, does as well or better, and *undefined* if a rival that the test needs is "
        "missing or could not be compared."
    )
    found = [f"`{name}` {what}" for name, what in REMOVED.items() if name in names]
    if found:  # the verb stands with the first one alone
        found[0] = found[0].replace(" ", " takes out ", 1)
        text += f" Of the controls, {enumeration(found)}."
    return text


def answer(part: ProblemTables) -> list[Finding]:
    """Find the simplest model that does as well, and what taking parts out changes."""
    if part.attribution.empty:
        return []
    controls = [each for name in REMOVED for each in compare(part, "quantum", name)]
    return [
        *_distinct(part),
        *_matched(part),
        *_undefined(part),
        *relate(part, "Beside the controls `quantum` is", controls),
        *relate(
            part,
            "Each tuned inside the n examples, `quantum_tuned` is",
            compare(part, "quantum_tuned", "linear_tuned"),
        ),
    ]


def simplest(part: ProblemTables, brief: bool = False) -> str:
    """Find the simplest model that does as well, and where.

    Parameters
    ----------
    brief : bool
        Leave out ratios and seeds.
    """
    rows = part.attribution[part.attribution["verdict"] == "not distinct"]
    groups: dict[tuple[str, str], pd.DataFrame] = {
        (str(name), str(relation)): own
        for (name, relation), own in rows.groupby(["simplest", "relation"], sort=False)
    }
    parts = []
    for (name, relation), own in groups.items():
        where = at_sizes(list(own["n"]), part.sizes)
        how = "which is better" if relation == "worse" else "not distinguishable"
        row = headline(own)
        notes = [] if brief else [f"ratio {ratio_words(row)}{at_headline(row, own)}"]
        if relation != "worse" and not brief:
            compared = part.compared("quantum", name).loc[list(own["n"]), "seeds_needed"]
            notes.append(seeds_to_decide(compared, part.seeds, "tell them apart"))
        parts.append(f"`{name}` {where} ({'; '.join([how, *notes])})")
    return enumeration(parts)


def _matched(part: ProblemTables) -> list[Finding]:
    rows = part.attribution[part.attribution["verdict"] == "not distinct"]
    if rows.empty:
        return []
    where = at_sizes(list(rows["n"]), part.sizes)
    text = (
        f"*Not distinct* {where}: the simplest that `quantum` is not shown to beat is "
        f"{simplest(part)}."
    )
    return [Finding(text, _sources(part, rows, rows["simplest"]))]


def _distinct(part: ProblemTables) -> list[Finding]:
    rows = part.attribution[part.attribution["verdict"] == "distinct"]
    if rows.empty:
        return []
    row = headline(rows)
    rivals = row["rivals"].split(", ")
    here = pd.concat([part.compared("quantum", name).loc[[row["n"]]] for name in rivals])
    closest = here.loc[here["ratio"] == here["ratio"].max()].iloc[0]
    text = (
        f"*Distinct* {at_sizes(list(rows['n']), part.sizes)}: `quantum` beats each of "
        f"{counted(len(rivals), 'rival')}, the closest being `{closest['baseline']}` (ratio "
        f"{ratio_words(closest)}{at_headline(row, rows)})."
    )
    return [Finding(text, _sources(part, rows, rivals))]


def _undefined(part: ProblemTables) -> list[Finding]:
    rows = part.attribution[part.attribution["verdict"] == "undefined"]
    findings = []
    for missing, own in rows.groupby("missing", sort=False):
        sizes = list(own["n"])
        where = at_sizes(sizes, part.sizes)
        if missing:
            why = (
                f"it needs {quoted(str(missing).split(', '))}, which the study does not hold here; "
                "more seeds do not replace that"
            )
            sources = _sources(part, own, [])
        else:
            failed = _not_compared(part, own)
            why = f"{quoted(failed)} could not be compared; more seeds do not mend that"
            sources = _sources(part, own, failed)
        findings.append(Finding(f"*Undefined* {where}: {why}.", sources))
    return findings


def _not_compared(part: ProblemTables, rows: pd.DataFrame) -> list[str]:
    """Rivals whose comparison is undefined at one of some n."""
    names = [name for rivals in rows["rivals"] for name in rivals.split(", ") if name]
    sizes = list(rows["n"])
    return [
        name
        for name in dict.fromkeys(names)
        if (part.compared("quantum", name).loc[sizes, "verdict"] == "undefined").any()
    ]


def _sources(part: ProblemTables, rows: pd.DataFrame, names: Collection[str]) -> tuple:
    sizes = [int(n) for n in rows["n"]]
    found = [part.source("attribution", sizes)]
    if len(names):
        baselines = list(dict.fromkeys(names))
        found.append(part.source("comparisons", sizes, challenger="quantum", baseline=baselines))
    return tuple(found)


QUESTION = Question("Attribution", introduce, answer)
