"""The answers in short: one sentence for each problem, the controls first."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model
from qdistill.study.registry import AUTO, contenders
from qdistill.verdict.questions.attribution import simplest
from qdistill.verdict.relations import improving_words, ratio_words
from qdistill.verdict.sources import Finding, bullet, join, source
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import (
    at_headline,
    at_sizes,
    capitalised,
    counted,
    enumeration,
    headline,
    quoted,
)


def in_short(parts: Sequence[ProblemTables]) -> list[str]:
    """List for every problem whether there is an advantage and whose it is.

    Parameters
    ----------
    parts : sequence of ProblemTables
        In the order in which they are to be told, controls first.
    """
    controls = [part for part in parts if part.problem.is_control]
    others = [part for part in parts if not part.problem.is_control]
    overall = [bullet(finding) for finding in _over_all(others)]
    return [
        *(bullet(short_answer(part), part.problem.label) for part in controls),
        *overall,
        *(bullet(short_answer(part), part.problem.label) for part in others),
        *(bullet(finding) for finding in _still_improving(parts)),
        bullet(_diverged(parts)),
    ]


def short_answer(part: ProblemTables) -> Finding:
    """Describe whether there is an advantage over the baseline, whose, and which model to use."""
    found = [*_control(part), *_advantage(part), *_owner(part)]
    if not found:
        nothing = "no answer, as the models that it takes are not in the study"
        found = [Finding(nothing, (part.source("metrics"),))]
    if not part.problem.is_control:
        found += recommend(part)
    text = "; ".join(finding.text for finding in found)
    return Finding(f"{capitalised(text)}.", join(found).sources)


def recommend(part: ProblemTables) -> list[Finding]:
    """Choose a model at each n by the rule of ``deploy`` with ``model: auto``.

    The mean, which has no codes to deploy, is a candidate here: nothing may be worth using.
    Nothing is chosen from a single candidate or seed, or where every candidate diverged.
    """
    candidates = [*({"mean"} & part.names), *contenders(part.names)]
    if len(candidates) < 2 or part.seeds < 2:
        return []
    chosen: dict[str, list[int]] = {}
    for n in part.sizes:
        rows = part.metrics[part.metrics["n"] == n]
        try:
            name = choose_model(rows, AUTO, candidates).name
        except DataError:  # each candidate has a diverged run
            continue
        chosen.setdefault(name, []).append(n)
    if not chosen:
        return []
    names = enumeration(f"`{name}` {at_sizes(sizes, part.sizes)}" for name, sizes in chosen.items())
    text = f"the simplest model that does as well as the best, as far as the seeds tell, is {names}"
    return [Finding(text, (part.source("metrics", model=list(chosen)),))]


def _control(part: ProblemTables) -> list[Finding]:
    """Say of a control whether the instrument gives the planted answer."""
    table = part.attribution
    if not part.problem.is_control or table.empty:
        return []
    distinct = _sizes(table, "distinct")
    where = at_sizes(distinct, part.sizes)
    if (table["verdict"] == "undefined").all():
        text = "whether the instrument gives the planted answer cannot be said"
    elif part.problem.is_positive:
        text = "the instrument does **not** find the planted advantage"
        if distinct:
            text = f"the instrument finds the planted advantage (*distinct*) {where}"
            text += _compiled(part, distinct)
    else:
        text = "the instrument does not claim the planted null for the circuit"
        if distinct:
            text = (
                f"**the instrument claims the planted null for the circuit {where}**: distrust it"
            )
    sources = [part.source("attribution")]
    if "`compiled`" in text:
        sources.append(part.source("transfer", distinct, student="compiled"))
    return [Finding(text, tuple(sources))]


def _compiled(part: ProblemTables, sizes: list[int]) -> str:
    rows = part.transfer[part.transfer["student"] == "compiled"]
    kept = [n for n in _sizes(rows, "retained") if n in sizes]
    if not kept:
        return ""
    return f", and `compiled` retains it{'' if kept == sizes else ' ' + at_sizes(kept, [])}"


def _advantage(part: ProblemTables) -> list[Finding]:
    """Say where the circuit model beats the classical baseline."""
    rows = part.compared("quantum", "classical")
    if rows.empty:
        return []
    better = sorted(rows.index[rows["verdict"] == "better"])
    rest = [n for n in rows.index if n not in better]
    row = headline(rows.loc[better] if better else rows)
    ratio = f"(ratio {ratio_words(row)}{at_headline(row, rows)})"
    text = f"`quantum` beats `classical` at no n {ratio}"
    if better:
        text = f"`quantum` beats `classical` {at_sizes(better, part.sizes)} {ratio}"
        text += f", not {at_sizes(rest, [])}" if rest else ""
    sources = [part.source("comparisons", challenger="quantum", baseline="classical")]
    doubt = improving_words(part, ("classical", "quantum"))
    if doubt:
        text += f", though {doubt}"
        sources.append(part.source("metrics", model=["classical", "quantum"], still_improving=True))
    return [Finding(text, tuple(sources))]


def _owner(part: ProblemTables) -> list[Finding]:
    """Say whether an advantage is the circuit's own."""
    table = part.attribution
    if table.empty:
        return []
    distinct, undefined = _sizes(table, "distinct"), _sizes(table, "undefined")
    texts = []
    if distinct and not part.problem.is_positive:
        texts.append(f"distinct, the circuit's own, {at_sizes(distinct, part.sizes)}")
    matched = _sizes(table, "not distinct")
    if matched:
        where = "" if set(matched) == set(part.sizes) else f" {at_sizes(matched, [])}"
        texts.append(f"not distinct{where}: not shown to beat {simplest(part, brief=True)}")
    if undefined:
        texts.append(f"whether it is the circuit's own is undefined {_why(part, table, undefined)}")
    return [Finding("; ".join(texts), (part.source("attribution"),))] if texts else []


