"""The form that every open question has."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from qdistill.verdict.sources import Finding
from qdistill.verdict.tables import ProblemTables


@dataclass(frozen=True)
class Question:
    """A question, and how it is answered for one problem.

    Attributes
    ----------
    title : str
        Heading.
    introduce : callable
        Gives the question in a sentence, and what its answers mean, from the names of
        everything in the study.
    answer : callable
        Gives the findings on one problem; none where it lacks the models.
    unanswered : str
        What to say where no problem has a finding.
    """

    title: str
    introduce: Callable[[Collection[str]], str]
    answer: Callable[[ProblemTables], list[Finding]]
    unanswered: str = "This study does not hold the models that this question needs."
