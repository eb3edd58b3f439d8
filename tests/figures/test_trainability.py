"""The map of trainability: colours, counts and cells that cannot be judged."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers.figures import figure_of, saved_words, texts_of
from qdistill.errors import DataError
from qdistill.figures.trainability import draw_trainability, plot_trainability, summarise_cells
from qdistill.storage.tables import write_table

MEAN = 4e-5


def table_of(powers, n=50):
    """Errors of 10**power times the mean's, for each (layers, range): one power a seed."""
    rows = [
        {
            "qubits": 4,
            "n": n,
            "layers": layers,
            "angle_range": angle_range,
            "seed": seed,
            "train_mse": MEAN * 10.0**power,
            "heldout_mse": MEAN * 10.0**power,
            "mean_heldout_mse": MEAN,
            "diverged": False,
        }
        for (layers, angle_range), seeds in powers.items()
        for seed, power in enumerate(seeds)
    ]
    return pd.DataFrame(rows)


POWERS = {
    (1, 0.5): [-8.0, -6.0, -7.0],
    (1, 3.14): [-4.0, -0.5, 0.0],
    (4, 0.5): [-2.1, -1.9, -2.0],
    (4, 3.14): [0.1, 0.2, 0.3],
}


def test_a_cell_is_the_median_log_ratio_and_counts_the_seeds_below_one_percent():
    cells = summarise_cells(table_of(POWERS)).set_index(["layers", "angle_range"])
    for key, powers in POWERS.items():
        assert cells.loc[key, "level"] == pytest.approx(np.median(powers))
        assert cells.loc[key, "seeds"] == 3
    assert cells["solved"].to_dict() == {(1, 0.5): 3, (1, 3.14): 1, (4, 0.5): 1, (4, 3.14): 0}


def test_an_error_of_exactly_zero_is_solved_and_finite():
    table = table_of(POWERS).assign(heldout_mse=0.0)
    cells = summarise_cells(table)
    assert (cells["solved"] == 3).all()
    assert np.isfinite(cells["level"]).all() and (cells["level"] < -30).all()


def cell_texts(ax):
    """Words at each (range, layers) position: count above, ratio below."""
    found = {}
    for text in ax.texts:
        x, y = text.get_position()
        found.setdefault((round(x), round(y)), []).append(text.get_text())
    return found


def test_cells_lie_by_layers_and_range_and_are_annotated():
    figure = figure_of(draw_trainability, table_of(POWERS))
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["±0.5", "±3.14"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "4"]
    found = cell_texts(ax)
    assert found[(0, 0)] == ["3/3", "$10^{-7.0}$"]
    assert found[(1, 0)] == ["1/3", "0.32"]
    assert found[(0, 1)] == ["1/3", "0.01"]
    assert found[(1, 1)] == ["0/3", "1.6"]


def colour_at(ax, x, y):
    (patch,) = [
        c
        for c in ax.collections
        if np.allclose(c.get_paths()[0].get_extents().min, [x - 0.5, y - 0.5])
    ]
    return patch.get_facecolor()[0, :3]


def test_blue_is_better_than_the_mean_and_red_is_worse():
    figure = Figure()
    powers = {(1, 1.0): [-2.0] * 2, (2, 1.0): [0.0] * 2, (3, 1.0): [2.0] * 2}
    draw_trainability(figure, table_of(powers))
    better, same, worse = (colour_at(figure.axes[0], 0, y) for y in range(3))
    assert better[2] > better[0] + 0.3 and worse[0] > worse[2] + 0.3
    assert np.ptp(same) < 0.05 and same.min() > 0.9


def test_a_failed_run_leaves_its_cell_without_a_mean_and_is_told():
    table = table_of(POWERS)
    hit = (table["layers"] == 4) & (table["angle_range"] == 3.14) & (table["seed"] == 1)
    table.loc[hit, "heldout_mse"] = np.nan
    figure = figure_of(draw_trainability, table)
    ax = figure.axes[0]
    assert cell_texts(ax)[(1, 1)] == ["0/3", "undefined"]
    assert np.ptp(colour_at(ax, 1, 1)) == 0
    assert "Grey, for runs without a finite error: 4 layers within ±3.14 (1 of 3 seeds)." in (
        texts_of(figure)
    )


def test_each_n_has_a_panel_and_a_missing_cell_stays_empty():
    both = pd.concat([table_of(POWERS), table_of({(1, 0.5): [-3.0]}, n=100)])
    figure = figure_of(draw_trainability, both)
    first, second = figure.axes[:2]
    assert first.get_title("left") == "4 qubits, n = 50"
    assert second.get_title("left") == "4 qubits, n = 100"
    assert len(cell_texts(first)) == 4 and len(cell_texts(second)) == 1


def test_the_map_is_read_drawn_and_saved(tmp_path):
    words = saved_words(tmp_path, plot_trainability, {"trainability": table_of(POWERS)})
    assert "seeds of 3 below 1 % of the mean's error" in words


def test_an_empty_table_is_refused(tmp_path):
    write_table("trainability", tmp_path / "t.parquet", table_of(POWERS).iloc[:0], {})
    with pytest.raises(DataError, match=r"t\.parquet: holds no run"):
        plot_trainability(tmp_path / "t.parquet", [tmp_path / "map.svg"])
    assert not (tmp_path / "map.svg").exists()
