"""The configuration of a study: checked whole, before Snakemake builds the DAG."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qdistill.errors import ConfigurationError
from qdistill.study.datasets import declared_rows, resolve_dataset
from qdistill.study.deploy_rules import resolve_deployment
from qdistill.study.registry import BOTTLENECKS, MODELS, REFERENCES, RENAMED, STUDENTS, TUNED
from qdistill.study.track_rules import check_track, overridable_names
from qdistill.study.tracking_uri import resolve_uri
from qdistill.study.tracks import Study, Track, seed_blocks

_SCHEMA_PATH = Path(__file__).parents[2] / "schemas" / "config.schema.json"
_TRACK_KEYS = ("datasets", "n", "models", "students", "projections", "pool_sweep", "training")


def resolve_study(given: Mapping[str, Any]) -> Study:
    """Check a configuration and resolve it.

    Parameters
    ----------
    given : mapping
        As read from YAML; see config/README.md.

    Returns
    -------
    Study

    Raises
    ------
    ConfigurationError
        With the key, the value found and what is allowed.
    """
    _check_plain(given)
    _check_schema(given)
    config: dict[str, Any] = json.loads(json.dumps(given))  # a copy of plain types
    main = {key: config[key] for key in _TRACK_KEYS if key in config}
    tracks = [_resolve_track("main", main, config)]
    for name, changes in (config.get("tracks") or {}).items():
        if name == "main":
            raise ConfigurationError(
                "configuration: 'tracks.main': 'main' is the track of the study's own keys; give "
                "this one any other name"
            )
        if changes is None:
            continue
        tracks.append(_resolve_track(name, _merged(main, changes), config))
    study = Study(
        name=config["study"],
        tracks=tuple(tracks),
        blocks=seed_blocks(config["seeds"], config["seeds_per_block"]),
        config=config,
    )
    _check_problems(study)
    _check_comparisons(study)
    _check_downstream(study)
    resolve_deployment(study)
    if config["mlflow"]["enabled"]:
        resolve_uri(config["mlflow"].get("tracking_uri"))
    return study


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings key by key; replace anything else."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        merged[key] = _merged(base[key], value) if nested else value
    return merged


def _resolve_track(name: str, settings: Mapping[str, Any], config: Mapping[str, Any]) -> Track:
    """Check one track's names and settings; resolve its data sets."""
    where = "" if name == "main" else f"tracks.{name}."
    _check_names(f"{where}models", settings["models"], MODELS)
    _check_names(f"{where}students", settings["students"], STUDENTS)
    training = {**settings["training"], "models": settings["training"].get("models") or {}}
    _check_names(f"{where}training.models", training["models"], overridable_names())
    datasets: dict[str, dict[str, Any]] = {}
    for entry in settings["datasets"]:
        dataset = resolve_dataset(entry)
        if dataset["name"] in datasets:
            raise ConfigurationError(f"{where}datasets: '{dataset['name']}' is listed twice")
        datasets[dataset["name"]] = dataset
    models = settings["models"]
    track = Track(
        name=name,
        datasets=datasets,
        n=tuple(sorted(settings["n"])),
        bottlenecks=tuple(name for name in models if name in BOTTLENECKS),
        tuned=tuple(name for name in models if name in TUNED),
        references=tuple(name for name in models if name in REFERENCES),
        students=tuple(settings["students"]),
        projections=settings["projections"],
        pools=tuple(settings.get("pool_sweep") or ()),
        training=training,
        tuning=config["tuning"],
    )
    check_track(track, where)
    return track


def _check_problems(study: Study) -> None:
    """Refuse a data set that is there twice: by protocol, or under other settings."""
    seen: dict[tuple[str, str], str] = {}
    known: dict[str, dict[str, Any]] = {}
    for track in study.tracks:
        for name, settings in track.datasets.items():
            key = (name, track.protocol)
            if key in seen:
                raise ConfigurationError(
                    f"configuration: the tracks '{seen[key]}' and '{track.name}' both have data "
                    f"set '{name}' under the protocol '{track.protocol}'; give one of them a data "
                    "set with another name or another protocol, or leave the second out with "
                    f"'tracks.{track.name}: null'"
                )
            seen[key] = track.name
            sources = [settings["source"]] if settings["kind"] == "corrupted" else []
            for each in (settings, *sources):
                if known.setdefault(each["name"], each) != each:
                    raise ConfigurationError(
                        f"configuration: data set '{each['name']}' is there with two different "
                        "settings; give one of them another name"
                    )


