"""A data set of the configuration with all its settings, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.dataset_kinds import KIND_DEFAULTS, PRESETS, REQUIRED
from qdistill.study.setting_rules import check_value

# Kinds of a map: y is not x.
KINDS_WITH_TARGETS = ("corrupted", "teacher-circuit", "markov")

DIGITS_ROWS = 1_797
DIGITS_WIDTH = 64
DIGITS_CLASSES = 10
MINILM_WIDTH = 384


def resolve_dataset(entry: str | Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a data set of the configuration.

    Parameters
    ----------
    entry : str or mapping
        The name of a built-in data set, or a mapping with ``name`` and settings: those
        that differ from the built-in data set of that name or, under any other name, a
        ``kind`` and its settings.

    Returns
    -------
    dict
        ``name``, ``kind``, ``qubits`` and every other setting of the kind.

    Raises
    ------
    ConfigurationError
        If the name, the kind or a setting is unknown, a setting is missing, or a value is
        not allowed.
    """
    given = {"name": entry} if isinstance(entry, str) else dict(entry)
    name = _checked_name(given.pop("name", None))
    preset = PRESETS.get(name, {})
    kind = _checked_kind(name, given.pop("kind", preset.get("kind")))
    defaults = KIND_DEFAULTS[kind]
    known = {*defaults, *REQUIRED[kind]}
    for setting in given:
        if setting not in known:
            raise ConfigurationError(
                f"data set '{name}': unknown setting '{setting}'; kind '{kind}' takes "
                f"{', '.join(sorted(known))}"
            )
    settings = deepcopy({**defaults, **preset, **given, "name": name, "kind": kind})
    for setting in REQUIRED[kind]:
        if setting not in settings:
            raise ConfigurationError(
                f"data set '{name}': setting '{setting}' is missing, which kind '{kind}' needs"
            )
    for setting in sorted(known - {"source"}):
        check_value(name, setting, settings[setting])
    if kind == "corrupted":
        settings["source"] = _resolved_source(name, settings["source"])
        settings["qubits"] = settings["source"]["qubits"]
    _check_together(settings)
    first = ("name", "kind", "qubits")
    return {key: settings[key] for key in (*first, *sorted(set(settings) - set(first)))}


def declared_rows(settings: Mapping[str, Any]) -> dict[str, int] | None:
    """Rows per split, where they are known before any data is read.

    Parameters
    ----------
    settings : mapping
        From :func:`resolve_dataset`.

    Returns
    -------
    dict or None
        Counts of ``train``, ``unlabelled`` and ``heldout``; None for the kinds ``vectors`` and
        ``text``.
    """
    if settings["kind"] == "corrupted":
        return declared_rows(settings["source"])
    if settings["kind"] in ("vectors", "text"):
        return None
    if settings["kind"] == "docstrings":
        unlabelled = settings["unlabelled_niche"] + settings["unlabelled_general"]
    else:
        unlabelled = settings["unlabelled"]
    return {
        "train": settings["train"],
        "unlabelled": unlabelled,
        "heldout": settings["heldout"],
    }


def declared_width(settings: Mapping[str, Any]) -> int | None:
    """Width D of the features, where it is known before any data is read.

    Parameters
    ----------
    settings : mapping
        From :func:`resolve_dataset`.

    Returns
    -------
    int or None
        None for kind ``vectors``, and for text with an encoder of the user's.
    """
    if settings["kind"] == "corrupted":
        return declared_width(settings["source"])
    if settings["kind"] == "synthetic":
        return 4 * 2 ** settings["qubits"]
    if settings["kind"] in ("teacher-circuit", "markov"):
        return 2 ** settings["qubits"]
    if settings["kind"] == "digits":
        return DIGITS_WIDTH
    if settings["kind"] in ("docstrings", "text") and settings["encoder"] is None:
        return MINILM_WIDTH
    return None


