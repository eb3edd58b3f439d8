"""Which values each setting of a data set may have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qdistill.errors import ConfigurationError


@dataclass(frozen=True)
class _Rule:
    """What values a setting may have, as a test and in words."""

    accepts: Callable[[Any], bool]
    allowed: str


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)  # which Python counts among the integers


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not _is_flag(value)


def _integer(low: int, high: float = math.inf) -> _Rule:
    words = f"a whole number from {low}" + (f" to {high}" if high < math.inf else "")
    return _Rule(
        lambda value: isinstance(value, int) and not _is_flag(value) and low <= value <= high,
        words,
    )


def _number(low: float, high: float = math.inf) -> _Rule:
    words = f"a number above {low}" + (f" and below {high}" if high < math.inf else "")
    return _Rule(
        lambda value: _is_real(value) and low < value < high,
        words,
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_name, value))


_COLUMN = _Rule(lambda value: value is None or _is_name(value), "null or the name of a column")

_RULES: dict[str, _Rule] = {
    "qubits": _integer(2, 12),
    "rank": _integer(1),
    "signal_variance": _number(0),
    "noise_variance": _number(0),
    "generator_seed": _integer(0),
    "corruption_seed": _integer(0),
    "noise": _Rule(lambda value: _is_real(value) and 0 <= value < math.inf, "a number from 0"),
    "dropout": _Rule(lambda value: _is_real(value) and 0 <= value < 1, "a number from 0, below 1"),
    "layers": _integer(1, 1000),
    "angle_range": _Rule(
        lambda value: _is_real(value) and 0 < value <= math.pi, "a number above 0, up to pi"
    ),
    "concentration": _number(0),
    "split_seed": _integer(0),
    "train": _integer(1),
    "heldout": _integer(1),
    "unlabelled": _integer(0),
    "unlabelled_niche": _integer(0),
    "unlabelled_general": _integer(0),
    "niche_package": _Rule(_is_name, "the name of an installed package"),
    "general_packages": _Rule(_are_names, "a list of names of installed packages"),
    "encoder": _Rule(
        lambda value: value is None or _is_name(value),
        "null, a folder, or the id of a model on the Hugging Face hub",
    ),
    "minimum_characters": _integer(1),
    "maximum_characters": _integer(1),
    "path": _Rule(_is_name, "the path of a file, or of a folder of texts"),
    "column": _Rule(
        lambda value: value is None or _is_name(value) or _are_names(value),
        "null, a name, or a list of names",
    ),
    "text_column": _COLUMN,
    "document_column": _COLUMN,
    "label_column": _COLUMN,
    "duplicates": _Rule(
        lambda value: value in ("report", "drop") and isinstance(value, str), "report or drop"
    ),
    "unlabelled_fraction": _number(0, 1),
    "heldout_fraction": _number(0, 1),
}


def check_value(name: str, setting: str, value: Any) -> None:
    """Refuse a value that a setting cannot have.

    Parameters
    ----------
    name : str
        The data set, for the message.
    setting : str
        One of the settings of any kind.
    value : any

    Raises
    ------
    ConfigurationError
        If the value is of another type or out of bounds.
    """
    rule = _RULES[setting]
    if not rule.accepts(value):
        raise ConfigurationError(
            f"data set '{name}': setting '{setting}' is {value!r}, and must be {rule.allowed}"
        )