def _check_comparisons(study: Study) -> None:
    """Refuse a comparison between names that no track holds together."""
    held = [
        set(track.references + track.bottlenecks + track.tuned + track.students)
        for track in study.tracks
    ]
    for index, pair in enumerate(study.config.get("comparisons") or []):
        for role in ("challenger", "baseline"):
            choices = sorted(set().union(*held))
            if pair[role] not in choices:
                raise ConfigurationError(
                    f"configuration: 'comparisons.{index}.{role}': '{pair[role]}' is not among "
                    f"the models and students of the study{nearest(pair[role], choices)}; those "
                    f"are {', '.join(choices)}"
                )
        if pair["challenger"] == pair["baseline"]:
            raise ConfigurationError(
                f"configuration: 'comparisons.{index}': found '{pair['baseline']}' as challenger "
                "and as baseline, which must differ"
            )
        if not any({pair["challenger"], pair["baseline"]} <= names for names in held):
            raise ConfigurationError(
                f"configuration: 'comparisons.{index}': no track has both '{pair['challenger']}' "
                f"and '{pair['baseline']}'"
            )


def _check_downstream(study: Study) -> None:
    """Refuse data sets whose codes cannot be put to use, and more neighbours than rows."""
    settings = study.config.get("downstream")
    if not settings:
        return
    possible = sorted(
        {name for track in study.tracks for name in track.datasets if track.compresses(name)}
    )
    chosen = [] if settings["datasets"] == "all" else settings["datasets"]
    for name in chosen:
        if name not in possible:
            raise ConfigurationError(
                f"configuration: 'downstream.datasets': '{name}' is not among the data sets that "
                f"a track reconstructs with trained projections{nearest(name, possible)}; those "
                f"are {', '.join(possible) or 'none'}"
            )
    for name in {dataset for dataset, _ in study.downstream}:
        rows = declared_rows(study.datasets[name])
        if rows is not None and settings["neighbours"] > rows["heldout"] - 2:
            raise ConfigurationError(
                f"configuration: 'downstream.neighbours': found {settings['neighbours']}, but "
                f"'{name}' has {rows['heldout']} held-out rows; at most {rows['heldout'] - 2} are "
                "possible"
            )


def nearest(word: Any, choices: Iterable[str]) -> str:
    """Suggest the choice that looks most like a word, if one does."""
    close = difflib.get_close_matches(RENAMED.get(str(word), str(word)), list(choices), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _check_plain(value: Any, key: str = "") -> None:
    """Refuse what YAML reads and JSON cannot hold: dates, and numbers that are not finite."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"configuration: '{key}': {value} is not a finite number")
    elif value is not None and not isinstance(value, str | int | float):
        raise ConfigurationError(
            f"configuration: '{key}': {value} is a {type(value).__name__}; allowed are text "
            "(put it in quotes), numbers, true, false and null"
        )
    for name, item in inner:
        _check_plain(item, f"{key}.{name}" if key else str(name))


def _check_schema(config: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import extend

    schema = json.loads(_SCHEMA_PATH.read_text(encoding="utf-8"))
    # JSON Schema counts 3.0 among the integers, and Python does not.
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = extend(Draft202012Validator, type_checker=types)(schema)
    error = best_match(validator.iter_errors(config))
    if error is None:
        return
    key = ".".join(map(str, error.absolute_path))
    where = f"'{key}'" if key else "the study"
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in allowed)
        inside = f"{key}.{unknown}" if key else unknown
        raise ConfigurationError(
            f"configuration: unknown key '{inside}'{nearest(unknown, allowed)}; "
            f"allowed here: {', '.join(allowed)}"
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        raise ConfigurationError(f"configuration: {where} lacks the key '{missing}'")
    meaning = error.schema.get("description", "")
    raise ConfigurationError(f"configuration: {where}: {error.message}. {meaning}".rstrip())


def _check_names(key: str, names: Iterable[str], choices: Iterable[str]) -> None:
    for name in names:
        if name not in choices:
            raise ConfigurationError(
                f"configuration: '{key}': unknown name '{name}'{nearest(name, choices)}; "
                f"allowed: {', '.join(choices)}"
            )
