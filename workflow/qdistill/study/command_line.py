"""What `snakemake --config key=value` says, as YAML has it."""

from collections.abc import Iterable
from typing import Any

import yaml

NOTHING = ("null", "None", "~")  # how people write it


def typed_values(entries: Iterable[str]) -> dict[str, Any]:
    """Return what entries ``key=value`` say of null, lists and mappings.

    Snakemake turns numbers and truth values into what they are, but leaves the word null, and all
    that stands inside lists and mappings, as text. Any other value, and what is no YAML, is left
    out.
    """
    typed = {}
    for entry in entries:
        key, _, text = entry.partition("=")
        try:
            value = _with_nothing(yaml.safe_load(text))
        except yaml.YAMLError:
            continue
        if value is None or isinstance(value, list | dict):
            typed[key] = value
    return typed


def _with_nothing(value: Any) -> Any:
    """Put null where Python's word for it stands."""
    if isinstance(value, dict):
        return {key: _with_nothing(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nothing(item) for item in value]
    return None if value in NOTHING else value
