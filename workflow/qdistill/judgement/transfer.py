"""How much of the quantum model's advantage a student keeps."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from qdistill.judgement.pairing import CONDITION, Run, check_same_seeds, runs_of
from qdistill.judgement.power import seeds_needed, seeds_to_decide_fraction
from qdistill.judgement.statistics import (
    NO_RATIO,
    FiellerInterval,
    fieller_interval,
    paired_interval,
)
from qdistill.storage.tables import make_frame

RETAINED_ABOVE = 0.8
COLLAPSED_BELOW = 0.2
TEACHER, MEAN = ("quantum", "trained"), ("mean", "trained")


def judge_transfer(metrics: pd.DataFrame, students: Sequence[Run] | None = None) -> pd.DataFrame:
    """Judge each student's retained fraction of the advantage at every condition.

    The retained fraction is (L_classical - L_student) / (L_classical - L_quantum), a ratio
    of means of held-out errors over paired seeds, with 95 % Fieller limits; in a language model the
    frozen model takes the place of the classical one (:func:`baseline_of`). It says how
    near the student came to its teacher, not that the circuit was needed for it: a
    model that never saw the circuit can be put through the same formula. Judged are the models
    and stages given as students, by default every row of family ``student``.

    Returns
    -------
    DataFrame
        By the contract "transfer". ``verdict`` is ``retained`` if the lower limit is above
        0.8, ``collapsed`` if the upper limit is below 0.2, ``undecided`` if the interval
        reaches past both, else ``partial``. It is ``undefined``, and ``reason`` is the
        code of why, where the classical baseline is worse than the mean of the training rows
        by a 95 % interval that excludes zero (a lead over such a baseline is none to keep),
        where the quantum model does not beat it by such an interval, where either is absent,
        or where a run of the three has no finite error. ``retained`` and its limits are kept
        there only if the Fieller set is unbounded; the limits are then infinite.
        ``seeds_needed`` says how many seeds would decide an ``undecided`` fraction, or show
        quantum and classical to differ where that alone is what leaves it ``undefined``
        (see :mod:`qdistill.judgement.power`); it is NaN everywhere else.

    Raises
    ------
    DataError
        If a seed has one of the paired models and not another.
    """
    rows = []
    for key, condition in metrics.groupby(list(CONDITION), sort=True):
        here = condition[condition["family"] == "student"] if students is None else condition
        known = set(zip(here["model"], here["stage"], strict=True))
        baseline = (baseline_of(set(condition["model"])), "trained")
        references = {run: runs_of(condition, *run) for run in (baseline, TEACHER)}
        where = dict(zip(CONDITION, key, strict=True))
        for run in sorted(known if students is None else known.intersection(students)):
            judged = _judge(condition, run, references)
            rows.append({**where, "student": run[0], "stage": run[1], **judged})
    return make_frame("transfer", rows)


def baseline_of(names: Collection[str]) -> str:
    """Return what the advantage is over: ``classical`` or, in a language model, ``frozen_base``.

    There the circuit is added to a model that is kept, and its gain over that one is to be kept.
    """
    return "frozen_base" if "frozen_base" in names else "classical"


def transfer_verdict(low: float, high: float) -> str:
    """Return what a retained fraction's limits show."""
    if low > RETAINED_ABOVE:
        return "retained"
    if high < COLLAPSED_BELOW:
        return "collapsed"
    return "undecided" if low < COLLAPSED_BELOW and high > RETAINED_ABOVE else "partial"


def _judge(condition: pd.DataFrame, student: Run, references: dict[Run, pd.DataFrame]) -> dict:
    ours = runs_of(condition, *student)
    for baseline, frame in references.items():
        if frame.empty:
            return _row(len(ours), int(ours["diverged"].sum()), NO_RATIO, f"no_{baseline[0]}")
        check_same_seeds(condition, ours.index, frame.index, (student, baseline))
    runs = [ours, *references.values()]
    diverged = int(np.any([frame["diverged"] for frame in runs], axis=0).sum())
    loss, classical, quantum = (frame["heldout_loss"].to_numpy() for frame in runs)
    with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, is NaN
        advantage, kept = classical - quantum, classical - loss
    found, reason = fieller_interval(kept, advantage), _why_undefined(condition, runs, advantage)
    if reason is not None and found.bounded:  # a fraction of what is no advantage to keep
        found = NO_RATIO
    row = _row(len(ours), diverged, found, reason)
    return {**row, "seeds_needed": _seeds_needed(row, kept, advantage)}


def _seeds_needed(row: dict, kept: np.ndarray, advantage: np.ndarray) -> float:
    """How many seeds would settle what the verdict leaves open; NaN if it leaves nothing."""
    if row["verdict"] == "undecided":
        return seeds_to_decide_fraction(kept, advantage, (COLLAPSED_BELOW, RETAINED_ABOVE))
    if row["reason"] in ("no_advantage", "no_gain") and paired_interval(advantage).high >= 0:
        return seeds_needed(advantage)
    return np.nan


def _why_undefined(
    condition: pd.DataFrame, runs: list[pd.DataFrame], advantage: np.ndarray
) -> str | None:
    """Why there is no advantage to keep a fraction of; None if there is one."""
    if len(advantage) < 2:
        return "one_seed"
    if not all(np.isfinite(frame["heldout_loss"]).all() for frame in runs):
        return "diverged"
    interval = paired_interval(advantage)
    if not interval.defined:
        return "no_spread"
    classical, mean = runs[1]["heldout_loss"], runs_of(condition, *MEAN)["heldout_loss"]
    if len(mean):
        check_same_seeds(condition, classical.index, mean.index, (("classical", "trained"), MEAN))
        if paired_interval(classical - mean).low > 0:
            return "baseline_loses"
    if interval.low > 0:
        return None
    return "no_gain" if "frozen_base" in set(condition["model"]) else "no_advantage"


def _row(seeds: int, diverged: int, found: FiellerInterval, reason: str | None) -> dict:
    return {
        "seeds": seeds,
        "diverged": diverged,
        **found.columns("retained"),
        "seeds_needed": np.nan,
        "verdict": "undefined" if reason else transfer_verdict(found.low, found.high),
        "reason": reason,
    }