def _why(part: ProblemTables, table: pd.DataFrame, sizes: list[int]) -> str:
    missing = table.loc[table["verdict"] == "undefined", "missing"].iloc[0]
    where = at_sizes(sizes, part.sizes)
    if missing:
        return f"{where}, as the study does not hold {quoted(missing.split(', '))} here"
    return f"{where}, as a rival could not be compared"


def _over_all(parts: Sequence[ProblemTables]) -> list[Finding]:
    """Count over all problems whose answer was not planted."""
    held = [part for part in parts if len(part.attribution)]
    if len(held) < 2:
        return []
    conditions = sum(len(part.attribution) for part in held)
    distinct = sum(len(_sizes(part.attribution, "distinct")) for part in held)
    rows = [part.compared("quantum", "classical") for part in held]
    better = sum(int((each["verdict"] == "better").sum()) for each in rows)
    sources = [part.source("attribution") for part in held]
    text = f"In {conditions} conditions (a problem at one n, controls left out) "
    if any(len(each) for each in rows):
        text += f"`quantum` beats `classical` in {better}; "
        sources += [
            part.source("comparisons", challenger="quantum", baseline="classical")
            for part, each in zip(held, rows, strict=True)
            if len(each)
        ]
    text += f"an advantage that is the circuit's own is shown in {distinct}."
    return [Finding(text, tuple(sources))]


def _still_improving(parts: Sequence[ProblemTables]) -> list[Finding]:
    """Count over all problems the runs that more steps might have improved."""
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


def _diverged(parts: Sequence[ProblemTables]) -> Finding:
    """Count diverged runs."""
    runs = sum(len(part.metrics) for part in parts)
    count = sum(int(part.metrics["diverged"].sum()) for part in parts)
    words = f"{counted(count, 'run')} of {runs:,} diverged; none is left out."
    text = words if count else f"None of {counted(runs, 'run')} diverged."
    return Finding(text, (source("metrics", diverged=bool(count)),))


def _sizes(table: pd.DataFrame, verdict: str) -> list[int]:
    return sorted(int(n) for n in table.loc[table["verdict"] == verdict, "n"])
