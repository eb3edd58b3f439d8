"""Every name has an implementation, and every name and setting is documented."""

import json
from pathlib import Path

import pytest

from qdistill.models.bottlenecks import build_bottleneck
from qdistill.study.dataset_kinds import KINDS, PRESETS
from qdistill.study.registry import (
    BOTTLENECKS,
    ENTRIES,
    MODELS,
    REFERENCES,
    SIMPLICITY,
    STUDENTS,
    TUNED,
)
from qdistill.study.schema import PATH, schema_text

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = json.loads(PATH.read_text())


def test_every_name_has_an_implementation_and_a_place_on_the_ladder():
    for name in BOTTLENECKS:
        assert build_bottleneck(name, 8, {"layers": 2}).width == ENTRIES[name].code_width(8)
    assert set(SIMPLICITY) == {*MODELS} - {"oracle"}  # which knows the distribution
    teachers = {entry.teacher for entry in STUDENTS.values()}
    assert teachers - set(BOTTLENECKS) == {"logistic", ""}  # fitted where it teaches, and none
    assert [kind for kind, record in KINDS.items() if not record.task] == []


def properties_of(schema, path=()):
    """Every key that a configuration may have, with its schema, references resolved."""
    schema = {**SCHEMA["$defs"].get(schema.get("$ref", "").rpartition("/")[2], {}), **schema}
    yield path, schema
    for branch in schema.get("anyOf", ()):
        yield from (found for found in properties_of(branch, path) if found[0] != path)
    for key, inner in schema.get("properties", {}).items():
        yield from properties_of(inner, (*path, key))
    entries = schema.get("patternProperties", {"": schema.get("additionalProperties")})
    for inner in entries.values():
        if isinstance(inner, dict):
            yield from properties_of(inner, (*path, "*"))


def sections_of(schema):
    """What a reference stands for, where null may stand in its place."""
    names = [each.get("$ref", "").rpartition("/")[2] for each in schema.get("anyOf", ())]
    return [SCHEMA["$defs"][name] for name in names if name]


def test_every_key_of_the_schema_has_a_description():
    described = dict(properties_of(SCHEMA))
    lacking = [
        path
        for path, schema in described.items()
        if path and not any("description" in each for each in (schema, *sections_of(schema)))
    ]
    assert lacking == []
    assert ("tracks", "*", "training", "models", "*", "regularised", "folds") in described


def test_the_schema_is_that_of_the_settings():
    assert PATH.read_text() == schema_text(), "run `python -m qdistill.study.schema`"


def documented():
    return (CONFIG / "README.md").read_text()


def test_every_key_is_documented():
    text = documented()
    for path, schema in properties_of(SCHEMA):
        if path and "*" not in path and "properties" not in schema and not sections_of(schema):
            assert f"`{'.'.join(path)}`" in text, path


def test_every_name_and_setting_is_documented():
    text = documented()
    own = {name for record in KINDS.values() for name in record.model_fields} - {"name", "kind"}
    for name in [*BOTTLENECKS, *REFERENCES, *TUNED, *STUDENTS, *PRESETS, *own]:
        assert f"`{name}`" in text, name
    for kind in KINDS:
        assert f"**`{kind}`**" in text, kind


def section(title):
    return documented().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "names"), [("Models", MODELS), ("Students", STUDENTS)], ids=["models", "students"]
)
def test_tables_of_names_hold_those_of_the_registry_and_no_other(title, names):
    rows = [line.split("|")[1] for line in section(title).splitlines() if line.startswith("| `")]
    found = [name.strip(" `") for row in rows for name in row.split(",")]
    assert sorted(found) == sorted(names)


def test_documented_defaults_of_data_sets_are_those_of_the_code():
    text = section("Data sets")
    for kind, record in KINDS.items():
        part = text.partition(f"**`{kind}`**")[2].partition("\n**`")[0]
        rows = [line.split("|")[1:3] for line in part.splitlines() if line.startswith("| `")]
        found = {
            name.strip(" `"): value.strip()
            for names, values in rows
            for name, value in zip(names.split(","), values.split(","), strict=False)
        }
        for name in set(record.model_fields) - {"name", "kind"}:
            assert name in found, (kind, name)
            value = record.model_fields[name].default
            if isinstance(value, bool):
                assert found[name] == str(value).lower(), (kind, name)
            elif isinstance(value, int | float):
                assert float(found[name]) == value, (kind, name)
