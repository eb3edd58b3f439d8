"""The figure of training with shots: what is drawn is what the table holds."""

import numpy as np
import pytest
from scipy import stats

from helpers.figures import figure_of
from helpers.measurement import make_shot_training
from qdistill.figures.shot_training import draw_shot_training
from qdistill.storage.contracts.shot_training import PROBLEMS


@pytest.fixture
def table():
    return make_shot_training()


def line_of(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def test_each_problem_has_a_panel_with_a_line_for_each_way(table):
    figure, note = figure_of(draw_shot_training, table)
    for ax, problem in zip(figure.axes, PROBLEMS, strict=True):
        assert problem in ax.get_title(loc="left") and "n = 20" in ax.get_title(loc="left")
        own = table[(table["problem"] == problem) & (table["step"] > 0)]
        for words, method, shots in (
            ("parameter shift, 100 shots", "parameter_shift", 100),
            ("parameter shift, 1,000 shots", "parameter_shift", 1000),
            ("SPSA, 100 shots", "spsa", 100),
        ):
            rows = own[(own["method"] == method) & (own["shots"] == shots)]
            expected = rows.groupby("total_shots")["heldout_loss"].agg(stats.gmean)
            points = line_of(ax, words).get_xydata()
            np.testing.assert_allclose(points, expected.reset_index().to_numpy(), rtol=1e-6)
        exact = own[(own["method"] == "exact") & (own["step"] == 3)]["heldout_loss"]
        assert line_of(ax, "exact gradient").get_ydata()[0] == pytest.approx(stats.gmean(exact))
    assert "4 seeds at 4 qubits" in note


def test_a_run_that_diverged_is_told_and_one_without_an_error_leaves_a_gap(table):
    flagged = (table["method"] == "spsa") & (table["seed"] == 2)
    lost = (table["method"] == "parameter_shift") & (table["shots"] == 1000) & (table["step"] == 3)
    errors = table["heldout_loss"].mask(lost & (table["seed"] == 1))
    figure, note = figure_of(
        draw_shot_training, table.assign(diverged=flagged, heldout_loss=errors)
    )
    assert "flagged as diverged: SPSA, 100 shots at n = 20 (1 of 4 seeds)" in note
    assert "without a finite error: parameter shift, 1,000 shots" in note
    assert len(line_of(figure.axes[0], "parameter shift, 1,000 shots").get_xydata()) == 2
