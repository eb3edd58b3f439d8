"""What the study's tables say about what is deployed: the numbers of the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qdistill.adapter.seeds import SeedErrors
from qdistill.judgement.choice import Choice, choose_model, last_stage
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.pairing import runs_of
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.study.registry import AUTO, contenders


@dataclass(frozen=True)
class Evidence:
    """Everything that the card says in numbers, at one data set, protocol and n.

    Attributes
    ----------
    condition : dict
        ``dataset``, ``protocol`` and ``n``.
    choice, automatic : Choice
        What is deployed, and what ``auto`` takes: the same unless a name was given.
    validation : SeedErrors
        Cross-validated errors, by which ``seed``, the exported one, was chosen.
    heldout, interval : Series, Interval
        Held-out error of the deployed model by seed, and its mean with Student t limits.
    diverged, still_improving : int
        How many of its runs diverged, or were ended while their cross-validated error was still
        falling.
    comparisons : DataFrame
        By the contract "comparisons": the deployed model against everything else that the study
        holds, each at its last stage, as one family of tests. Of `compiled` and `quantum`, which
        are the same function, there is one.
    attribution, transfer : Series or None
        Rows of these tables: of the condition, and of a deployed student.
    """

    condition: dict[str, Any]
    choice: Choice
    automatic: Choice
    validation: SeedErrors
    seed: int
    heldout: pd.Series
    interval: Interval
    diverged: int
    still_improving: int
    comparisons: pd.DataFrame
    attribution: pd.Series | None
    transfer: pd.Series | None

    def against(self, baseline: str) -> pd.Series | None:
        """Return the comparison with one other model, if the study holds it."""
        rows = self.comparisons[self.comparisons["baseline"] == baseline]
        return None if rows.empty else rows.iloc[0]


def gather_evidence(
    metrics: pd.DataFrame,
    attribution: pd.DataFrame,
    transfer: pd.DataFrame,
    condition: Mapping[str, Any],
    choice: Choice,
    validation: SeedErrors,
) -> Evidence:
    """Collect what the tables say.

    Parameters
    ----------
    metrics : DataFrame
        By the contract "metrics", of one data set, protocol and n.
    attribution, transfer : DataFrame
        Whole tables by these contracts.
    condition : mapping
        ``dataset``, ``protocol`` and ``n``.
    choice, validation : Choice, SeedErrors
        What is deployed, and its cross-validated errors.
    """
    names = list(dict.fromkeys(metrics["model"]))
    automatic = choice
    if choice.best is None:
        automatic = choose_model(metrics, AUTO, contenders(names))
    own = runs_of(metrics, choice.name, choice.stage)
    # `compiled` and `quantum` have the same outputs, and one test of them is enough.
    twins = {"compiled"} if choice.name != "compiled" else {"quantum"}
    left_out = {choice.name, *(twins if {"compiled", "quantum"} <= set(names) else ())}
    others = [last_stage(name) for name in names if name not in left_out]
    compared = compare_models(metrics, choice.name, choice.stage, others)
    student = {**condition, "student": choice.name, "stage": choice.stage}
    return Evidence(
        condition=dict(condition),
        choice=choice,
        automatic=automatic,
        validation=validation,
        seed=validation.median_seed(),
        heldout=own["heldout_mse"],
        interval=paired_interval(own["heldout_mse"].to_numpy()),
        diverged=int(own["diverged"].sum()),
        still_improving=int(own["still_improving"].sum()),
        comparisons=compared.sort_values("mean_baseline", ignore_index=True),
        attribution=_row_at(attribution, condition),
        transfer=_row_at(transfer, student),
    )


def _row_at(table: pd.DataFrame, where: Mapping[str, Any]) -> pd.Series | None:
    rows = table[(table[list(where)] == pd.Series(where)).all(axis=1)]
    return None if rows.empty else rows.iloc[0]
