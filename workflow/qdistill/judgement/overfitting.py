"""Whether a student only overfits its teacher's outputs on the rows that it is fitted to."""

import numpy as np
import pandas as pd

from qdistill.judgement.pairing import CONDITION, check_same_seeds, runs_of
from qdistill.judgement.power import seeds_needed
from qdistill.judgement.statistics import paired_interval, paired_ratio
from qdistill.storage.tables import make_frame

TEACHER = ("quantum", "trained")
MARGIN = 0.05  # of R²; a smaller gap between the pool's and held-out rows counts as none


def judge_overfitting(metrics: pd.DataFrame, sweep: pd.DataFrame) -> pd.DataFrame:
    """Judge at each size of the unlabelled pool how a student does beside its teacher.

    The teachers are the trained quantum models of the metrics, the students those of the sweep.

    Returns
    -------
    DataFrame
        By the contract "overfitting", one row for each condition and pool, empty if the
        sweep is. All limits are 95 % over seeds:

        - ``heldout_loss``: mean held-out error of the student, Student t limits;
        - ``ratio``: geometric mean of student / teacher held-out error, paired by seed;
        - ``teacher_r2``: mean R² of the student on its teacher's outputs, on held-out rows;
        - ``r2_gap``: mean of the same R² on the rows of the pool less that, paired;
        - ``train_gap``: mean of the same R² on the n training rows less that, paired.

        ``verdict`` is about what the student learnt: ``overfits`` if its agreement with the
        teacher is shown to be lower on held-out rows than on the pool's, to which only the
        student was fitted, by more than 0.05 of R² (lower limit of ``r2_gap``), ``does not
        overfit`` if it is shown not to be (upper limit), else ``undecided``, ``seeds_needed``
        then being how many seeds would decide it. It is ``undefined`` where the gap has no
        limits, as with a diverged run without finite outputs: ``diverged`` counts the seeds at
        which student or teacher diverged, and none is dropped. So it is without a pool:
        ``train_gap`` is information alone, since the teacher's own encoder was fitted to the
        training rows. Whether it matters is what ``ratio`` tells: a student may disagree with
        its teacher and have the lower error.

    Raises
    ------
    DataError
        If a seed has a student and no teacher, or the reverse.
    """
    conditions = dict(iter(metrics.groupby(list(CONDITION))))
    rows = []
    for key, students in sweep.groupby(list(CONDITION), sort=True):
        teacher = runs_of(conditions.get(key, metrics.iloc[:0]), *TEACHER)
        for pool, part in students.groupby("pool", sort=True):
            ours = part.set_index("seed").sort_index()
            names = (f"the student with a pool of {pool}", TEACHER)
            check_same_seeds(part, ours.index, teacher.index, names)
            where = {**dict(zip(CONDITION, key, strict=True)), "pool": pool}
            rows.append({**where, **_judge(ours, teacher)})
    return make_frame("overfitting", rows)


def overfitting_verdict(low: float, high: float) -> str:
    """Return what limits of R² on the pool's rows less R² on held-out rows show; NaN for none."""
    if np.isnan([low, high]).any():
        return "undefined"
    if low > MARGIN:
        return "overfits"
    return "does not overfit" if high < MARGIN else "undecided"


def _judge(student: pd.DataFrame, teacher: pd.DataFrame) -> dict:
    loss, target = student["heldout_loss"].to_numpy(), teacher["heldout_loss"].to_numpy()
    difference = student["teacher_r2_pool"] - student["teacher_r2"]
    gap = paired_interval(difference)
    of_train = paired_interval(student["teacher_r2_train"] - student["teacher_r2"])
    verdict = overfitting_verdict(gap.low, gap.high)
    undecided = verdict == "undecided"
    return {
        "seeds": len(student),
        "diverged": int((student["diverged"] | teacher["diverged"]).sum()),
        **paired_interval(loss).columns("heldout_loss", "heldout"),
        **paired_ratio(loss, target).columns("ratio", "ratio"),
        **paired_interval(student["teacher_r2"]).columns("teacher_r2", "teacher_r2"),
        **gap.columns("r2_gap", "r2_gap"),
        **of_train.columns("train_gap", "train_gap"),
        "seeds_needed": seeds_needed(difference - MARGIN) if undecided else np.nan,
        "verdict": verdict,
    }
