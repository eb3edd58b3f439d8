"""The question whether any code is good for more than reconstruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from qdistill.judgement.pairing import Run
from qdistill.judgement.statistics import paired_interval
from qdistill.study.registry import ENTRIES, RAW, STUDENTS
from qdistill.verdict.questions.base import Question
from qdistill.verdict.relations import relation_words, why_undefined
from qdistill.verdict.sources import Finding
from qdistill.verdict.students import name_students, run_name
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import (
    at_sizes,
    counted,
    enumeration,
    estimate,
    headline_size,
    seeds_to_decide,
)

_BASELINES = {"pca": "PCA codes of the same n rows", RAW: "the full vectors"}
_METRICS = {"cosine": "cosine similarity", "euclidean": "Euclidean distance"}


def introduce(names: Collection[str]) -> str:
    """Describe the question and what is measured."""
    return (
        "Does any code serve better, on held-out rows, than PCA codes or the full vectors? "
        "*Recall@k* is the share of a row's k nearest neighbours in the full vectors that are "
        "among its k nearest in the codes, z, that a bottleneck hands to its decoder. The *probe* "
        "names the class with the nearest centroid, given a few examples of each. Nearness is "
        "cosine similarity for text, Euclidean distance elsewhere. Differences are paired by "
        "seed, higher being better, and Holm's correction counts all codes compared with one "
        "baseline."
    )


def answer(part: ProblemTables) -> list[Finding]:
    """Compare the codes of circuits and their students, and of others, with both baselines."""
    if part.downstream.empty:
        return []
    return [*_recall(part), *_probe(part)]


def _recall(part: ProblemTables) -> list[Finding]:
    first = part.downstream.iloc[0]
    name = f"recall@{first['neighbours']}"
    lead = f"Neighbours by {_METRICS[first['metric']]} among {first['queries']:,} rows, {name}: "
    return [*_levels(part, lead, "recall", ("pca",)), *_against(part, "recall", "pca", name)]


def _probe(part: ProblemTables) -> list[Finding]:
    first = part.downstream.iloc[0]
    if pd.notna(first["probe_undefined"]):
        text = f"The probe is *undefined*: {first['probe_undefined']}."
        return [Finding(text, (part.source("downstream", model=RAW),))]
    guess, often = 1 / first["classes"], first["probe_chance"]
    lead = (
        f"Probe of {first['classes']} classes, {counted(first['examples_per_class'], 'example')} "
        f"of each, on {first['probe_rows']:,} rows (guessing is right in {guess:.3g} of them, "
        f"always naming the most frequent class in {often:.3g}), accuracy: "
    )
    findings = _levels(part, lead, "probe_accuracy", (RAW, "pca"))
    for baseline in _BASELINES:
        findings += _against(part, "probe_accuracy", baseline, "accuracy")
    return findings


def _levels(part: ProblemTables, lead: str, measure: str, names: Sequence[str]) -> list[Finding]:
    """Give the mean of the baselines, and of the circuit beside them, with intervals."""
    n = headline_size(part.sizes)
    rows = part.downstream[part.downstream["n"] == n]
    shown = [name for name in (*names, "quantum") if name in set(rows["model"])]
    if not shown:
        return []
    words = []
    for name in shown:
        interval = paired_interval(rows.loc[rows["model"] == name, measure])
        words.append(f"`{name}` {estimate(interval.estimate, interval.low, interval.high)}")
    text = f"{lead}{enumeration(words)} at n = {n}."
    return [Finding(text, (part.source("downstream", [n], model=shown),))]


def _against(part: ProblemTables, measure: str, baseline: str, name: str) -> list[Finding]:
    """Say which codes are better than a baseline: circuits and students first, then the others."""
    table = part.downstream_comparisons
    table = table[(table["measure"] == measure) & (table["baseline"] == baseline)]
    is_of_circuit = table["challenger"].map(_is_of_circuit).astype(bool)
    findings = []
    for rows, who in (
        (table[is_of_circuit], "{codes} of circuits and their students"),
        (table[~is_of_circuit], "other {codes}"),
    ):
        if len(rows):
            findings.append(_group(part, rows, measure, baseline, who, name))
    return findings


def _is_of_circuit(name: str) -> bool:
    """Whether a code comes from a circuit, or from a layer taught by one."""
    return ENTRIES[ENTRIES[name].teacher or name].family == "quantum"


def _group(
    part: ProblemTables, rows: pd.DataFrame, measure: str, baseline: str, who: str, name: str
) -> Finding:
    """Say of a group of codes which are better, and how near the best of the others comes."""
    runs = rows[["challenger", "challenger_stage"]].drop_duplicates()
    group = who.format(codes="code" if len(runs) == 1 else "codes")
    text = f"Of {len(runs)} {group}, {_better(part, rows)} than {_BASELINES[baseline]}"
    n = headline_size(rows["n"])
    here = rows[(rows["n"] == n) & rows["difference"].notna()]
    if len(here):
        best = here.loc[here["difference"].idxmax()]
        gap = estimate(best["difference"], best["ci_low"], best["ci_high"])
        whose = run_name(best["challenger"], best["challenger_stage"])
        text += (
            f"; the highest{f' at n = {n}' if len(part.sizes) > 1 else ''} is {whose} ({name} "
            f"{best['mean_challenger']:.3g}, difference {gap}, {relation_words(best, False)})"
        )
    text += _open(part, rows)
    where = {"measure": measure, "baseline": baseline}
    challengers = sorted(rows["challenger"].unique())
    found = part.source("downstream_comparisons", (), **where, challenger=challengers)
    return Finding(f"{text}.", (found,))


def _better(part: ProblemTables, rows: pd.DataFrame) -> str:
    """Name the codes that are shown to be better, and where."""
    better = rows[rows["verdict"] == "better"]
    groups: dict[tuple[int, ...], list[Run]] = {}
    for run, own in better.groupby(["challenger", "challenger_stage"], sort=False):
        groups.setdefault(tuple(sorted(own["n"])), []).append(run)  # type: ignore[arg-type]
    if not groups:
        return "none is shown to be better"
    everyone = set(zip(rows["challenger"], rows["challenger_stage"], strict=True))
    words = [f"{_named(runs, everyone)} {at_sizes(n, part.sizes)}" for n, runs in groups.items()]
    count = better["challenger"].nunique()
    return f"{count} {'is' if count == 1 else 'are'} shown to be better, {'; '.join(words)},"


def _named(runs: Sequence[Run], everyone: Collection[Run]) -> str:
    """Name codes: models one by one, students of one stage or read-out together."""
    models = [run_name(*run) for run in runs if run[0] not in STUDENTS]
    students = [run for run in runs if run[0] in STUDENTS]
    all_students = [run for run in everyone if run[0] in STUDENTS]
    return enumeration([*models, *([name_students(students, all_students)] if students else [])])


def _open(part: ProblemTables, rows: pd.DataFrame) -> str:
    """Say what these seeds leave open, and what is undefined."""
    words = ""
    unsettled = rows[rows["verdict"] == "not distinguishable"]
    if len(unsettled):
        decide = seeds_to_decide(unsettled["seeds_needed"], part.seeds, "tell them apart")
        words += f"; {len(unsettled)} of {len(rows)} comparisons are not distinguishable ({decide})"
    undefined = rows[rows["verdict"] == "undefined"]
    if len(undefined):
        verb = "is" if len(undefined) == 1 else "are"
        words += f"; {len(undefined)} {verb} undefined ({why_undefined(undefined)})"
    return words


QUESTION = Question("Use of the codes", introduce, answer, "This study does not measure it.")
