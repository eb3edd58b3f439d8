"""The configuration of a study: checked whole, before Snakemake builds the DAG."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from qdistill.errors import ConfigurationError
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.deploy_rules import resolve_deployment
from qdistill.study.measurement_rules import check_measurement
from qdistill.study.messages import check_renamed, explain, listed, nearest, quoted, shown
from qdistill.study.registry import ADAPTERS, BOTTLENECKS, MODELS, REFERENCES, STUDENTS, TUNED
from qdistill.study.settings import StudySettings, TrackSettings
from qdistill.study.track_rules import (
    balance_classes,
    check_sweeps,
    check_track,
    overridable_names,
)
from qdistill.study.tracking_uri import resolve_uri
from qdistill.study.tracks import ALL, Study, Track, seed_blocks, with_source


def resolve_study(given: Mapping[str, Any]) -> Study:
    """Validate a configuration, as read from YAML, and resolve it; see config/README.md.

    Raises ConfigurationError with the key, the value found and what is allowed.
    """
    _check_plain(given)
    config: dict[str, Any] = json.loads(json.dumps(given))  # a copy of plain types
    try:
        StudySettings.model_validate(config)
    except ValidationError as error:
        raise ConfigurationError(f"configuration: {explain(error, StudySettings)}") from None
    main = {key: config[key] for key in TrackSettings.model_fields if key in config}
    tracks = [_resolve_track("main", main, config)]
    for name, changes in (config.get("tracks") or {}).items():
        if name == "main":
            raise ConfigurationError(
                "configuration: 'tracks.main': 'main' is the track of the study's own keys; give "
                "this one any other name"
            )
        if changes is not None:
            tracks.append(_resolve_track(name, _merged(main, changes), config))
    study = Study(
        name=config["study"],
        tracks=tuple(tracks),
        blocks=seed_blocks(config["seeds"], config["seeds_per_block"]),
        config=config,
    )
    _check_problems(study)
    _check_comparisons(study)
    _check_codes_used(study, "downstream", study.downstream)
    _check_codes_used(study, "retrieval", study.retrieval)
    _check_robustness(study)
    _check_codes_used(study, "measurement")
    check_measurement(study)
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
    check_sweeps(settings.get("sweeps", ()), where)
    datasets: dict[str, dict[str, Any]] = {}
    for entry in settings["datasets"]:
        dataset = resolve_dataset(entry)
        if dataset["name"] in datasets:
            raise ConfigurationError(f"{where}datasets: '{dataset['name']}' is listed twice")
        datasets[dataset["name"]] = dataset
    models, sizes = settings["models"], settings["n"]
    if per_class := settings.get("per_class"):
        count = balance_classes(datasets, where)
        sizes = [count * each for each in per_class]
    track = Track(
        name=name,
        datasets=datasets,
        n=_ordered(sizes),
        bottlenecks=tuple(name for name in models if name in (*BOTTLENECKS, *ADAPTERS)),
        tuned=tuple(name for name in models if name in TUNED),
        references=tuple(name for name in models if name in REFERENCES),
        students=tuple(settings["students"]),
        projections=settings["projections"],
        pools=tuple(settings.get("pool_sweep") or ()),
        sweeps=tuple(settings.get("sweeps") or ()),
        training=training,
        tuning=config["tuning"],
    )
    check_track(track, where)
    return track


def _ordered(sizes: str | Iterable[int | str]) -> tuple[int | str, ...]:
    """Sort the numbers, and put after them what stands for all rows."""
    asked = [sizes] if isinstance(sizes, str) else list(sizes)
    return (*sorted(n for n in asked if isinstance(n, int)), *(ALL for n in asked if n == ALL))


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
            for each in with_source(settings):
                if known.setdefault(each["name"], each) != each:
                    raise ConfigurationError(
                        f"configuration: data set '{each['name']}' is there with two different "
                        "settings; give one of them another name"
                    )


def _check_comparisons(study: Study) -> None:
    """Refuse a comparison between names that no track holds together."""
    held = [{*track.models, *track.students} for track in study.tracks]
    choices = sorted(set().union(*held))
    for index, pair in enumerate(study.config.get("comparisons") or []):
        for role in ("challenger", "baseline"):
            if pair[role] not in choices:
                check_renamed(f"comparisons.{index}.{role}", pair[role])
                raise ConfigurationError(
                    f"configuration: 'comparisons.{index}.{role}': {quoted(pair[role])} is not "
                    f"among the models and students of the study{nearest(pair[role], choices)}; "
                    f"those are {listed(choices)}"
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


def _check_codes_used(study: Study, key: str, used: Iterable[tuple[str, str]] = ()) -> None:
    """Refuse data sets whose codes cannot be put to use, and more neighbours than rows."""
    settings = study.config.get(key)
    if not settings:
        return
    possible = sorted(
        {name for track in study.tracks for name in track.datasets if track.compresses(name)}
    )
    for name in settings["datasets"]:
        if settings["datasets"] != "all" and name not in possible:
            raise ConfigurationError(
                f"configuration: '{key}.datasets': {quoted(name)} is not among the data sets "
                f"that a track reconstructs with trained projections{nearest(name, possible)}; "
                f"those are {listed(possible)}"
            )
    for name in {dataset for dataset, _ in used}:
        rows, _ = record_of(study.datasets[name]).inspect()
        if rows is not None and settings["neighbours"] > rows["heldout"] - 2:
            raise ConfigurationError(
                f"configuration: '{key}.neighbours': found {settings['neighbours']}, but "
                f"'{name}' has {rows['heldout']} held-out rows; at most "
                f"{max(rows['heldout'] - 2, 0)} are possible"
            )


def _check_robustness(study: Study) -> None:
    """Refuse perturbed inputs where no track tells classes apart."""
    if study.config.get("robustness") and not study.robustness:
        names = listed(dict.fromkeys(name for name, _ in study.problems))
        raise ConfigurationError(
            "configuration: 'robustness': found settings, but no data set of the study has classes "
            f"to tell apart ({names}); add one of kind 'labels', or give null"
        )


def _check_plain(value: Any, key: str = "") -> None:
    """Refuse what JSON cannot hold: dates, keys that are no text, numbers without end."""
    inner: Iterable[tuple[Any, Any]] = ()
    problem = ""
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    elif isinstance(value, float) and not math.isfinite(value):
        problem = f"{value} is not a finite number"
    elif isinstance(value, int) and abs(value) >= 2**63:
        problem = "a number above 64 bits"
    elif value is not None and not isinstance(value, str | int | float):
        problem = (
            f"{quoted(value)} is a {type(value).__name__}; allowed are text (put it in quotes), "
            "numbers, true, false and null"
        )
    for name, item in inner:
        if isinstance(value, Mapping) and not isinstance(name, str):
            problem = f"the key {shown(name)} is no text; put it in quotes"
            break
        _check_plain(item, f"{key}.{name}" if key else str(name))
    if problem:
        raise ConfigurationError(f"configuration: {quoted(key)}: {problem}")


def _check_names(key: str, names: Iterable[str], choices: Iterable[str]) -> None:
    for name in names:
        if name not in choices:
            check_renamed(key, name)
            raise ConfigurationError(
                f"configuration: '{key}': unknown name {quoted(name)}{nearest(name, choices)}; "
                f"allowed: {listed(choices)}"
            )
