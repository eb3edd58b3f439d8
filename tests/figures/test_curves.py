"""The learning curves: blocks of seeds joined, and curves that end early."""

import numpy as np
import pandas as pd
import pytest

from helpers.figures import (
    PROBLEM,
    check_saved,
    figure_files,
    figure_of,
    line_in,
    svg_texts,
    texts_of,
)
from qdistill.errors import DataError
from qdistill.figures.curves import draw_curves, keep_last_values, plot_curves
from qdistill.storage.tables import write_table
from qdistill.study.styles import style_of


def history_of(n, seeds, model="quantum", epochs=5, **where):
    seed, epoch = (grid.ravel() for grid in np.meshgrid(seeds, range(epochs + 1), indexing="ij"))
    heldout = (1 + seed) * 2.0**-epoch
    columns = dict(seed=seed, epoch=epoch, train_mse=heldout / 2, heldout_mse=heldout)
    columns |= {"validation_mse": np.nan, "seconds": 0.1 * epoch}
    return pd.DataFrame({**PROBLEM, **where, "n": n, "model": model, **columns})


def lasting(ends, every=10, model="quantum", n=50):
    """Histories of seeds that end after some measurements each, as cross-validation has it."""
    parts = [history_of(n, [seed], model, end) for seed, end in enumerate(ends)]
    histories = pd.concat(parts, ignore_index=True)
    epoch = every * histories["epoch"]
    heldout = (1 + histories["seed"]) / (1.0 + epoch)
    columns = dict(epoch=epoch, train_mse=heldout / 2, heldout_mse=heldout)
    return histories.assign(**columns, validation_mse=3 * heldout)


def test_curves_join_the_blocks_of_a_model():
    parts = [history_of(50, seeds) for seeds in ((0, 1), (2, 3))]
    histories = pd.concat([*parts, history_of(100, (0, 1), "classical")], ignore_index=True)
    figure = figure_of(draw_curves, histories)
    upper_left, upper_right, lower_left, _ = figure.axes
    (line,) = line_in(upper_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 2.5 * 2.0 ** -np.arange(6))
    (line,) = line_in(lower_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 1.25 * 2.0 ** -np.arange(6))
    assert line_in(upper_right, style_of("classical").colour)
    assert upper_right.get_title("left") == "n = 100"
    assert upper_left.get_xscale() == "linear"
    assert "cross-validated" not in texts_of(figure)
    assert "epochs of their own" not in texts_of(figure)


def test_a_seed_that_ended_keeps_its_last_errors():
    whole = keep_last_values(lasting([1, 3]))
    first = whole[whole["seed"] == 0]
    assert first["epoch"].tolist() == [0, 10, 20, 30]
    assert np.allclose(first["heldout_mse"], [1, 1 / 11, 1 / 11, 1 / 11])
    assert np.allclose(first["validation_mse"], 3 * first["heldout_mse"])
    second = whole[whole["seed"] == 1]
    assert np.allclose(second["heldout_mse"], 2 / (1 + second["epoch"]))


def test_lengths_of_other_models_and_sizes_do_not_matter():
    parts = [lasting([1, 1]), lasting([4, 4], model="linear"), lasting([2, 2], n=100)]
    histories = pd.concat(parts, ignore_index=True)
    assert len(keep_last_values(histories)) == len(histories)


def test_a_failed_seed_is_not_mended_by_its_earlier_errors():
    histories = lasting([1, 3])
    histories.loc[(histories["seed"] == 0) & (histories["epoch"] == 10), "heldout_mse"] = np.nan
    whole = keep_last_values(histories)
    assert whole.loc[whole["seed"] == 0, "heldout_mse"].isna().tolist() == [False, True, True, True]


def test_cross_validated_errors_are_thin_dashed_lines_beside_the_held_out_ones():
    figure = figure_of(draw_curves, lasting([2, 4]))
    upper, lower = figure.axes
    lines = line_in(upper, style_of("quantum").colour)
    assert len(lines) == 2 and len(line_in(lower, style_of("quantum").colour)) == 1
    heldout, dashed = sorted(lines, key=lambda line: -line.get_linewidth())
    assert dashed.get_linewidth() < 1 and dashed.is_dashed() and not heldout.is_dashed()
    assert np.allclose(dashed.get_ydata(), 3 * heldout.get_ydata())
    assert heldout.get_xdata().max() == 40
    assert upper.get_xscale() == "symlog"
    words = texts_of(figure)
    assert "cross-validated error" in words
    assert "Seeds end at epochs of their own" in words


def test_what_is_never_trained_is_a_point():
    """A frozen circuit with fixed projections has one row: it starts as it ends."""
    frozen = lasting([0, 0], model="frozen_circuit")
    figure = figure_of(draw_curves, pd.concat([lasting([3, 3]), frozen], ignore_index=True))
    style = style_of("frozen_circuit")
    (point,) = line_in(figure.axes[0], style.colour, style.marker)
    assert point.get_xydata().tolist() == [[0, 1.5]]
    assert not line_in(figure.axes[0], style_of("quantum").colour, style_of("quantum").marker)


def test_curves_that_end_early_are_told():
    histories = history_of(50, (0, 1))
    histories.loc[(histories["seed"] == 1) & (histories["epoch"] > 2), "heldout_mse"] = np.nan
    figure = figure_of(draw_curves, histories)
    (line,) = line_in(figure.axes[0], style_of("quantum").colour)
    assert np.isfinite(line.get_ydata()).tolist() == [True] * 3 + [False] * 3
    assert "quantum at n = 50 (1 seed)" in texts_of(figure)


def test_the_curves_of_one_data_set_and_protocol_are_read_drawn_and_saved(tmp_path):
    others = [
        history_of(70, (0, 1), dataset="digits"),
        history_of(80, (0, 1), protocol="converged"),
    ]
    for number, table in enumerate([history_of(50, (0, 1)), *others]):
        write_table("history", tmp_path / f"{number}.parquet", table, {})
    files, paths = figure_files(tmp_path), sorted(tmp_path.glob("*.parquet"))
    plot_curves(paths, "synthetic-6q", "article", files)
    check_saved(files)
    words = svg_texts(files[0])
    assert "synthetic-6q, protocol article" in words
    assert "n = 50" in words and "n = 70" not in words and "n = 80" not in words
    with pytest.raises(DataError, match="'docstrings' under the protocol 'article'"):
        plot_curves(paths, "docstrings", "article", [tmp_path / "other.svg"])
