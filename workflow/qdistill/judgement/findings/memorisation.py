"""Findings on what models fit of targets that have nothing to do with their rows."""

import pandas as pd

from qdistill.judgement.findings.base import Finding, from_row, key_of
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.judgement.tables import ProblemTables
from qdistill.study.registry import family_of

MEMORISED, NOT_MEMORISED = 0.8, 0.2  # shares of what the mean leaves unfitted


def fitted_shares(metrics: pd.DataFrame) -> pd.DataFrame:
    """Compute for trained runs of one problem the share of the training targets that they fit.

    The column ``fitted`` says how far a run gets from ``mean``, which knows nothing of a row, to
    what fits every target: of vectors 1 less the training error over that of the mean, a share of
    their variance; of labels (a - m) / (1 - m) with the accuracies a and m on training rows. It is
    NaN without ``mean``. References are left out.
    """
    column, whole = ("train_accuracy", 1.0) if tells_classes(metrics) else ("train_loss", 0.0)
    runs = metrics[metrics["stage"] == "trained"]
    mean = runs[runs["model"] == "mean"].set_index(["n", "seed"])[column].rename("of_mean")
    runs = runs[[family_of(name) != "reference" for name in runs["model"]]]
    runs = runs.join(mean, on=["n", "seed"])
    return runs.assign(fitted=1 - (whole - runs[column]) / (whole - runs["of_mean"]))


def tells_classes(metrics: pd.DataFrame) -> bool:
    """Return whether the runs of one problem tell classes."""
    return bool((metrics["task"] == "classify").any())


def memorisations(part: ProblemTables) -> list[Finding]:
    """Return the share that each model fits; its level is the number of the model's parameters."""
    if "mean" not in part.names:
        return []
    found = []
    measure = "labels_fitted" if tells_classes(part.metrics) else "variance_fitted"
    for (n, model), rows in fitted_shares(part.metrics).groupby(["n", "model"], sort=True):
        share = _interval(rows["fitted"])
        about = {"subject": model, "stage": "trained", "against": "mean", "measure": measure}
        about |= {"estimate": share.estimate, "low": share.low, "high": share.high}
        diverged = bool(rows["diverged"].any())
        about |= {"verdict": "undefined" if diverged else _judge(share)}
        about |= {"reason": "diverged" if diverged else None, "seeds": part.seeds}
        about |= {"level": rows["n_parameters"].iloc[0], "against_stage": "trained"}
        where = {"model": [model, "mean"], "stage": "trained"}
        found.append(from_row("memorisation", key_of(part, n), {}, "metrics", where, **about))
    return found


def _interval(shares: pd.Series) -> Interval:
    """Return the limits of a share; seeds that all fit nothing at all agree as any others do."""
    if len(shares) > 1 and (shares == 0).all():
        return Interval(0.0, 0.0, 0.0, 1.0)
    return paired_interval(shares)


def _judge(share: Interval) -> str:
    if not share.low <= share.high:  # there are no limits
        return "undefined"
    if share.low > MEMORISED:
        return "memorises"
    return "does not memorise" if share.high < NOT_MEMORISED else "memorises in part"
