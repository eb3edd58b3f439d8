"""What the tests of the figures share: a small study, empty axes, and what was drawn on them."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.metrics import make_metrics
from qdistill.storage.tables import make_frame, write_table

SIZES = (50, 100, 200, 500)
NO_CROSSOVER = make_frame("crossover")
PROBLEM = {"dataset": "synthetic-6q", "qubits": 6, "protocol": "article"}
NOTHING_PUBLISHED = pd.DataFrame(columns=["model", "n", "heldout_mse"])


def study_metrics():
    """Metrics of 4 seeds at each of ``SIZES`` on the 6-qubit synthetic data."""
    return make_metrics(("synthetic-6q",), SIZES, seeds=4)


def write_latents(path, **metadata):
    """A data set of one row, with metadata as synthetic data carry it."""
    columns = {"row": [0], "split": ["train"], "features": np.zeros((1, 4), np.float32)}
    write_table("latents", path, columns, {}, metadata)


def empty_axes():
    return Figure(figsize=(8, 5)).add_subplot()


def axes_of(draw, *given):
    """Axes on which a function drew what it was given."""
    ax = empty_axes()
    draw(ax, *given)
    return ax


def figure_of(draw, *given, **options):
    """A figure in which a function drew what it was given."""
    figure = Figure(**options)
    draw(figure, *given)
    return figure


def texts_of(figure):
    """Every word of a figure, notes and legends included."""
    return "\n".join(
        artist.get_text() for artist in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    )


def svg_texts(path):
    """Every word of a saved SVG figure, one text a line; Matplotlib keeps them as comments."""
    return "\n".join(
        line.strip().removeprefix("<!--").removesuffix("-->").strip()
        for line in path.read_text().splitlines()
        if line.strip().startswith("<!--")
    )


def line_in(ax, colour, marker="None"):
    return [line for line in ax.lines if line.get_color() == colour and line.get_marker() == marker]


def figure_files(folder):
    """Paths of an SVG and a PNG file in a folder of their own."""
    return folder / "figures" / "figure.svg", folder / "figures" / "figure.png"


def saved_words(folder, plot, tables, *where):
    """Words of the figure that a function makes of tables in files; both its files are whole."""
    paths = [folder / f"{kind}.parquet" for kind in tables]
    for path, (kind, table) in zip(paths, tables.items(), strict=True):
        write_table(kind, path, table, {})
    files = figure_files(folder)
    plot(*paths, *where, files)
    check_saved(files)
    return svg_texts(files[0])


def check_saved(files):
    """Both files of :func:`figure_files` are whole, and nothing else is beside them."""
    svg, png = files
    assert "</svg>" in svg.read_text()[-20:]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert png.stat().st_size > 10_000
    assert sorted(svg.parent.iterdir()) == sorted(files)
