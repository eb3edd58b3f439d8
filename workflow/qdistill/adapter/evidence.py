"""What the study's tables say about what is deployed: the numbers of the model card."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qdistill.adapter.seeds import SeedErrors
from qdistill.judgement.choice import Choice, choose_model
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.findings.base import records_of
from qdistill.judgement.pairing import last_stage, runs_of
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.study.registry import AUTO, contenders


@dataclass(frozen=True)
class Evidence:
    """Everything that the card says in numbers, at one data set, protocol and n.

    The comparisons are rows of that contract: the deployed model against everything else that the
    study holds, each at its last stage, as one family of tests.
    """

    at: dict[str, Any]  # dataset, protocol and n
    choice: Choice  # what is deployed
    automatic: Choice  # what ``auto`` takes: the same unless a name was given
    validation: SeedErrors  # without held-out rows, by which the exported seed was chosen
    seed: int
    heldout: dict[int, float]  # held-out error of the deployed model by seed
    mean: Interval  # of those, with Student t limits
    diverged: int  # number of its runs
    choice_at_edge: int  # number of those whose settings lie at the edge of the grid
    comparisons: list[dict[Any, Any]]
    attribution: dict[Any, Any] | None  # the finding on the condition
    transfer: dict[Any, Any] | None  # the finding on a deployed student

    def against(self, baseline: str) -> dict[Any, Any] | None:
        """Return the comparison with one other model, if the study holds it."""
        return next((row for row in self.comparisons if row["baseline"] == baseline), None)

    def measured(self) -> dict[str, float]:
        """Return what was measured, as the metrics that MLflow shows of the registered model."""
        chosen_by = "validation_loss" if self.validation.cross_validated else "train_loss"
        found: dict[str, float] = {
            "heldout_loss": self.heldout[self.seed],
            "heldout_loss_mean": self.mean.estimate,
            "heldout_loss_mean_low": self.mean.low,
            "heldout_loss_mean_high": self.mean.high,
            chosen_by: self.validation.errors[self.seed],
            "seeds": len(self.heldout),
            "seeds_diverged": self.diverged,
        }
        for name in ("mean", "quantum"):
            beside = self.against(name)
            found |= {} if beside is None else {f"ratio_to_{name}": beside["ratio"]}
        return finite(found | limits_of("retained", self.transfer))


def limits_of(name: str, finding: Mapping[Any, Any] | None) -> dict[str, float]:
    """Return the estimate of a finding and its limits under a name, or nothing of no finding."""
    ends = {"": "estimate", "_low": "low", "_high": "high"}
    return {} if finding is None else {f"{name}{end}": finding[key] for end, key in ends.items()}


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values that are finite numbers, for JSON knows no others."""
    return {
        name: float(value)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def gather_evidence(
    metrics: pd.DataFrame,
    findings: pd.DataFrame,
    condition: Mapping[str, Any],
    choice: Choice,
    validation: SeedErrors,
    margins: Margins = MARGINS,
) -> Evidence:
    """Collect what the tables of these contracts say of what is deployed.

    The metrics are those of one data set, protocol and n, and the condition says which. The
    validation are errors of what is deployed, of no held-out row.
    """
    names = list(dict.fromkeys(metrics["model"]))
    automatic = choice
    if choice.best is None:
        automatic = choose_model(metrics, AUTO, contenders(names), margins)
    own = runs_of(metrics, choice.name, choice.stage)
    # `compiled` and `quantum` have the same outputs, and one test of them is enough.
    twins = {"compiled"} if choice.name != "compiled" else {"quantum"}
    left_out = {choice.name, *(twins if {"compiled", "quantum"} <= set(names) else ())}
    others = [last_stage(name) for name in names if name not in left_out]
    compared = compare_models(metrics, choice.name, choice.stage, others, margins)
    student = {"subject": choice.name, "stage": choice.stage}
    return Evidence(
        at=dict(condition),
        choice=choice,
        automatic=automatic,
        validation=validation,
        seed=validation.median_seed(),
        heldout=own["heldout_loss"].to_dict(),
        mean=paired_interval(own["heldout_loss"].to_numpy()),
        diverged=int(own["diverged"].sum()),
        choice_at_edge=int(own["choice_at_edge"].sum()),
        comparisons=compared.sort_values("mean_baseline").to_dict("records"),
        attribution=_finding(findings, question="attribution", **condition),
        transfer=_finding(findings, question="transfer", **student, **condition),
    )


def _finding(findings: pd.DataFrame, **where: Any) -> dict[Any, Any] | None:
    rows = findings[(findings[list(where)] == pd.Series(where)).all(axis=1)]
    return None if rows.empty else records_of(rows)[0]
