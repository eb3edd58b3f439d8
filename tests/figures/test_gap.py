"""The gap figure: ratios of errors, and those that cannot be drawn."""

import numpy as np
import pytest
from scipy import stats

from helpers.figures import axes_of, line_in, saved_words, texts_of
from qdistill.errors import DataError
from qdistill.figures.gap import draw_gap, plot_gap, summarise_gap
from qdistill.study.styles import style_of


def test_the_gap_is_the_geometric_mean_of_each_seeds_ratio(metrics):
    runs = metrics[metrics["stage"] == "trained"]
    summary = summarise_gap(runs).set_index(["model", "n"])
    one = runs[(runs["model"] == "linear") & (runs["n"] == 100)]
    expected = stats.gmean(one["heldout_mse"] / one["train_mse"])
    assert summary.loc[("linear", 100), "mean"] == pytest.approx(expected)


def test_ratios_above_the_axis_and_missing_ones_are_told(metrics):
    runs = metrics[metrics["stage"] == "trained"].copy()
    runs.loc[(runs["model"] == "pca") & (runs["n"] == 50), "train_mse"] = 1e-33
    runs.loc[(runs["model"] == "mean") & (runs["n"] == 100), "train_mse"] = 0.0
    runs.loc[runs["model"] == "linear", "train_mse"] /= 5
    ax = axes_of(draw_gap, runs)
    low, high = ax.get_ylim()
    assert low < 1 and 8 < high < 20
    (pca,) = line_in(ax, style_of("pca").colour)
    assert np.isnan(pca.get_ydata()[0]) and np.isfinite(pca.get_ydata()[1:]).all()
    (arrow,) = line_in(ax, style_of("pca").colour, "^")
    assert arrow.get_xydata().tolist() == [[50, high]]
    words = texts_of(ax.figure)
    assert "Above the axis (arrows): pca at n = 50 (ratio" in words
    assert "No ratio, the training error being zero: mean at n = 100." in words


def test_a_training_error_of_nearly_nothing_does_not_stretch_the_axis(metrics):
    runs = metrics[metrics["stage"] == "trained"].copy()
    runs.loc[(runs["model"] == "linear_tuned") & (runs["n"] == 50), "train_mse"] = 1e-33
    ax = axes_of(draw_gap, runs)
    assert ax.get_ylim()[1] < 2
    assert "Above the axis (arrows): linear_tuned at n = 50" in texts_of(ax.figure)


def test_the_gap_fills_its_figure(metrics):
    ax = axes_of(draw_gap, metrics)
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    assert box.width > 0.5 * ax.figure.bbox.width and box.height > 0.7 * ax.figure.bbox.height


def test_a_run_without_training_error_is_told(metrics):
    runs = metrics.copy()
    runs.loc[(runs["model"] == "square") & (runs["n"] == 200), "train_mse"] = np.nan
    ax = axes_of(draw_gap, runs)
    assert "square at n = 200 (4 of 4 seeds)" in texts_of(ax.figure)


def test_the_gap_figure_is_read_drawn_and_saved(tmp_path, metrics):
    words = saved_words(tmp_path, plot_gap, {"metrics": metrics}, "synthetic-6q", "article")
    assert "synthetic-6q, protocol article" in words


def test_a_damaged_table_leaves_no_figure(tmp_path):
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 nothing else")
    with pytest.raises(DataError, match=r"metrics\.parquet"):
        plot_gap(tmp_path / "metrics.parquet", "synthetic-6q", "article", [tmp_path / "gap.svg"])
    assert not (tmp_path / "gap.svg").exists()
