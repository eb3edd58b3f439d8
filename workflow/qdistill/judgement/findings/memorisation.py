"""Findings on what models fit of targets that have nothing to do with their rows."""

import pandas as pd

from qdistill.judgement.findings.base import Finding, from_row, key_of
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.judgement.tables import ProblemTables
from qdistill.study.registry import family_of

MEMORISED, NOT_MEMORISED = 0.8, 0.2  # shares of the targets' variance


def fitted_shares(metrics: pd.DataFrame) -> pd.DataFrame:
    """Compute for trained runs of one problem the share of the targets' variance that they fit.

    The column ``fitted`` is 1 less the training error over that of the mean of the training
    targets, which knows nothing of a row; NaN without it. References are left out.
    """
    runs = metrics[metrics["stage"] == "trained"]
    mean = runs[runs["model"] == "mean"].set_index(["n", "seed"])["train_loss"].rename("of_mean")
    runs = runs[[family_of(name) != "reference" for name in runs["model"]]]
    runs = runs.join(mean, on=["n", "seed"])
    return runs.assign(fitted=1 - runs["train_loss"] / runs["of_mean"])


def memorisations(part: ProblemTables) -> list[Finding]:
    """Return the share that each model fits; its level is the number of the model's parameters."""
    if "mean" not in part.names:
        return []
    found = []
    for (n, model), rows in fitted_shares(part.metrics).groupby(["n", "model"], sort=True):
        share = paired_interval(rows["fitted"])
        about = {"subject": model, "stage": "trained", "against": "mean", "measure": "fitted"}
        about |= {"estimate": share.estimate, "low": share.low, "high": share.high}
        diverged = bool(rows["diverged"].any())
        about |= {"verdict": "undefined" if diverged else _judge(share)}
        about |= {"reason": "diverged" if diverged else None, "seeds": part.seeds}
        about |= {"level": rows["n_parameters"].iloc[0], "against_stage": "trained"}
        where = {"model": [model, "mean"], "stage": "trained"}
        found.append(from_row("memorisation", key_of(part, n), {}, "metrics", where, **about))
    return found


def _judge(share: Interval) -> str:
    if not share.low <= share.high:  # there are no limits
        return "undefined"
    if share.low > MEMORISED:
        return "memorises"
    return "does not memorise" if share.high < NOT_MEMORISED else "memorises in part"
