"""The tables that a verdict is written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.judgement.transfer import judge_transfer
from qdistill.storage.tables import make_frame, read_frame
from qdistill.verdict.problems import Problem
from qdistill.verdict.sources import Source, source

# Models that never saw the circuit, put through the formula of the retained fraction.
UNTAUGHT = ("mean", "pca", "linear")
# Tables that a study may leave out.
OPTIONAL = ("trainability", "cost", "downstream", "downstream_comparisons")


@dataclass(frozen=True)
class StudyTables:
    """The tables of a study, each by the contract of the same name."""

    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    crossover: pd.DataFrame
    transfer: pd.DataFrame
    published: pd.DataFrame
    attribution: pd.DataFrame
    overfitting: pd.DataFrame
    choices: pd.DataFrame
    trainability: pd.DataFrame
    cost: pd.DataFrame
    downstream: pd.DataFrame
    downstream_comparisons: pd.DataFrame

    @classmethod
    def read(cls, paths: Mapping[str, Any]) -> StudyTables:
        """Read the tables from their Parquet files.

        Parameters
        ----------
        paths : mapping of str to path, or to a list of none or one path
            By the tables' names. Those of ``OPTIONAL`` may be absent.

        Raises
        ------
        DataError
            If a table is missing, damaged or breaks its contract.
        """
        frames = {}
        for each in fields(cls):
            given = paths.get(each.name, []) if each.name in OPTIONAL else paths[each.name]
            found = [given] if isinstance(given, str | Path) else list(given)
            frames[each.name] = read_frame(each.name, found[0]) if found else no_rows(each.name)
        return cls(**frames)

    def of(self, problem: Problem) -> ProblemTables:
        """Select the rows of one problem."""
        chosen = {}
        for each in fields(StudyTables):
            table = getattr(self, each.name)
            if "dataset" in table:
                hit = table["dataset"] == problem.dataset
                table = table[hit & (table["protocol"] == problem.protocol)]
            chosen[each.name] = table
        return ProblemTables(**chosen, problem=problem)


@dataclass(frozen=True)
class ProblemTables(StudyTables):
    """The rows of one problem."""

    problem: Problem

    @cached_property
    def sizes(self) -> list[int]:
        """Every n, ascending."""
        return sorted(int(n) for n in self.metrics["n"].unique())

    @cached_property
    def seeds(self) -> int:
        """Number of seeds."""
        return int(self.metrics["seed"].nunique())

    @cached_property
    def names(self) -> frozenset[str]:
        """Everything that was evaluated."""
        return frozenset(self.metrics["model"])

    @cached_property
    def untaught(self) -> pd.DataFrame:
        """Retained fractions of models that never saw the circuit, by the same formula."""
        return judge_transfer(self.metrics, [(model, "trained") for model in UNTAUGHT])

    def compared(
        self, challenger: str, baseline: str, stage: str = "trained", against: str = "trained"
    ) -> pd.DataFrame:
        """Select the comparisons of two models, one row per n, ascending and indexed by n."""
        table = self.comparisons
        hit = (table["challenger"] == challenger) & (table["challenger_stage"] == stage)
        hit &= (table["baseline"] == baseline) & (table["baseline_stage"] == against)
        return table[hit].set_index("n", drop=False).rename_axis(None).sort_index()

    def source(self, table: str, n: Sequence[int] = (), **where: object) -> Source:
        """Return a source: rows of this problem in a table; every n if none or all are given."""
        if n and set(n) != set(self.sizes):
            where["n"] = [int(size) for size in n]
        return source(table, dataset=self.problem.dataset, protocol=self.problem.protocol, **where)


def no_rows(table: str) -> pd.DataFrame:
    """Return a table without rows."""
    return make_frame(table)
