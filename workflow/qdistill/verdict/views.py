"""A problem's findings, as templates ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from qdistill.judgement.findings.base import Finding, records_of
from qdistill.judgement.problems import Problem, order_problems
from qdistill.wording import at_sizes, estimate, headline_size


@dataclass(frozen=True)
class Group:
    """Findings that agree in some columns."""

    values: dict[str, Any]  # what they agree in
    sizes: list[int]  # the n at which they hold, ascending
    where: str  # those in words
    row: Finding  # at n = 100, or at the smallest n

    def __getattr__(self, name: str) -> Any:
        """Return one of ``values``."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class View:
    """The findings on one problem."""

    problem: Problem
    findings: list[Finding]  # with None for what is missing
    sizes: list[int]  # every n, ascending
    seeds: int  # how many

    @property
    def label(self) -> str:
        """Name of the problem in a sentence."""
        return self.problem.label

    @property
    def is_control(self) -> bool:
        """Whether its answer was planted."""
        return self.problem.is_control

    @property
    def passed(self) -> bool:
        """Whether a control gave its planted answer: a null at every n, the other at any."""
        missed = self.problem.is_null and self.has("control", verdict="failed")
        return self.has("control", verdict="passed") and not missed

    @property
    def asks_scale(self) -> bool:
        """Whether the circuit was compared with the baseline at equal scale, where tables look."""
        compared = self.has("advantage", subject="quantum", n=self.n)
        return compared and self.has("scale", subject="quantum", n=self.n)

    @property
    def asks_robustness(self) -> bool:
        """Whether inputs were perturbed."""
        return self.has("robustness")

    @property
    def asks_retrieval(self) -> bool:
        """Whether codes were searched in fewer bytes."""
        return self.has("retrieval")

    @property
    def asks_measurement(self) -> bool:
        """Whether circuits were measured, with so many shots."""
        return self.has("shots", subject="quantum")

    @property
    def asks_noise(self) -> bool:
        """Whether it was followed what noise leaves of the state, layer by layer."""
        return self.has("noise", subject="quantum")

    @property
    def asks_students_of_counts(self) -> bool:
        """Whether students were taught by counts."""
        return self.has("denoising", subject="student")

    @cached_property
    def n(self) -> int:
        """The n that small tables show."""
        return headline_size(self.sizes)

    def rows(self, question: str, **where: Any) -> list[Finding]:
        """Select the findings on a question whose columns have some values.

        A list holds the values that a column may have, a function tells whether it may have one;
        None asks for those that are null.
        """
        found = [row for row in self.findings if row["question"] == question]
        return [
            row for row in found if all(_is_met(row[name], want) for name, want in where.items())
        ]

    def has(self, question: str, **where: Any) -> bool:
        """Return whether there are such findings."""
        return bool(self.rows(question, **where))

    def groups(self, question: str, *by: str, **where: Any) -> list[Group]:
        """Collect findings that agree in some columns, in the order in which they are found."""
        grouped: dict[tuple, list[Finding]] = {}
        for row in self.rows(question, **where):
            grouped.setdefault(tuple(row[name] for name in by), []).append(row)
        return [self._group(dict(zip(by, key, strict=True)), own) for key, own in grouped.items()]

    def _group(self, values: dict[str, Any], rows: list[Finding]) -> Group:
        sizes = sorted({int(row["n"]) for row in rows if row["n"]})
        where = at_sizes(sizes, self.sizes) if sizes else ""
        shown = headline_size(sizes) if sizes else None
        return Group(values, sizes, where, next(row for row in rows if row["n"] == shown))

    def cell(self, question: str, **where: Any) -> str:
        """Return the estimate at the n that small tables show, with its interval, if any."""
        found = self.rows(question, **{"n": self.n, **where})
        return interval(found[0]) if found else ""


def _is_met(value: Any, wanted: Any) -> bool:
    if callable(wanted):
        return wanted(value)
    return value in wanted if isinstance(wanted, list) else value == wanted


def interval(row: Mapping[str, Any]) -> str:
    """Return the estimate of a finding with its interval, or that it is undefined."""
    if pd.isna(row["estimate"]):
        return "undefined"
    low, high = (float("nan") if row[k] is None else row[k] for k in ("low", "high"))
    return estimate(row["estimate"], low, high)


def views_of(
    findings: pd.DataFrame, metrics: pd.DataFrame, problems: Iterable[Mapping[str, Any]] = ()
) -> list[View]:
    """Return each problem's view, as :func:`~qdistill.judgement.problems.order_problems` sorts."""
    own: dict[tuple, list[Finding]] = {}
    for row in records_of(findings):
        own.setdefault((row["dataset"], row["protocol"]), []).append(row)
    found = []
    for problem in order_problems(metrics, problems):
        key = problem.dataset, problem.protocol
        runs = metrics[(metrics["dataset"] == key[0]) & (metrics["protocol"] == key[1])]
        sizes = sorted(int(n) for n in runs["n"].unique())
        found.append(View(problem, own.get(key, []), sizes, int(runs["seed"].nunique())))
    return found


@dataclass
class Tally:
    """What the conditions come to, a condition being a problem at one n, without controls."""

    # How many have each verdict on attribution, *not distinct* being one of the middle three.
    distinct: int = 0
    worse: int = 0
    as_good: int = 0
    not_told_apart: int = 0
    undefined: int = 0
    # Comparisons with ``classical``.
    beats_baseline: int = 0
    compared_with_baseline: int = 0
    use: dict[str, int] = field(default_factory=dict)  # models to use, the most frequent first

    @property
    def judged(self) -> int:
        """In how many the circuit was judged."""
        return self.distinct + self.not_distinct + self.undefined

    @property
    def not_distinct(self) -> int:
        """In how many a simpler model is named."""
        return self.worse + self.as_good + self.not_told_apart


_JUDGED = {
    "simpler_is_better": "worse",
    "simpler_is_as_good": "as_good",
    "simpler_not_told_apart": "not_told_apart",
}


def tally(views: Iterable[View]) -> Tally:
    """Count over all problems whose answer was not planted."""
    counts = Tally()
    used: Counter[str] = Counter()
    for view in views:
        if view.is_control:
            continue
        for group in view.groups("attribution", "n"):
            name = _JUDGED.get(str(group.row["reason"]), str(group.row["verdict"]))
            setattr(counts, name, getattr(counts, name) + 1)
        counts.beats_baseline += len(view.rows("advantage", subject="quantum", verdict="better"))
        counts.compared_with_baseline += len(view.rows("advantage", subject="quantum"))
        used.update(row["subject"] for row in view.rows("choice"))
    counts.use = dict(used.most_common())
    return counts
