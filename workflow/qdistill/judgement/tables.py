"""The tables that findings are gathered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.problems import Problem
from qdistill.judgement.transfer import judge_transfer
from qdistill.storage.tables import make_frame, read_frame

# Models that never saw the circuit, put through the formula of the retained fraction.
UNTAUGHT = ("mean", "pca", "linear", "output_bias", "constant")
# Share of the mean's held-out error below which a circuit of `trainability` counts as trained.
TRAINED_BELOW = 0.01
# Tables that a study may leave out.
OPTIONAL = (
    *("choices", "setting_sweep", "row_intervals", "trainability", "cost", "downstream"),
    *("downstream_comparisons", "score_comparisons", "geometry", "robustness"),
    *("robustness_comparisons", "history", "retrieval_front"),
    *("benchmark_scores", "benchmark_ranks", "variance_shares"),
    *("measured", "noise_depth", "measured_students", "device_measured"),
    *("shots_needed", "measured_comparisons", "shot_training", "device_costs"),
)


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
    setting_sweep: pd.DataFrame
    row_intervals: pd.DataFrame
    trainability: pd.DataFrame
    cost: pd.DataFrame
    downstream: pd.DataFrame
    downstream_comparisons: pd.DataFrame
    score_comparisons: pd.DataFrame  # of labelled data alone
    geometry: pd.DataFrame  # of kernels on labelled data
    retrieval_front: pd.DataFrame
    robustness: pd.DataFrame
    robustness_comparisons: pd.DataFrame
    history: pd.DataFrame  # of language models alone
    measured: pd.DataFrame  # of circuits with shots and noise
    noise_depth: pd.DataFrame
    measured_students: pd.DataFrame
    device_measured: pd.DataFrame
    shot_training: pd.DataFrame
    device_costs: pd.DataFrame
    shots_needed: pd.DataFrame
    measured_comparisons: pd.DataFrame
    benchmark_scores: pd.DataFrame
    benchmark_ranks: pd.DataFrame
    variance_shares: pd.DataFrame

    @classmethod
    def read(cls, paths: Mapping[str, Any]) -> StudyTables:
        """Read the tables from Parquet files, by their names; those of ``OPTIONAL`` may be absent.

        Raises DataError if a table is missing, damaged or breaks its contract.
        """
        named = [each.name for each in fields(cls)]
        held = {name: paths[name] for name in named if name not in OPTIONAL or name in paths}
        return cls.complete({name: read_frame(name, path) for name, path in held.items()})

    @classmethod
    def complete(cls, frames: Mapping[str, pd.DataFrame]) -> StudyTables:
        """Collect tables by their names; those of ``OPTIONAL`` that are absent have no rows."""
        known = {name: make_frame(name) for name in OPTIONAL} | dict(frames)
        return cls(**{each.name: known[each.name] for each in fields(cls)})

    def of(self, problem: Problem, margins: Margins = MARGINS) -> ProblemTables:
        """Select the rows of one problem, to be judged with a study's margins."""
        chosen = {}
        for each in fields(StudyTables):
            table = getattr(self, each.name)
            if "dataset" in table:
                hit = table["dataset"] == problem.dataset
                table = table[hit & (table["protocol"] == problem.protocol)]
            chosen[each.name] = table
        return ProblemTables(**chosen, problem=problem, margins=margins)


@dataclass(frozen=True)
class ProblemTables(StudyTables):
    """The rows of one problem."""

    problem: Problem
    margins: Margins = MARGINS

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
