"""What is wrong with a configuration, in one line: the key, the value and what is allowed."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from qdistill.errors import ConfigurationError
from qdistill.study.registry import RENAMED

_SHOWN = 80  # characters of a value or key
_LISTED = 200  # characters of a list of names
# What a name or key of an earlier version is called now, by the last part of the key above it.
OLD_NAMES: dict[str, dict[str, str]] = {
    **dict.fromkeys(("models", "challenger", "baseline", "model"), RENAMED),
    "engine": {"compiled": "numba"},
    "deploy": {"student": "model"},
}
_FIRST = {"extra_forbidden": 0, "missing": 1}  # which of several errors is told


def shown(value: Any) -> str:
    """Return a value as it is shown in a message, cut where it is long."""
    return "null" if value is None else _cut(repr(value))


def quoted(word: Any) -> str:
    """Return a name or key in quotes, cut where it is long, on one line."""
    return f"'{_cut(str(word))}'"


def _cut(text: str) -> str:
    """Keep both ends of a long text, of which a path's last part tells most."""
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:38]}...{text[-39:]}"


def listed(names: Iterable[Any]) -> str:
    """Join names by commas, and count those that are too many to be named; "none" of none."""
    names = list(map(str, names))
    text = ", ".join(names)
    if len(text) <= _LISTED:
        return text or "none"
    kept = 1
    while len(", ".join(names[: kept + 1])) <= _LISTED:
        kept += 1
    more = f" and {len(names) - kept} more" if len(names) > kept else ""
    return ", ".join(names[:kept])[:_LISTED] + more


def nearest(word: Any, choices: Iterable[str]) -> str:
    """Return the choice that looks most like a word, if one does."""
    close = difflib.get_close_matches(str(word)[:_SHOWN], list(choices), n=1)
    return f" (did you mean {quoted(close[0])}?)" if close else ""


def check_renamed(key: str, word: Any) -> None:
    """Validate that a word that is not known at a key, such as ``tracks.late.models``, never was.

    Raises ConfigurationError if it was known once; with its new name.
    """
    new = OLD_NAMES.get(key.rpartition(".")[2], {}).get(str(word))
    if new is not None:
        raise ConfigurationError(
            f"configuration: {quoted(key)}: '{word}' is now called '{new}'; write that in its place"
        )


@cache
def schema_of(settings: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of settings."""
    return settings.model_json_schema()


def explain(error: ValidationError, settings: type[BaseModel]) -> str:
    """Describe the first of the errors that pydantic found: the key, the value, what is allowed.

    An unknown key goes before a missing one, since a key that is misspelt is missing too, and that
    before a wrong value; of a value that may also be a word, what is said of the other is more.
    """
    found = min(
        error.errors(include_url=False),
        key=lambda each: (
            _FIRST.get(each["type"], 2),
            -len(each["loc"]),
            each["type"] == "literal_error",
        ),
    )
    place, what, value = found["loc"], found["type"], found["input"]
    if place[-1:] == ("[key]",):  # the name of an entry
        place, value = (*place[:-2], "[key]", place[-2]), place[-2]
    inside = what in _FIRST or "[key]" in place
    around, schema = _follow(schema_of(settings), place[:-1] if inside else place)
    key = ".".join([*around, str(place[-1])] if inside else around)
    if what == "extra_forbidden":
        check_renamed(".".join(around), place[-1])
        allowed = properties_of(schema)
        return (
            f"unknown key {quoted(key)}{nearest(str(place[-1]), allowed)}; allowed here: "
            f"{listed(allowed)}"
        )
    if what == "missing":
        where = quoted(".".join(around)) if around else f"the {settings.__name__.lower()}"
        return f"{where} lacks the key '{place[-1]}'"
    if what == "value_error":
        return f"{quoted(key)}: {found['ctx']['error']}" if key else str(found["ctx"]["error"])
    check_renamed(key, value)
    bare = " without quotes" if value in ("null", "None", "~") else ""
    words = f"must be {_allowed({'type': 'string', **schema} if inside else schema)}{bare}"
    meaning = " ".join(schema.get("description", "").split()).removesuffix(".")
    return ". ".join(filter(None, (f"{quoted(key)}: found {shown(value)}, and {words}", meaning)))


def _follow(
    schema: Mapping[str, Any], place: Iterable[Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Find the schema of a place, passing over the marks that pydantic adds for unions."""
    definitions, inner, key = schema.get("$defs", {}), dict(schema), []
    for part in place:
        found = _step(_resolve(inner, definitions), part, definitions)
        if found is not None:
            inner = _resolve(found, definitions)
            key += [] if part == "[key]" else [str(part)]
    return tuple(key), inner


def _resolve(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a reference stands for in its place, alternatives included."""
    name = schema.get("$ref", "").rpartition("/")[2]
    whole = {**definitions.get(name, {}), **schema}
    if "anyOf" in whole:
        whole["anyOf"] = [_resolve(each, definitions) for each in whole["anyOf"]]
    return whole


def _step(schema: dict[str, Any], part: Any, definitions: Mapping[str, Any]) -> Any:
    for branch in schema.get("anyOf", [schema]):
        if isinstance(part, int):
            inner = branch.get("items")
        elif part == "[key]":
            inner = branch.get("propertyNames")
        else:
            entries = branch.get("patternProperties", {"": branch.get("additionalProperties")})
            inner = branch.get("properties", {}).get(part, *entries.values())
        if isinstance(inner, dict):
            return inner
    return None


def properties_of(schema: Mapping[str, Any]) -> list[str]:
    """List the keys that a mapping may have, by its JSON schema, sorted."""
    branches = schema.get("anyOf", [schema])
    return sorted({key for branch in branches for key in branch.get("properties", {})})


def _allowed(schema: Mapping[str, Any]) -> str:
    """Say in words what a JSON schema allows."""
    if "anyOf" in schema:
        return " or ".join(_allowed(branch) for branch in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        few = len(schema["enum"]) == 2
        return " or ".join(schema["enum"]) if few else f"one of {listed(schema['enum'])}"
    kind = schema.get("type", "")
    if kind == "array":
        return "a non-empty list" if schema.get("minItems") else "a list"
    words = {
        "integer": "a whole number (integer)",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "object": "a mapping",
    }
    return words.get(kind, str(kind)) + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    names = {
        "minimum": " from",
        "exclusiveMinimum": " above",
        "maximum": " to" if "minimum" in schema else ", at most",
        "exclusiveMaximum": ", below",
    }
    return "".join(f"{word} {schema[key]:.10g}" for key, word in names.items() if key in schema)
