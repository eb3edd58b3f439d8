"""The JSON schema of a configuration, for editors: ``python -m qdistill.study.schema``."""

import json
from typing import Any

from qdistill.places import WORKFLOW
from qdistill.study.dataset_kinds import KINDS, PRESETS
from qdistill.study.settings import StudySettings

PATH = WORKFLOW / "schemas" / "config.schema.json"


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of a study, data sets by their kind included."""
    schema = StudySettings.model_json_schema()
    definitions = schema["$defs"]
    for kind, record in KINDS.items():
        own = definitions[f"dataset-{kind}"] = record.model_json_schema()
        own.pop("$defs", None)
        if "source" in own["properties"]:
            own["properties"]["source"] = {"$ref": "#/$defs/dataset"}
    kinds = {kind: f"#/$defs/dataset-{kind}" for kind in KINDS}
    built_in = {"enum": sorted(PRESETS)}
    definitions["dataset"] = {
        "description": "The name of a built-in data set, a mapping with that name and the settings "
        "that differ, or a mapping with another name, a `kind` and its settings.",
        "anyOf": [
            built_in,
            {"type": "object", "required": ["name"], "properties": {"name": built_in}},
            {
                "oneOf": [{"$ref": reference} for reference in kinds.values()],
                "discriminator": {"propertyName": "kind", "mapping": kinds},
            },
        ],
    }
    for owner in (schema, definitions["TrackSettings"]):
        owner["properties"]["datasets"]["items"] = {"$ref": "#/$defs/dataset"}
    _drop_noise(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _drop_noise(schema: Any) -> None:
    """Drop titles, which repeat keys, defaults of null, and the ends of lines in descriptions."""
    if isinstance(schema, list):
        for each in schema:
            _drop_noise(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            schema.pop("title")
        if schema.get("default", ...) is None:
            schema.pop("default")
        if isinstance(schema.get("description"), str):
            schema["description"] = " ".join(schema["description"].split())
        for each in schema.values():
            _drop_noise(each)


def schema_text() -> str:
    """Return the schema as the file holds it, a line for each key."""
    lines = []
    for key, value in config_schema().items():
        text = json.dumps(value)
        if key in ("properties", "$defs"):
            inner = (f'"{name}": {json.dumps(each)}' for name, each in value.items())
            text = "{\n    " + ",\n    ".join(inner) + "\n  }"
        lines.append(f'"{key}": {text}')
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
