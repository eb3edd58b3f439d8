"""Maps: the matrix of a unitary and the density of uniform ones, and where circuits train."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from helpers.figures import POWERS, figure_of, trainability_of, unitary_entries
from qdistill.errors import DataError
from qdistill.figures.maps import (
    TINY_SHARE,
    draw_trainability,
    draw_unitary,
    haar_density,
    summarise_cells,
)
from qdistill.storage.tables import unitary_of


def test_the_matrix_is_that_of_one_seed_in_any_order_of_rows():
    matrix, entries = unitary_entries(seed=3)
    both = pd.concat([unitary_entries(seed=5)[1], entries])
    assert np.array_equal(unitary_of(both.sample(frac=1, random_state=0), 3, "u"), matrix)


def test_an_incomplete_matrix_is_refused():
    _, entries = unitary_entries()
    missing = entries.drop(index=20)
    for wrong in (missing, pd.concat([missing, entries.iloc[:1]])):
        with pytest.raises(DataError, match=rf"the {len(wrong)} entries of seed 3 are no full"):
            unitary_of(wrong, 3, "u")


@pytest.mark.parametrize("width", [4, 64])
def test_the_density_is_that_of_entries_of_uniform_unitaries(width):
    total, _ = integrate.quad(haar_density, 0, 1, args=(width,))
    assert total == pytest.approx(1)
    seeds = range(400)
    sizes = [np.abs(stats.unitary_group.rvs(width, random_state=seed)[0, 0]) for seed in seeds]
    test = stats.kstest(sizes, lambda r: 1 - (1 - r**2) ** (width - 1))
    assert test.pvalue > 1e-3
    middle, step = 0.7 / np.sqrt(width), 1e-6
    rise = (1 - (middle + step) ** 2) ** (width - 1) - (1 - middle**2) ** (width - 1)
    assert haar_density(np.array(middle), width) == pytest.approx(-rise / step, rel=1e-3)


def test_the_maps_show_sizes_and_mask_the_phase_of_tiny_entries():
    matrix, entries = unitary_entries()
    tiny = 0.5 * TINY_SHARE / np.sqrt(8)
    hit = (entries["row"] == 2) & (entries["column"] == 5)
    entries.loc[hit, ["re", "im"]] = np.float32([0.0, tiny])
    matrix[2, 5] = tiny * 1j
    both = pd.concat([unitary_entries(seed=5)[1], entries])
    figure, note = figure_of(draw_unitary, both, 50)  # of the first seed
    left, middle, right = figure.axes[:3]
    assert np.allclose(left.collections[0].get_array(), np.abs(matrix))
    phases = middle.collections[0].get_array()
    assert np.array_equal(np.ma.getmaskarray(phases), np.abs(matrix) < TINY_SHARE / np.sqrt(8))
    assert phases.mask[2, 5] and np.allclose(phases.compressed(), np.angle(matrix)[~phases.mask])
    area = sum(patch.get_height() * patch.get_width() for patch in right.patches)
    assert area == pytest.approx(1)
    assert note == "Model quantum at 3 qubits, n = 50, seed 3."


def test_a_cell_is_the_median_log_ratio_and_counts_the_seeds_below_one_percent():
    cells = summarise_cells(trainability_of(POWERS)).set_index(["layers", "angle_range"])
    for key, powers in POWERS.items():
        assert cells.loc[key, "level"] == pytest.approx(np.median(powers))
        assert cells.loc[key, "seeds"] == 3
    assert cells["solved"].to_dict() == {(1, 0.5): 3, (1, 3.14): 1, (4, 0.5): 1, (4, 3.14): 0}
    solved = summarise_cells(trainability_of(POWERS).assign(heldout_loss=0.0))
    assert (solved["solved"] == 3).all() and (solved["level"] < -30).all()


def test_cells_lie_by_layers_and_range_and_are_annotated():
    table = pd.concat([trainability_of(POWERS, n) for n in (50, 90)])
    figure, note = figure_of(draw_trainability, table)
    ax, other = figure.axes[:2]
    assert ax.get_title("left") == "4 qubits, n = 50" and "n = 90" in other.get_title("left")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["±0.5", "±3.14"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "4"]
    assert ax.get_ylim() == (0, 2)  # upwards
    found = {text.get_position(): text.get_text() for text in ax.texts}
    below = {(0.5, 0.5): "3/3\n$10^{-7.0}$", (1.5, 0.5): "1/3\n0.32"}
    assert found == below | {(0.5, 1.5): "1/3\n0.01", (1.5, 1.5): "0/3\n1.6"}
    assert "seeds of 3 below 1 % of the mean's error" in note


def test_blue_is_better_than_the_mean_red_is_worse_and_a_failed_cell_is_grey_and_told():
    powers = {(layers, 1.0): [power] * 2 for layers, power in ((1, -2.0), (2, 0.0), (3, 2.0))}
    powers[4, 1.0] = [0.0, np.nan]
    figure, note = figure_of(draw_trainability, trainability_of(powers))
    mesh = figure.axes[0].collections[0]
    mesh.update_scalarmappable()
    better, same, worse, failed = mesh.get_facecolors()
    assert better[2] > better[0] + 0.3 and worse[0] > worse[2] + 0.3
    assert np.ptp(same[:3]) < 0.05 and same[:3].min() > 0.9
    assert failed[3] == 0 and np.ptp(figure.axes[0].get_facecolor()[:3]) == 0
    assert "Grey, for runs without a finite error: 4 layers within ±1 (1 of 2 seeds)." in note


def test_a_circuit_that_has_diverged_is_passed_over():
    rows = [(seed, r, c) for seed in range(2) for r in range(4) for c in range(4)]
    entries = pd.DataFrame(rows, columns=["seed", "row", "column"]).assign(re=0.5, im=0.0)
    entries.loc[entries["seed"] == 0, ["re", "im"]] = np.nan
    _, note = figure_of(draw_unitary, entries, 50)
    assert "seed 1" in note
    figure, _ = figure_of(draw_unitary, entries.assign(re=np.nan), 50)
    assert "have diverged" in figure.axes[0].texts[0].get_text()
