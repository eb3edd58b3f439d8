"""The unitary figure: the matrix, its maps and the density of uniform unitaries."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from helpers.figures import PROBLEM, figure_of, saved_words
from qdistill.errors import DataError
from qdistill.figures.unitary import (
    TINY_SHARE,
    draw_unitary,
    haar_density,
    matrix_of_seed,
    plot_unitary,
)


def unitary_columns(width=8, seed=3):
    matrix = stats.unitary_group.rvs(width, random_state=seed).astype(np.complex64)
    row, column = np.divmod(np.arange(width * width), width)
    entries = pd.DataFrame(
        {
            "seed": seed,
            "row": row,
            "column": column,
            "re": matrix.real.ravel(),
            "im": matrix.imag.ravel(),
        }
    )
    return matrix, entries


def test_the_matrix_is_that_of_the_first_seed_in_any_order_of_rows():
    matrix, entries = unitary_columns(seed=3)
    _, others = unitary_columns(seed=5)
    shuffled = pd.concat([others, entries]).sample(frac=1, random_state=0)
    seed, found = matrix_of_seed(shuffled, "file")
    assert seed == 3
    assert np.array_equal(found, matrix)


def test_an_incomplete_matrix_is_refused():
    _, entries = unitary_columns()
    with pytest.raises(DataError, match="file: seed 3 has 63 entries"):
        matrix_of_seed(entries.drop(index=20), "file")
    doubled = pd.concat([entries.drop(index=20), entries.iloc[:1]])
    with pytest.raises(DataError, match="not a full square matrix"):
        matrix_of_seed(doubled, "file")
    with pytest.raises(DataError, match="no entry"):
        matrix_of_seed(entries.iloc[:0], "file")


@pytest.mark.parametrize("width", [4, 64])
def test_the_density_is_that_of_entries_of_uniform_unitaries(width):
    total, _ = integrate.quad(haar_density, 0, 1, args=(width,))
    assert total == pytest.approx(1)
    squares = [
        np.abs(stats.unitary_group.rvs(width, random_state=seed)[0, 0]) for seed in range(400)
    ]
    test = stats.kstest(squares, lambda r: 1 - (1 - r**2) ** (width - 1))
    assert test.pvalue > 1e-3
    middle = 0.7 / np.sqrt(width)
    step = 1e-6
    rise = (1 - (middle + step) ** 2) ** (width - 1) - (1 - middle**2) ** (width - 1)
    assert haar_density(np.array(middle), width) == pytest.approx(-rise / step, rel=1e-3)


def test_the_maps_show_sizes_and_mask_the_phase_of_tiny_entries():
    matrix, _ = unitary_columns()
    matrix = matrix.copy()
    matrix[2, 5] = 0.5 * TINY_SHARE / np.sqrt(8) * 1j
    figure = figure_of(draw_unitary, matrix)
    sizes, phases = (
        ax.images[0].get_array() for ax in figure.axes if ax.images and not ax.get_label()
    )
    assert np.allclose(sizes, np.abs(matrix))
    assert np.array_equal(np.ma.getmaskarray(phases), np.abs(matrix) < TINY_SHARE / np.sqrt(8))
    assert phases.mask[2, 5]
    assert np.allclose(phases.compressed(), np.angle(matrix)[~phases.mask])


def test_the_unitary_figure_is_read_drawn_and_saved(tmp_path):
    _, entries = unitary_columns()
    tables = [entries.assign(**PROBLEM, n=n) for n in (50, 500)]
    table = {"unitary": pd.concat(tables, ignore_index=True)}
    words = saved_words(tmp_path, plot_unitary, table, 500, "synthetic-6q", "article")
    assert "synthetic-6q, protocol article: a learned unitary" in words
    assert "3 qubits; model quantum, n = 500, seed 3" in words
    for where in ((500, "digits", "article"), (70, "synthetic-6q", "article")):
        with pytest.raises(DataError, match=r"unitary\.parquet: no row for data set"):
            plot_unitary(tmp_path / "unitary.parquet", *where, [tmp_path / "unitary.svg"])
    assert not (tmp_path / "unitary.svg").exists()
