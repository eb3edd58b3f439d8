"""The matrix that a trained circuit applies: size and phase of its entries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from qdistill.errors import DataError
from qdistill.figures.axes import set_titles
from qdistill.figures.save import saved_figure
from qdistill.figures.summaries import select_problem
from qdistill.storage.tables import read_frame
from qdistill.study.styles import style_of

# The phase of an entry smaller than this share of the root mean square size, which is
# 1/sqrt(N) for every unitary, is not shown: it carries next to no weight.
TINY_SHARE = 0.1


def matrix_of_seed(entries: pd.DataFrame, path: str | Path) -> tuple[int, np.ndarray]:
    """Return the matrix of the first seed of a table.

    Parameters
    ----------
    entries : DataFrame
        By the contract "unitary".

    Returns
    -------
    int, ndarray of complex64, shape (N, N)
        The seed and U, with out[row] = sum over columns of U[row, column] in[column].

    Raises
    ------
    DataError
        If there is no entry, or the entries are not those of one square matrix.
    """
    if entries.empty:
        raise DataError(f"{path}: holds no entry of any matrix")
    seed = int(entries["seed"].min())
    one = entries[entries["seed"] == seed]
    size = int(one["row"].max()) + 1
    places = one["row"].to_numpy() * size + one["column"].to_numpy()
    if not np.array_equal(np.sort(places), np.arange(size * size)):
        raise DataError(f"{path}: seed {seed} has {len(one)} entries, not a full square matrix")
    matrix = np.empty(size * size, dtype=np.complex64)
    matrix[places] = one["re"].to_numpy() + 1j * one["im"].to_numpy()
    return seed, matrix.reshape(size, size)


def haar_density(size: np.ndarray, width: int) -> np.ndarray:
    """Return the density of |U_ij| for a unitary drawn uniformly (by Haar's measure).

    Parameters
    ----------
    size : ndarray
        Where to evaluate, between 0 and 1.
    width : int
        N, the number of rows.

    Returns
    -------
    ndarray
        2 r (N - 1) (1 - r²)^(N - 2): |U_ij|² is the squared size of one coordinate of a
        uniform point of the complex unit sphere, which follows Beta(1, N - 1).
    """
    return 2 * size * (width - 1) * (1 - size**2) ** (width - 2)


def draw_unitary(figure: Figure, matrix: np.ndarray) -> None:
    """Draw sizes and phases of the entries as maps, and the distribution of the sizes.

    Parameters
    ----------
    matrix : ndarray of complex, shape (N, N)
        The unitary.
    """
    width = len(matrix)
    sizes = np.abs(matrix)
    phases = np.ma.masked_where(sizes < TINY_SHARE / np.sqrt(width), np.angle(matrix))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1))
    shown = left.imshow(sizes, cmap="viridis", vmin=0, interpolation="nearest")
    figure.colorbar(shown, ax=left, location="bottom", shrink=0.9, aspect=30)
    left.set_title("size |U|")
    shown = middle.imshow(phases, cmap="twilight", vmin=-np.pi, vmax=np.pi, interpolation="nearest")
    middle.set_facecolor("#BBBBBB")
    bar = figure.colorbar(shown, ax=middle, location="bottom", shrink=0.9, aspect=30)
    bar.set_ticks([-np.pi, 0, np.pi], labels=["\N{MINUS SIGN}π", "0", "π"])
    middle.set_title("phase of U (grey: tiny entries)")
    for ax in (left, middle):
        ax.grid(visible=False)
        ax.set_xlabel("input amplitude (column)")
        ax.set_ylabel("output amplitude (row)")
        ticks = np.linspace(0, width, 5)[:-1].astype(int)
        ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
        ax.yaxis.set_major_locator(FixedLocator(list(ticks)))
    _draw_distribution(right, sizes)
    for ax in (left, middle, right):
        ax.set_box_aspect(1)
        ax.set_anchor("N")


def _draw_distribution(ax: Axes, sizes: np.ndarray) -> None:
    width = len(sizes)
    end = max(float(sizes.max()) * 1.05, 3 / np.sqrt(width))
    ax.hist(
        sizes.ravel(),
        bins=list(np.linspace(0, end, 31)),
        density=True,
        color=style_of("quantum").colour,
        alpha=0.75,
        label="this circuit",
    )
    at = np.linspace(0, min(end, 1), 300)
    ax.plot(at, haar_density(at, width), color="black", linewidth=1.4, label="uniform unitary")
    ax.set_xlabel("size |U| of an entry")
    ax.set_ylabel("density")
    ax.set_title("distribution of the sizes")
    ax.set_ylim(0, ax.get_ylim()[1] * 1.25)  # head-room for the legend
    ax.legend(loc="upper right")


def plot_unitary(
    path: str | Path,
    n: int,
    dataset: str,
    protocol: str,
    outputs: Sequence[str | Path],
) -> None:
    """Read a learned unitary, draw it and save it.

    Parameters
    ----------
    path : path
        Table by the contract "unitary"; its first seed is drawn.
    n : int
        Number of labelled rows of the circuit that is drawn.

    Raises
    ------
    DataError
        If the table is damaged, or has no row of this data set under this protocol at n.
    """
    entries = read_frame("unitary", path, [("n", "=", n)])
    seed, matrix = matrix_of_seed(select_problem(entries, dataset, protocol, path), path)
    with saved_figure(outputs, (10.4, 4.5)) as figure:
        draw_unitary(figure, matrix)
        set_titles(
            figure,
            f"{dataset}, protocol {protocol}: a learned unitary",
            f"{int(np.log2(len(matrix)))} qubits; model quantum, n = {n:,}, seed {seed}",
        )
