"""Findings on what models fit of targets that have nothing to do with their rows."""

from qdistill.judgement.findings.base import Finding, from_row, key_of
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.judgement.tables import ProblemTables
from qdistill.study.registry import ENTRIES

MEMORISED, NOT_MEMORISED = 0.8, 0.2  # shares of the targets' variance


def memorisations(part: ProblemTables) -> list[Finding]:
    """Return the share of the training targets' variance that each model fits.

    It is 1 less the training error over that of the mean of the training targets, which knows
    nothing of a row. The level of a finding is the number of the model's parameters.
    """
    runs = part.metrics[part.metrics["stage"] == "trained"]
    error = runs.pivot(index=["n", "seed"], columns="model", values="train_mse")
    if "mean" not in error:
        return []
    found = []
    for (n, model), rows in runs.groupby(["n", "model"], sort=True):
        if ENTRIES[model].family == "reference":
            continue
        share = paired_interval(1 - error[model].loc[n] / error["mean"].loc[n])
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
