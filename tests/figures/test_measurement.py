"""Figures of measured circuits: what is drawn is what the tables hold."""

import numpy as np
import pytest

from helpers.figures import figure_of
from helpers.measurement import (
    EXACT_LOSS,
    SPENDING,
    make_measured,
    make_measured_students,
    make_noise_depth,
)
from helpers.metrics import make_metrics
from qdistill.figures.measurement import (
    draw_measured_students,
    draw_noise_depth,
    draw_shots,
)


def line_of(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return np.asarray(line.get_xydata())


def test_lines_by_shots_are_means_and_levels_go_across():
    table = make_measured({("ion", "none"): 1.5})
    metrics = make_metrics(("synthetic-6q",), (100,), seeds=4, names=("mean", "pca"))
    figure, note = figure_of(draw_shots, table, metrics)
    (ax,) = figure.axes
    for label, noise in {"no noise": "none", "ion": "ion"}.items():
        own = table[(table["noise"] == noise) & (table["mitigation"] == "none")]
        means = own[own["shots"] > 0].groupby("shots")["expected_loss"]
        logs = means.apply(lambda values: np.exp(np.log(values).mean()))
        assert line_of(ax, label)[:, 0] == pytest.approx([100, 1000])
        assert line_of(ax, label)[:, 1] == pytest.approx(logs.to_numpy(), rel=1e-3)
    dotted = [line for line in ax.lines if line.get_linestyle() == ":" or line.is_dashed()]
    assert dotted and "extrapolated to no noise" in note
    exact = table[(table["noise"] == "none") & (table["shots"] == 0)]["heldout_loss"].mean()
    assert line_of(ax, "exact probabilities")[:, 1] == pytest.approx(exact)
    assert exact == pytest.approx(EXACT_LOSS, rel=0.1)
    assert {"pca", "mean"} <= {line.get_label() for line in ax.lines}
    assert "4 seeds" in note


def test_students_have_a_panel_for_each_total():
    losses = {"teacher": 0.005, "student": 0.0045, "pca": 0.003, "pca_pool": 0.002}
    table = make_measured_students(losses)
    figure, _ = figure_of(draw_measured_students, table)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["10,000 shots", "100,000 shots"]
    counts = sorted(shots for total, shots in SPENDING if total == 10_000)
    for label in ("teacher", "student", "pca", "pca pool"):
        assert line_of(figure.axes[0], label)[:, 0] == pytest.approx(counts)
    teacher, student = (line_of(figure.axes[0], each)[:, 1] for each in ("teacher", "student"))
    assert (student < teacher).all()


def test_what_is_left_of_the_state_falls_by_layers():
    figure, note = figure_of(draw_noise_depth, make_noise_depth())
    (ax,) = figure.axes
    assert line_of(ax, "0.01")[:, 1] == pytest.approx([0.5**layer for layer in range(1, 6)])
    assert "with 30 two-qubit gates in all" in ax.get_xlabel()
    assert "3 seeds" in note


def test_lost_runs_are_told_and_leave_a_gap():
    table = make_noise_depth()
    hit = (table["noise"] == "0.01") & (table["layers"] == 3) & (table["seed"] == 1)
    figure, note = figure_of(draw_noise_depth, table.assign(fidelity=table["fidelity"].mask(hit)))
    drawn = [line for line in figure.axes[0].lines if line.get_label() == "0.01"]
    assert 3 not in np.concatenate([line.get_xdata() for line in drawn])
    assert "quantum at n = 100 (1 of 3 seeds)" in note