def _resolved_source(name: str, source: Any) -> dict[str, Any]:
    """Resolve the data set that a corrupted one is made from."""
    if not isinstance(source, str | Mapping):
        raise ConfigurationError(
            f"data set '{name}': setting 'source' is {source!r}, and must be the name of a data "
            "set, or a mapping with `name` and settings"
        )
    settings = resolve_dataset(source)
    if settings["kind"] in KINDS_WITH_TARGETS:
        raise ConfigurationError(
            f"data set '{name}': its source '{settings['name']}' is of kind '{settings['kind']}', "
            "which has targets already; a source has features alone"
        )
    return settings


def _checked_name(name: Any) -> str:
    """Check the name, which becomes a folder under ``data/`` and ``results/``."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ConfigurationError(
            f"data set {name!r}: a name must begin with a lower-case letter or digit and hold "
            "only those and '-'"
        )
    return name


def _checked_kind(name: str, kind: Any) -> str:
    if kind is None:
        raise ConfigurationError(
            f"data set '{name}' is not built in; the built-in ones are "
            f"{', '.join(sorted(PRESETS))}, and any other name needs a 'kind'"
        )
    if not isinstance(kind, str) or kind not in KIND_DEFAULTS:
        raise ConfigurationError(
            f"data set '{name}': unknown kind '{kind}'; the kinds are "
            f"{', '.join(sorted(KIND_DEFAULTS))}"
        )
    if name in PRESETS and kind != PRESETS[name]["kind"]:
        raise ConfigurationError(
            f"data set '{name}' is built in and of kind '{PRESETS[name]['kind']}', not "
            f"'{kind}'; give yours another name"
        )
    return kind


def _check_together(settings: Mapping[str, Any]) -> None:
    """Refuse settings that are allowed one by one but not together."""
    name, kind, size = settings["name"], settings["kind"], 2 ** settings["qubits"]
    width, rows = declared_width(settings), declared_rows(settings)
    if width is not None and width < size:
        raise ConfigurationError(
            f"data set '{name}': {settings['qubits']} qubits need at least {size} features, "
            f"and it has {width}"
        )
    if kind == "synthetic" and settings["rank"] > 4 * size:
        raise ConfigurationError(
            f"data set '{name}': rank {settings['rank']} is above the {4 * size} features"
        )
    if kind == "digits" and rows is not None:
        _check_digits(name, rows)
    if "minimum_characters" in settings:
        _check_lengths(settings)
    if (
        "heldout_fraction" in settings
        and settings["unlabelled_fraction"] + settings["heldout_fraction"] >= 1
    ):
        raise ConfigurationError(
            f"data set '{name}': unlabelled_fraction {settings['unlabelled_fraction']} and "
            f"heldout_fraction {settings['heldout_fraction']} leave no rows to train on"
        )


def _check_lengths(settings: Mapping[str, Any]) -> None:
    if settings["minimum_characters"] > settings["maximum_characters"]:
        raise ConfigurationError(
            f"data set '{settings['name']}': minimum_characters {settings['minimum_characters']} "
            f"is above maximum_characters {settings['maximum_characters']}"
        )


def _check_digits(name: str, rows: Mapping[str, int]) -> None:
    """Refuse splits that are too large, or too small to hold every class."""
    left_over = DIGITS_ROWS - sum(rows.values())
    if left_over < 0:
        raise ConfigurationError(
            f"data set '{name}': train, unlabelled and heldout ask for {sum(rows.values())} "
            f"rows, and there are {DIGITS_ROWS}"
        )
    for part, count in {**rows, "the rest": left_over}.items():
        if 0 < count < DIGITS_CLASSES:
            raise ConfigurationError(
                f"data set '{name}': {part} has {count} of the {DIGITS_ROWS} rows, too few to "
                f"hold each of the {DIGITS_CLASSES} classes; it must have none or at least "
                f"{DIGITS_CLASSES}"
            )
