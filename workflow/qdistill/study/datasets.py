"""A data set of the configuration with all its settings, checked."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from qdistill.errors import ConfigurationError
from qdistill.study.dataset_kinds import KINDS, PRESETS, DatasetKind
from qdistill.study.messages import explain, listed, nearest, quoted, shown


def resolve_dataset(entry: Any) -> dict[str, Any]:
    """Return ``name``, ``kind``, ``qubits`` or ``width``, and every other setting of a data set.

    The entry is the name of a built-in data set, or a mapping with ``name`` and settings: those
    that differ from the built-in data set of that name or, under any other name, a ``kind`` and its
    settings. Raises ConfigurationError if a name, kind or setting is unknown, missing or not
    allowed.
    """
    return _settings_of(_resolve_record(entry))


def _settings_of(record: DatasetKind) -> dict[str, Any]:
    dumped = record.model_dump()
    first = {"name": record.name, "kind": record.kind, **record.size()}
    unasked = {key for key in ("metric",) if dumped.get(key) is None}
    others = sorted(set(dumped) - {*first, "qubits", "width"} - unasked)
    settings = {**first, **{key: dumped[key] for key in others}}
    source = getattr(record, "source", None)
    if isinstance(source, DatasetKind):
        settings["source"] = _settings_of(source)
    elif source is not None:  # the mapping that the base of a language is described by
        settings["source"] = resolve_dataset(source)
    return settings


def record_of(settings: Mapping[str, Any]) -> DatasetKind:
    """Return the record of a data set by its settings from :func:`resolve_dataset`."""
    fields = KINDS[settings["kind"]].model_fields  # a derived one's qubits are its source's
    return _resolve_record({key: value for key, value in settings.items() if key in fields})


def nearness_of(settings: Mapping[str, Any]) -> str:
    """Return the metric by which codes of a data set are near, "cosine" or "euclidean"."""
    default = "cosine" if KINDS[settings["kind"]].is_text else "euclidean"
    return str(settings.get("metric", default))


def made_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Select the settings that a data set is made by, not those that it is measured by."""
    made = {key: value for key, value in settings.items() if key != "metric"}
    return {**made, "source": made_of(made["source"])} if "source" in made else made


def folder_of(settings: Mapping[str, Any]) -> str:
    """Return the folder under ``data/`` in which a data set is kept, whatever the study.

    It is the name, of a built-in data set as it is built in; else with a digest of the settings, so
    that two studies that mean different data by one name do not overwrite each other's.
    """
    name = settings["name"]
    if name in PRESETS and "path" not in settings and made_of(settings) == resolve_dataset(name):
        return str(name)
    text = json.dumps(made_of(settings), sort_keys=True)
    return f"{name}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _resolve_record(entry: Any) -> DatasetKind:
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"configuration: 'datasets': found {shown(entry)}, and must be the name of a data set, "
            "or a mapping with 'name' and settings"
        )
    name = given.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", name):
        raise ConfigurationError(
            f"data set {shown(name)}: a name must begin with a lower-case letter or digit and hold "
            "only those and '-', at most 60"
        )
    preset = PRESETS.get(name, {})
    kind = _checked_kind(name, given.get("kind", preset.get("kind")))
    values = {**preset, **given, "name": name, "kind": kind}
    record = KINDS[kind]
    if "source" in record.model_fields and isinstance(values.get("source"), str | Mapping):
        values["source"] = _resolve_record(values["source"])
    try:
        return record.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"data set '{name}': {explain(error, record)}") from None


def _checked_kind(name: str, kind: Any) -> str:
    if kind is None:
        raise ConfigurationError(
            f"data set '{name}' is not built in{nearest(name, PRESETS)}; the built-in ones are "
            f"{listed(sorted(PRESETS))}, and any other name needs a 'kind'"
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigurationError(
            f"data set '{name}': unknown kind {quoted(kind)}{nearest(kind, KINDS)}; the kinds are "
            f"{listed(sorted(KINDS))}"
        )
    if name in PRESETS and kind != PRESETS[name]["kind"]:
        raise ConfigurationError(
            f"data set '{name}' is built in and of kind '{PRESETS[name]['kind']}', not "
            f"'{kind}'; give yours another name"
        )
    return kind
