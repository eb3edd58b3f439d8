"""Fixed colour, marker and line of every name, so that all figures agree."""

from collections.abc import Iterable
from typing import Any

from qdistill.study.model_table import Line, Style
from qdistill.study.registry import ENTRIES, family_of

# For names without a style in the table, such as a newcomer's own model.
_SPARE_COLOURS = ("#661100", "#44AA99", "#6699CC", "#DDCC77", "#AA4466", "#4477AA", "#BBCC33")
_SPARE_MARKERS = ("h", "8", "H")
_SPARE_LINES: dict[str, Line] = {"quantum": "-", "classical": "-", "reference": (0, (4, 1.5))}
_SPARE_LINE: Line = (0, (2, 1.2))

GROUP_TITLES: dict[str, str] = {
    "quantum": "Circuits",
    "control": "Controls",
    "classical": "Classical layers",
    "reference": "References",
    "student": "Students",
}

FIGURE_SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.dpi": 100,
}


def style_of(name: str) -> Style:
    """Return the style of a model, reference or student; the same in every figure and every run.

    One whose entry has no style takes a spare one, by its place among those without.

    Raises
    ------
    KeyError
        If the registry does not know the name.
    """
    entry = ENTRIES[name]
    if entry.style is not None:
        return entry.style
    place = sorted(other for other in ENTRIES if ENTRIES[other].style is None).index(name)
    marker = "" if entry.family == "reference" else _SPARE_MARKERS[place % len(_SPARE_MARKERS)]
    colour = _SPARE_COLOURS[place % len(_SPARE_COLOURS)]
    return Style(colour, marker, _SPARE_LINES.get(entry.family, _SPARE_LINE))


def in_groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort names by family, in the order of ``GROUP_TITLES``, and then as the table lists them.

    Examples
    --------
    >>> in_groups(["pca", "quantum", "mean"])
    {'quantum': ['quantum'], 'reference': ['mean', 'pca']}
    """
    present = sorted(set(names), key=list(ENTRIES).index)
    groups = {family: [n for n in present if family_of(n) == family] for family in GROUP_TITLES}
    return {family: members for family, members in groups.items() if members}
