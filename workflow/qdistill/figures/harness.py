"""One harness for all figures: theme, titles, legend and note; saved whole or not at all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

from qdistill.errors import ConfigurationError, DataError
from qdistill.figures.tables import select_problem
from qdistill.judgement.published import read_published
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.files import atomic_path
from qdistill.storage.tables import read_frame, read_frames, read_metadata
from qdistill.study.figures import FIGURES, STUDY_FIGURES
from qdistill.study.tracks import ALL

PNG_DOTS_PER_INCH = 160

_PAD = 0.08  # inches
_SETTINGS: dict[str, Any] = {
    # The first is the one that Matplotlib brings; a browser may have another.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.constrained_layout.h_pad": _PAD,
    # Words, not their outlines: a report of many figures is two fifths smaller, and searchable.
    "svg.fonttype": "none",
    "svg.hashsalt": "qdistill",  # without a salt, identifiers in SVG are drawn at random
}
# No date, and no version of the software, so that equal figures are equal files.
_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
_LEFT = 0.012  # of the figure's width, where titles and notes begin
_SMALL: dict[str, Any] = {"color": "#444444", "linespacing": 1.3}
_PER_INCH = {"look_for": 13.0, "note": 15.5}  # characters


def theme() -> AbstractContextManager[None]:
    """Set how figures look and are saved, for a block in which they are both drawn and saved."""
    sizes = sns.plotting_context("paper", font_scale=0.93)
    look: dict[Any, Any] = {**sns.axes_style("whitegrid"), **sizes, **_SETTINGS}
    return matplotlib.rc_context(look)


def plot_figures(
    sources: Mapping[str, Any],
    dataset: str,
    protocol: str,
    outputs: Mapping[str, Sequence[str | Path]],
) -> None:
    """Draw and save figures of one data set and protocol in one process: starting takes longer.

    Sources have the names that :data:`qdistill.study.figures.FIGURES` uses, and files those of
    the figures.
    """
    if sources.get("largest_n") == ALL:
        runs = _read("metrics", sources, dataset, protocol)
        sources = {**sources, "largest_n": int(runs["n"].max())}
    for name, files in outputs.items():
        given = [_read(kind, sources, dataset, protocol) for kind in FIGURES[name].inputs]
        draw_and_save(name, given, files, f"{dataset}, protocol {protocol}: ")


def plot_study(
    name: str, path: str | Path, outputs: Sequence[str | Path], left_out: Sequence[str] = ()
) -> None:
    """Draw and save a figure of a whole study from its table, which must hold something.

    Data sets may be left out, if there are others.
    """
    table = read_frame(STUDY_FIGURES[name].inputs[0], path)
    if "dataset" in table and not (hit := table["dataset"].isin(left_out)).all():
        table = table[~hit]
    if table.empty:
        raise DataError(f"{path}: holds no row, and the figure needs at least one")
    draw_and_save(name, [table], outputs)


def draw_and_save(
    name: str, given: Sequence[Any], outputs: Iterable[str | Path], place: str = ""
) -> None:
    """Draw a figure with title, legend and note, and save it, each file only when complete.

    ``draw_{name}(figure, *given)`` draws it and returns the sentences of its note; ``place`` is
    what the title begins with. Raises ConfigurationError if a suffix is neither ``.svg`` nor
    ``.png``; nothing is written then.
    """
    paths = [Path(output) for output in outputs]
    if wrong := [path for path in paths if path.suffix not in _METADATA]:
        raise ConfigurationError(f"{wrong[0]}: figures are written as .svg or .png")
    entry = (FIGURES | STUDY_FIGURES)[name]
    with theme():
        figure = Figure()
        draw = getattr(import_module(f"qdistill.figures.{entry.module}"), f"draw_{name}")
        finish(figure, place + entry.title, entry.look_for, draw(figure, *given))
        if layout := figure.get_layout_engine():
            layout.execute(figure)  # once, for all files
            figure.set_layout_engine("none")
        for path in paths:
            with atomic_path(path) as partial:
                metadata = _METADATA[path.suffix]
                figure.savefig(
                    partial, format=path.suffix[1:], dpi=PNG_DOTS_PER_INCH, metadata=metadata
                )


def finish(figure: Figure, title: str, look_for: str, notes: Iterable[str]) -> None:
    """Add to what is drawn a bold title, what to look for, a legend, and a note in small type.

    Labelled lines are in one legend at the right, unless axes have legends of their own.
    """
    width = figure.get_figwidth()
    plain = textwrap.wrap(look_for, int(width * _PER_INCH["look_for"]))
    # The title reserves lines below it, in which the plain ones are then written.
    bold = {"fontsize": 10.5, "fontweight": "bold", "linespacing": 1.3}
    figure.suptitle("\n".join([title, *" " * len(plain)]), x=_LEFT, ha="left", **bold)
    top = 1 - (_PAD + 0.25) / figure.get_figheight()
    text = figure.text(_LEFT, top, "\n".join(plain), fontsize=9, va="top", **_SMALL)
    text.set_in_layout(False)
    keys: dict[str, Any] = {}
    for ax in figure.axes:
        for key, label in zip(*ax.get_legend_handles_labels(), strict=True):
            keys.setdefault(label, key)
    if keys and not any(ax.get_legend() for ax in figure.axes):
        figure.legend([*keys.values()], [*keys], loc="outside right center")
    wide = int(width * _PER_INCH["note"])
    lines = [line for sentence in notes for line in textwrap.wrap(sentence, wide)]
    if lines:
        figure.supxlabel("\n".join(lines), x=_LEFT, ha="left", fontsize=7.5, **_SMALL)


def _read(kind: str, sources: Mapping[str, Any], dataset: str, protocol: str) -> Any:
    """Read one of the things that a problem's figures are drawn from."""
    source, problem = sources[kind], (dataset, protocol)
    if kind in ("comparisons", "attribution", "crossover"):  # may have nothing of it
        frame = read_frame(kind, source)
        return frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)]
    if kind == "histories":
        return select_problem(read_frames("history", source), *problem, source[0])
    if kind == "published_csv":
        return read_published(source).query("dataset == @dataset")
    if kind == "latents":
        return read_metadata(source) if source else {}  # texts have none
    wanted = [("n", "=", sources["largest_n"])] if kind == "unitary" else None
    if kind in CONTRACTS:
        return select_problem(read_frame(kind, source, wanted), *problem, source)
    return source
