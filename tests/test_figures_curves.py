"""The learning curves: blocks of seeds joined, and curves that end early."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers_figures import (
    check_saved,
    drawing_settings,  # noqa: F401 (each test draws under it)
    figure_files,
    line_in,
    texts_of,
)
from qdistill.errors import DataError
from qdistill.figures.curves import draw_curves, plot_curves, read_histories
from qdistill.figures.style import style_of
from qdistill.tables import write_table


def write_history(root, n, seeds, model, level=1.0, epochs=5, dataset="synthetic-6q"):
    block = f"{seeds[0]}-{seeds[-1]}"
    path = root / f"results/study/{dataset}/n~{n}/seeds~{block}/{model}/history.parquet"
    seed, epoch = (grid.ravel() for grid in np.meshgrid(seeds, range(epochs + 1), indexing="ij"))
    heldout = level * (1 + seed) * 2.0**-epoch
    columns = dict(seed=seed, epoch=epoch, train_mse=heldout / 2, heldout_mse=heldout)
    write_table("history", path, {**columns, "seconds": 0.1 * epoch}, {})
    return path


def test_curves_join_the_blocks_of_a_model(tmp_path):
    paths = [write_history(tmp_path, 50, seeds, "quantum") for seeds in ((0, 1), (2, 3))]
    paths.append(write_history(tmp_path, 100, (0, 1), "classical"))
    histories = read_histories(paths)
    assert set(histories["dataset"]) == {"synthetic-6q"}
    figure = Figure()
    draw_curves(figure, histories)
    upper_left, upper_right, lower_left, _ = figure.axes
    (line,) = line_in(upper_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 2.5 * 2.0 ** -np.arange(6))
    (line,) = line_in(lower_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 1.25 * 2.0 ** -np.arange(6))
    assert line_in(upper_right, style_of("classical").colour)
    assert upper_right.get_title("left") == "n = 100"


def test_curves_that_end_early_are_told(tmp_path):
    histories = read_histories([write_history(tmp_path, 50, (0, 1), "quantum")])
    histories.loc[(histories["seed"] == 1) & (histories["epoch"] > 2), "heldout_mse"] = np.nan
    figure = Figure()
    draw_curves(figure, histories)
    (line,) = line_in(figure.axes[0], style_of("quantum").colour)
    assert np.isfinite(line.get_ydata()).tolist() == [True] * 3 + [False] * 3
    assert "quantum at n = 50 (1 seed)" in texts_of(figure)


def test_a_path_that_names_no_run_is_refused(tmp_path):
    path = tmp_path / "history.parquet"
    with pytest.raises(DataError, match=r"history\.parquet: expected a path that ends with"):
        read_histories([path])
    with pytest.raises(DataError, match="no history was given"):
        read_histories([])


def test_the_curves_of_one_data_set_are_read_drawn_and_saved(tmp_path):
    history = write_history(tmp_path, 50, (0, 1), "quantum")
    other = write_history(tmp_path, 70, (0, 1), "quantum", dataset="digits")
    files = figure_files(tmp_path)
    plot_curves([history, other], "synthetic-6q", files)
    check_saved(files)


def test_one_path_stands_for_a_list_of_one(tmp_path):
    history = write_history(tmp_path, 50, (0, 1), "quantum")
    plot_curves(str(history), "synthetic-6q", [tmp_path / "curves.svg"])
    assert (tmp_path / "curves.svg").exists()
