"""What the tests of the figures share: a small study, figures, and what was drawn in them."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from helpers.metrics import make_metrics
from helpers.names import ENTRIES
from qdistill.storage.tables import make_frame, write_table
from qdistill.study.styles import style_of

SIZES = (50, 100, 200, 500)
NO_CROSSOVER = make_frame("crossover")
PROBLEM = {"dataset": "synthetic-6q", "qubits": 6, "protocol": "article"}
MEAN_ERROR = 4e-5
# Powers of ten of errors over the mean's, by layers and range of angles: one for each seed.
POWERS = {
    (1, 0.5): [-8.0, -6.0, -7.0],
    (1, 3.14): [-4.0, -0.5, 0.0],
    (4, 0.5): [-2.1, -1.9, -2.0],
    (4, 3.14): [0.1, 0.2, 0.3],
}
NOTHING_PUBLISHED = pd.DataFrame(columns=["qubits", "model", "n", "heldout_loss"])


def study_metrics():
    """Metrics of 4 seeds at each of ``SIZES`` on the 6-qubit synthetic data."""
    return make_metrics(("synthetic-6q",), SIZES, seeds=4)


def write_latents(path, **metadata):
    """A data set of one row, with metadata as synthetic data carry it."""
    columns = {"row": [0], "split": ["train"], "features": np.zeros((1, 4), np.float32)}
    write_table("latents", path, columns, {}, metadata)


def history_of(n, seeds, model="quantum", epochs=5, **where):
    """A history in which the errors of a seed halve at each epoch."""
    seed, epoch = (grid.ravel() for grid in np.meshgrid(seeds, range(epochs + 1), indexing="ij"))
    heldout = (1 + seed) * 2.0**-epoch
    columns = dict(seed=seed, epoch=epoch, train_loss=heldout / 2, heldout_loss=heldout)
    columns |= {"validation_loss": np.nan, "seconds": 0.1 * epoch}
    return pd.DataFrame({**PROBLEM, **where, "n": n, "model": model, **columns})


def unitary_entries(width=8, seed=3):
    """A uniformly random unitary, and the same by the contract "unitary"."""
    matrix = stats.unitary_group.rvs(width, random_state=seed).astype(np.complex64)
    row, column = np.divmod(np.arange(width * width), width)
    place = {**PROBLEM, "n": 50, "seed": seed, "row": row, "column": column}
    parts = {"re": matrix.real.ravel(), "im": matrix.imag.ravel()}
    return matrix, pd.DataFrame({**place, **parts})


def trainability_of(powers, n=50):
    """Errors of 10**power times the mean's, for each (layers, range): one power a seed."""
    rows = [
        (layers, angle_range, seed, MEAN_ERROR * 10.0**power)
        for (layers, angle_range), seeds in powers.items()
        for seed, power in enumerate(seeds)
    ]
    table = pd.DataFrame(rows, columns=["layers", "angle_range", "seed", "heldout_loss"])
    same = {"mean_heldout_loss": MEAN_ERROR, "train_loss": table["heldout_loss"], "diverged": False}
    return table.assign(qubits=4, n=n, **same)


def empty_axes():
    return Figure(figsize=(8, 5)).add_subplot()


def figure_of(draw, *given):
    """A figure in which a function drew what it was given, and the words of its note."""
    figure = Figure()
    return figure, "\n".join(draw(figure, *given))


def points_of(ax, name):
    """Points of all parts of the line of a model, which gaps divide."""
    parts = [line.get_xydata() for line in _lines_of(ax, name)]
    return np.concatenate([np.empty((0, 2)), *parts])


def drawn_lines(ax):
    """The first line of each model that has one, by its name."""
    return {name: lines[0] for name in ENTRIES if (lines := _lines_of(ax, name))}


def _lines_of(ax, name):
    colour = style_of(name).colour
    own = [line for line in ax.lines if line.get_transform() == ax.transData]
    return [line for line in own if line.get_color() == colour and line.get_linestyle() != "None"]


def svg_texts(path):
    """Every word of a saved SVG figure, one text a line."""
    texts = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return "\n".join("".join(text.itertext()) for text in texts)


def check_saved(files):
    """The SVG and the PNG of a figure are whole, and nothing else is beside them."""
    svg, png = files
    assert "</svg>" in svg.read_text()[-20:]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert png.stat().st_size > 10_000
    assert sorted(svg.parent.iterdir()) == sorted(files)
