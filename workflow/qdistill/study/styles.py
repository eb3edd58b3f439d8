"""Fixed colour, marker and line of every name, so that all figures agree.

Colours are those of Okabe and Ito (2008) and of Tol's muted scheme, which stay apart for
colour-blind readers, and others chosen to be far from those in CIELAB; where two come near
each other for colour-blind readers, marker and line differ. Families share a look besides:
circuits are blue, classical layers red to yellow, controls green and never solid, references
grey to black and without markers, students mostly purple. A student with squared read-out has
the colour of its sibling with linear read-out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from qdistill.study.registry import BOTTLENECKS, REFERENCES, STUDENTS, TUNED, family_of

Line = Literal["-"] | tuple[float, tuple[float, ...]]

_DASHED: Line = (0, (4, 1.5))
_SHORT_DASHED: Line = (0, (2, 1.2))
_DOTTED: Line = (0, (1, 1.3))
_DASH_DOTTED: Line = (0, (5, 1.5, 1, 1.5))


@dataclass(frozen=True)
class Style:
    """How one name is drawn: colour, marker ("" for none), line and marker size in points."""

    colour: str
    marker: str
    line: Line
    size: float = 6.0


# Small markers of circuits lie on top of larger ones of controls: where the two coincide,
# both are seen.
STYLES: dict[str, Style] = {
    "quantum": Style("#0072B2", "o", "-", 4.5),
    "quantum_tuned": Style("#061D51", "*", _DASH_DOTTED, 8.0),
    "quantum_scrambled": Style("#56B4E9", "v", _DASHED, 6.0),
    "real_circuit": Style("#0426ED", "X", _SHORT_DASHED, 5.5),
    "tuned": Style("#63180B", ">", "-", 6.0),
    "linear": Style("#E69F00", "^", "-", 6.0),
    "classical": Style("#D55E00", "D", "-", 5.5),
    "classical_dense": Style("#882255", "P", _DASH_DOTTED, 6.5),
    "orthogonal": Style("#F2AD69", "d", _DASHED, 6.5),
    "square": Style("#009E73", "s", _SHORT_DASHED, 9.0),
    "frozen_circuit": Style("#7A9A01", "p", _DOTTED, 7.5),
    "separable": Style("#52C77D", "<", _DASH_DOTTED, 7.0),
    "mean": Style("#6F6F6F", "", _DASHED),
    "pca": Style("#9A9A9A", "", "-"),
    "pca_cv": Style("#3D3D3D", "", _DOTTED),
    "oracle": Style("#000000", "", _DASH_DOTTED),
    "compiled": Style("#332288", "o", "-"),
    "unitary_re": Style("#AA4499", "s", "-"),
    "unitary_re_squared": Style("#AA4499", "p", _DASH_DOTTED),
    "unitary_im": Style("#D795C3", "<", "-"),
    "unitary_im_squared": Style("#D795C3", ">", _DASH_DOTTED),
    "unitary_abs": Style("#6126BB", "X", "-"),
    "unitary_abs_squared": Style("#6126BB", "*", _DASH_DOTTED, 8.0),
    "unitary_abs2": Style("#BA33EE", "^", "-"),
    "unitary_abs2_squared": Style("#BA33EE", "v", _DASH_DOTTED),
    "random_dense": Style("#999933", "D", _DASHED),
    "random_orthogonal": Style("#BA59DD", "d", _DASHED),
    "distilled_train": Style("#CC6677", "^", _SHORT_DASHED),
    "distilled_pool": Style("#117733", "v", _SHORT_DASHED),
    "distilled_squared": Style("#117733", "s", _DASH_DOTTED),
    "distilled_softmax": Style("#88CCEE", "P", _DOTTED),
    "self_distilled": Style("#682E6E", "D", _DOTTED),
}

# For names in the registry that are not listed above, such as a newcomer's own model.
_SPARE_COLOURS = ("#661100", "#44AA99", "#6699CC", "#DDCC77", "#AA4466", "#4477AA", "#BBCC33")
_SPARE_MARKERS = ("h", "8", "H")
_SPARE_LINES: dict[str, Line] = {"quantum": "-", "classical": "-", "reference": _DASHED}

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
    """Style of a model, reference or student; the same in every figure and every run.

    Parameters
    ----------
    name : str
        A name of the registry. One that has no entry in ``STYLES`` takes a spare one, by
        its place among the registry's names without an entry.

    Raises
    ------
    KeyError
        If the registry does not know the name.
    """
    if name in STYLES:
        return STYLES[name]
    family = family_of(name)
    unlisted = sorted({*_registered_names()} - STYLES.keys())
    place = unlisted.index(name)
    marker = "" if family == "reference" else _SPARE_MARKERS[place % len(_SPARE_MARKERS)]
    colour = _SPARE_COLOURS[place % len(_SPARE_COLOURS)]
    return Style(colour, marker, _SPARE_LINES.get(family, _SHORT_DASHED))


def _registered_names() -> tuple[str, ...]:
    return (*REFERENCES, *BOTTLENECKS, *TUNED, *STUDENTS)


def in_groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort names by family, in the order of ``GROUP_TITLES``, and then as ``STYLES`` lists them.

    Examples
    --------
    >>> in_groups(["pca", "quantum", "mean"])
    {'quantum': ['quantum'], 'reference': ['mean', 'pca']}
    """
    order = list(dict.fromkeys([*STYLES, *_registered_names()]))
    present = sorted(set(names), key=order.index)
    groups = {family: [n for n in present if family_of(n) == family] for family in GROUP_TITLES}
    return {family: members for family, members in groups.items() if members}
