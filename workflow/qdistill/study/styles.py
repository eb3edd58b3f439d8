"""Fixed colour, marker and line of every name, and which names a figure labels."""

from collections.abc import Iterable

from qdistill.study.model_entry import Line, Style
from qdistill.study.registry import ENTRIES

# For names without a style in the table, such as a newcomer's own model.
_SPARE_COLOURS = ("#661100", "#44AA99", "#6699CC", "#DDCC77", "#AA4466", "#4477AA", "#BBCC33")
_SPARE_MARKERS = ("1", "2")
_SPARE_LINES: dict[str, Line] = {"quantum": "-", "classical": "-", "reference": (0, (4, 1.5))}
_SPARE_LINE: Line = (0, (2, 1.2))

MOST_LABELLED = 8  # lines of a figure; more cannot be told apart


def style_of(name: str) -> Style:
    """Return the style of a name of the registry; the same in every figure and every run.

    One whose entry has no style takes a spare one, by its place among those without.
    """
    entry = ENTRIES[name]
    if entry.style is not None:
        return entry.style
    place = sorted(other for other in ENTRIES if ENTRIES[other].style is None).index(name)
    marker = "" if entry.family == "reference" else _SPARE_MARKERS[place % len(_SPARE_MARKERS)]
    colour = _SPARE_COLOURS[place % len(_SPARE_COLOURS)]
    return Style(colour, marker, _SPARE_LINES.get(entry.family, _SPARE_LINE))


def in_front(names: Iterable[str], most: int = MOST_LABELLED) -> list[str]:
    """Choose the names that a figure labels, in the order of the table; others stand back, pale.

    Variants of other models come last. Before them come those that say again what others say:
    tuned forms, students with the outputs of their teacher, and the oracle, which is no rival.
    First come those without which no question is answered.

    Examples
    --------
    >>> in_front(["separable", "quantum", "linear_tuned", "pca"], most=2)
    ['pca', 'quantum']
    """
    order = list(ENTRIES)

    def last(name: str) -> tuple[bool, bool, bool, int]:
        entry = ENTRIES[name]
        repeats = entry.kind == "tuned" or entry.method == "compile" or entry.is_oracle
        return entry.is_variant, repeats, not (repeats or entry.role), order.index(name)

    return sorted(sorted(set(names), key=last)[:most], key=order.index)
