"""Whether the student overfits its teacher."""

import numpy as np
import pytest

from helpers.metrics import make_sweep
from helpers.verdict import FEW, part_of, said
from qdistill.verdict.questions import overfitting


@pytest.mark.parametrize(
    ("gaps", "answer"),
    [
        ((0.2, 0.0), "Yes at every n without a pool, and the largest pool ends it."),
        ((0.2, 0.1), "Yes at every n without a pool, and the largest pool does not end it."),
        ((0.2, 0.05), "Yes at every n without a pool; whether the pool ends it is not settled."),
        ((0.0, 0.0), "No at every n."),
        ((0.05, 0.0), "Not settled at every n."),
    ],
)
def test_whether_the_student_overfits(gaps, answer):
    def sweep(metrics):
        table = make_sweep(metrics, pools=(0, 100, 500), ratio=lambda pool: 1.3 if not pool else 1)
        noise = np.random.default_rng(4).normal(0, 0.005, len(table))
        gap = np.where(table["pool"] == 0, *gaps) + noise
        table["teacher_r2"] = table["teacher_r2_train"] - gap
        return table

    text = said(overfitting, part_of(FEW, sweep, random_seed=5))
    assert text.startswith(answer)
    assert "With the n training rows alone it " in text
    assert "its error is higher than its teacher's at every n (ratio 1.3 [" in text
    assert "With 500 unlabelled rows besides it " in text
    assert "its error is nowhere shown to differ from its teacher's (ratio 1 [" in text
    assert ("seeds would decide, now 10" in text) == (0.05 in gaps)


def test_a_diverged_student_is_not_said_to_overfit_or_not():
    def sweep(metrics):
        table = make_sweep(metrics, pools=(0, 100))
        columns = ["heldout_mse", "teacher_r2", "teacher_r2_train"]
        table.loc[0, [*columns, "diverged"]] = [np.nan, np.nan, np.nan, True]
        return table

    text = said(overfitting, part_of(FEW, sweep))
    assert "Not settled at n = 100." in text and "is *undefined* at n = 100 (diverged runs)" in text


def test_without_a_sweep_of_several_pools_there_is_no_conclusion():
    part = part_of(FEW, lambda metrics: make_sweep(metrics, pools=(0,)))
    assert said(overfitting, part).startswith("With the n training rows alone it *overfits*")
