"""The learning curves: blocks of seeds joined, and curves that end early."""

import numpy as np
import pandas as pd

from helpers.figures import figure_of, history_of, points_of
from qdistill.figures.curves import draw_curves, keep_last_values
from qdistill.study.styles import style_of


def lasting(ends, model="quantum", n=50):
    """Histories of seeds that end after some measurements each, as cross-validation has it."""
    parts = [history_of(n, [seed], model, end) for seed, end in enumerate(ends)]
    histories = pd.concat(parts, ignore_index=True)
    epoch = 10 * histories["epoch"]
    heldout = (1 + histories["seed"]) / (1.0 + epoch)
    columns = dict(epoch=epoch, train_loss=heldout / 2, heldout_loss=heldout)
    return histories.assign(**columns, validation_loss=3 * heldout)


def test_curves_join_the_blocks_of_a_model():
    parts = [history_of(50, seeds) for seeds in ((0, 1), (2, 3))]
    histories = pd.concat([*parts, history_of(100, (0, 1), "classical")], ignore_index=True)
    figure, note = figure_of(draw_curves, histories)
    upper_left, upper_right, lower_left, _ = figure.axes
    assert np.allclose(points_of(upper_left, "quantum")[:, 1], 2.5 * 2.0 ** -np.arange(6))
    assert np.allclose(points_of(lower_left, "quantum")[:, 1], 1.25 * 2.0 ** -np.arange(6))
    assert len(points_of(upper_right, "classical")) == 6
    assert upper_right.get_title("left") == "n = 100"
    assert upper_left.get_xscale() == "linear" and upper_left.get_yscale() == "log"
    assert upper_left.get_ylabel() == "held-out error" and lower_left.get_xlabel() == "epoch"
    assert "cross-validated" not in note and "epochs of their own" not in note


def test_a_seed_that_ended_keeps_its_last_errors():
    whole = keep_last_values(lasting([1, 3]))
    first = whole[whole["seed"] == 0]
    assert first["epoch"].tolist() == [0, 10, 20, 30]
    assert np.allclose(first["heldout_loss"], [1, 1 / 11, 1 / 11, 1 / 11])
    assert np.allclose(first["validation_loss"], 3 * first["heldout_loss"])
    second = whole[whole["seed"] == 1]
    assert np.allclose(second["heldout_loss"], 2 / (1 + second["epoch"]))
    others = [lasting([1, 1]), lasting([4, 4], model="linear"), lasting([2, 2], n=100)]
    histories = pd.concat(others, ignore_index=True)
    assert len(keep_last_values(histories)) == len(histories)
    histories = lasting([1, 3])  # a failed seed is not mended by its earlier errors
    histories.loc[(histories["seed"] == 0) & (histories["epoch"] == 10), "heldout_loss"] = np.nan
    whole = keep_last_values(histories)
    assert whole.loc[whole["seed"] == 0, "heldout_loss"].isna().tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_cross_validated_errors_are_thin_dashed_lines_beside_the_held_out_ones():
    figure, note = figure_of(draw_curves, lasting([2, 4]))
    upper, lower = figure.axes
    assert len(lower.lines) == 1
    heldout, dashed = sorted(upper.lines, key=lambda line: -line.get_linewidth())
    assert dashed.get_linewidth() < 1 and dashed.is_dashed() and not heldout.is_dashed()
    assert np.allclose(dashed.get_ydata(), 3 * heldout.get_ydata())
    assert heldout.get_xdata().max() == 40 and upper.get_xscale() == "symlog"
    assert "cross-validated error" in note and "Seeds end at epochs of their own" in note
    assert upper.get_legend_handles_labels()[1] == ["quantum"]


def test_what_is_never_trained_is_a_point():
    """A frozen circuit with fixed projections has one row: it starts as it ends."""
    frozen = lasting([0, 0], model="frozen_circuit")
    figure, _ = figure_of(draw_curves, pd.concat([lasting([3, 3]), frozen], ignore_index=True))
    markers = {line.get_color(): line.get_marker() for line in figure.axes[0].lines}
    style = style_of("frozen_circuit")
    assert points_of(figure.axes[0], "frozen_circuit").tolist() == [[0, 1.5]]
    assert markers[style.colour] == style.marker
    assert markers[style_of("quantum").colour] in ("None", None)


def test_curves_that_end_early_are_told():
    histories = history_of(50, (0, 1))
    histories.loc[(histories["seed"] == 1) & (histories["epoch"] > 2), "heldout_loss"] = np.nan
    figure, note = figure_of(draw_curves, histories)
    assert points_of(figure.axes[0], "quantum")[:, 0].tolist() == [0, 1, 2]
    assert "quantum at n = 50 (seeds: 1)" in note
