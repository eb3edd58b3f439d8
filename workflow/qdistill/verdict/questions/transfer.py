"""The question whether the student keeps the advantage."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from qdistill.judgement.pairing import Run
from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import compare, relate
from qdistill.verdict.sources import Finding
from qdistill.verdict.students import (
    retained_words,
    student_name,
    where_by_whom,
    why_nothing_to_keep,
    without_advantage,
)
from qdistill.verdict.tables import UNTAUGHT, ProblemTables
from qdistill.wording import (
    at_headline,
    at_sizes,
    enumeration,
    estimate,
    headline,
    headline_size,
    quoted,
    seeds_to_decide,
)

_VERDICTS = ("retained", "partial", "collapsed", "undecided")


def introduce(names: Collection[str]) -> str:
    """Describe the question and the meaning of its answers."""
    text = (
        "Does a classical student keep the advantage of the circuit over the classical baseline? "
        "The retained fraction is 1 at the circuit's error and 0 at the baseline's: *retained* if "
        "its interval lies above 0.8, *collapsed* if below 0.2, *undecided* if it reaches past "
        "both, else *partial*, and *undefined* where no advantage is shown that could be kept."
    )
    if "compiled" in names:
        text += (
            " `compiled` computes the circuit's own outputs with two real matrices: that it "
            "retains everything checks the arithmetic, and is no finding."
        )
    return text


def answer(part: ProblemTables) -> list[Finding]:
    """Describe which students retain how much, and who else does by the same formula."""
    if part.transfer.empty or not {"quantum", "classical"} <= part.names:
        return []
    return [*_kept(part), *_kept_by_others(part), *_nothing_to_keep(part), *_alone(part)]


def _kept(part: ProblemTables) -> list[Finding]:
    """Say what was retained where there was something to retain."""
    table = part.transfer[part.transfer["verdict"] != "undefined"]
    if table.empty:
        return []
    sizes = sorted(table["n"].unique())
    parts = []
    for verdict in _VERDICTS:
        rows = table[table["verdict"] == verdict]
        if len(rows):
            parts.append(_group(part, verdict, rows, sizes))
    text = f"The advantage {at_sizes(sizes, part.sizes)}{_unconfirmed(part, sizes)} is "
    return [Finding(f"{text}{'; '.join(parts)}.", (part.source("transfer", sizes),))]


def _group(part: ProblemTables, verdict: str, rows: pd.DataFrame, sizes: list[int]) -> str:
    """Name who has a verdict at which n, with the lowest and the highest fraction."""
    everyone = set(zip(part.transfer["student"], part.transfer["stage"], strict=True))
    by_sizes: dict[tuple[int, ...], list[Run]] = {}
    for run, own in rows.groupby(["student", "stage"]):
        by_sizes.setdefault(tuple(sorted(own["n"])), []).append(run)  # type: ignore[arg-type]
    groups = sorted(by_sizes.items(), key=lambda item: (-len(item[0]), item[0]))
    text = f"*{verdict}* {where_by_whom(groups, everyone, sizes)}"
    notes = [_range(part, rows)]
    if verdict == "undecided":
        notes.append(seeds_to_decide(rows["seeds_needed"], part.seeds, "decide"))
    return f"{text} ({'; '.join(notes)})"


def _range(part: ProblemTables, rows: pd.DataFrame) -> str:
    """Give the lowest and the highest fraction at one n, and whose they are."""
    here = rows[rows["n"] == headline_size(rows["n"])].sort_values("retained")
    low, high = here.iloc[0], here.iloc[-1]
    words = retained_words(low)
    if len(here) > 1:
        first, last = (student_name(row["student"], row["stage"]) for row in (low, high))
        words = f"{words}, {first}, to {retained_words(high)}, {last}"
    return words + (f", at n = {low['n']}" if len(part.sizes) > 1 else "")


def _kept_by_others(part: ProblemTables) -> list[Finding]:
    """Name the models that never saw the circuit and keep as much."""
    table = part.untaught[part.untaught["verdict"] == "retained"]
    if table.empty:
        return []
    groups: dict[tuple[int, ...], list[pd.DataFrame]] = {}
    for name in UNTAUGHT:
        rows = table[table["student"] == name]
        if len(rows):
            groups.setdefault(tuple(sorted(rows["n"])), []).append(rows)
    parts = []
    for sizes, members in groups.items():
        names = quoted(rows["student"].iloc[0] for rows in members)
        kept = enumeration(retained_words(headline(rows)) for rows in members)
        where = at_headline(headline(members[0]), members[0])
        parts.append(f"{names} {at_sizes(sizes, part.sizes)} ({kept}{where})")
    text = f"Models that never saw the circuit keep more than 0.8 too: {enumeration(parts)}."
    models = (*dict.fromkeys(table["student"]), "classical", "quantum")
    places = sorted(table["n"].unique())
    return [Finding(text, (part.source("metrics", places, model=models),))]


def _nothing_to_keep(part: ProblemTables) -> list[Finding]:
    """Say where and why there is nothing to retain, and what would decide it."""
    findings = []
    sizes = without_advantage(part)
    rows = part.compared("quantum", "classical")
    if sizes:
        rows = rows.loc[[n for n in sizes if n in rows.index]]
        needed = part.transfer[part.transfer["n"].isin(sizes)].groupby("n")["seeds_needed"].min()
        row = headline(rows)
        difference = estimate(row["difference"], row["ci_low"], row["ci_high"])
        notes = [f"quantum - classical = {difference}{at_headline(row, rows)}"]
        is_open = [n for n in sizes if pd.notna(needed[n])]
        if is_open:
            decide = seeds_to_decide(needed[is_open], part.seeds, "show a difference")
            notes.append(decide + ("" if is_open == sizes else f" {at_sizes(is_open, [])}"))
        text = (
            f"It is *undefined* {at_sizes(sizes, part.sizes)}, where `quantum` is not shown to "
            f"beat `classical` ({'; '.join(notes)})."
        )
        quoted = (
            part.source("transfer", sizes, verdict="undefined"),
            part.source("comparisons", sizes, challenger="quantum", baseline="classical"),
        )
        findings.append(Finding(text, quoted))
    for reason, where in why_nothing_to_keep(part):
        text = f"It is *undefined* {at_sizes(where, part.sizes)}: {reason}."
        findings.append(Finding(text, (part.source("transfer", where, verdict="undefined"),)))
    return findings


def _alone(part: ProblemTables) -> list[Finding]:
    """Say what distillation does without any circuit."""
    found = compare(part, "self_distilled", "classical", "distilled")
    found += compare(part, "self_distilled", "distilled_pool", "distilled", "distilled")
    return relate(part, "Distilled without a circuit, `self_distilled` is", found)


def _unconfirmed(part: ProblemTables, sizes: list[int]) -> str:
    """Say at which n the advantage rests on a single test that Holm does not confirm."""
    verdicts = part.compared("quantum", "classical")["verdict"]
    alone = [n for n in sizes if verdicts.get(n) != "better"]
    return f" (not confirmed by Holm's correction {at_sizes(alone, [])})" if alone else ""


QUESTION = Question("Transfer", introduce, answer)
