"""The configuration of a study: checked whole, before Snakemake builds the DAG.

Snakemake imports this module while it parses the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdistill.datasets.presets import declared_rows, resolve_dataset
from qdistill.errors import ConfigurationError
from qdistill.registry import BOTTLENECKS, REFERENCES, STUDENTS, stages_of
from qdistill.tracking.uri import resolve_uri

_SCHEMA_PATH = Path(__file__).parent.parent / "schemas" / "config.schema.json"


@dataclass(frozen=True)
class Study:
    """A checked configuration, with data sets resolved and names sorted by what they are."""

    name: str
    datasets: dict[str, dict[str, Any]]
    n: tuple[int, ...]
    blocks: dict[str, tuple[int, ...]]  # "0-9" -> (0, ..., 9)
    bottlenecks: tuple[str, ...]
    references: tuple[str, ...]
    students: tuple[str, ...]
    config: dict[str, Any]

    def references_of(self, dataset: str) -> tuple[str, ...]:
        """Select the references that mean something: `oracle` needs a known distribution."""
        synthetic = self.datasets[dataset]["kind"] == "synthetic"
        return tuple(name for name in self.references if synthetic or name != "oracle")

    def names_of(self, dataset: str) -> tuple[str, ...]:
        """Name everything that is evaluated on a data set."""
        return self.references_of(dataset) + self.bottlenecks + self.students

    def settings_of(self, name: str) -> dict[str, Any]:
        """Select what a model's or student's jobs depend on, overrides applied."""
        if name in STUDENTS and STUDENTS[name].method == "compile":
            return {}
        training = {**self.config["training"], **self.config["training"]["models"].get(name, {})}
        keys = ["protocol", "epochs", "batch_size", "learning_rate"]
        if name in BOTTLENECKS and BOTTLENECKS[name].is_circuit:
            keys.append("layers")
        return {key: training[key] for key in keys}

    def expected_rows(self) -> list[tuple[str, int, int, int, str, str]]:
        """List (dataset, qubits, n, seed, model, stage) of every row of the metrics."""
        return [
            (dataset, settings["qubits"], n, seed, name, stage)
            for dataset, settings in self.datasets.items()
            for n in self.n
            for seeds in self.blocks.values()
            for seed in seeds
            for name in self.names_of(dataset)
            for stage in stages_of(name)
        ]


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
    _check_schema(given)
    config: dict[str, Any] = json.loads(json.dumps(given))  # a copy of plain types
    config["training"].setdefault("models", {})
    _check_names("models", config["models"], [*BOTTLENECKS, *REFERENCES])
    _check_names("students", config["students"], [*STUDENTS])
    _check_overrides(config["training"]["models"])
    _check_teachers(config["students"], config["models"])
    datasets: dict[str, dict[str, Any]] = {}
    for entry in config["datasets"]:
        settings = resolve_dataset(entry)
        if settings["name"] in datasets:
            raise ConfigurationError(f"datasets: '{settings['name']}' is listed twice")
        datasets[settings["name"]] = settings
        _check_dataset(settings, config["n"])
    if config["mlflow"]["enabled"]:
        resolve_uri(config["mlflow"].get("tracking_uri"))
    return Study(
        name=config["study"],
        datasets=datasets,
        n=tuple(sorted(config["n"])),
        blocks=seed_blocks(config["seeds"], config["seeds_per_block"]),
        bottlenecks=tuple(name for name in config["models"] if name in BOTTLENECKS),
        references=tuple(name for name in config["models"] if name in REFERENCES),
        students=tuple(config["students"]),
        config=config,
    )


def seed_blocks(seeds: int, seeds_per_block: int) -> dict[str, tuple[int, ...]]:
    """Split seeds 0, 1, ... into blocks named by their first and last seed.

    Examples
    --------
    >>> seed_blocks(5, 2)
    {'0-1': (0, 1), '2-3': (2, 3), '4-4': (4,)}
    """
    starts = range(0, seeds, seeds_per_block)
    blocks = [tuple(range(start, min(start + seeds_per_block, seeds))) for start in starts]
    return {f"{block[0]}-{block[-1]}": block for block in blocks}


def _nearest(word: Any, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(choices), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _check_schema(config: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = json.loads(_SCHEMA_PATH.read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is None:
        return
    key = ".".join(map(str, error.absolute_path))
    where = f"'{key}'" if key else "the study"
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in allowed)
        inside = f"{key}.{unknown}" if key else unknown
        raise ConfigurationError(
            f"configuration: unknown key '{inside}'{_nearest(unknown, allowed)}; "
            f"allowed here: {', '.join(allowed)}"
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        raise ConfigurationError(f"configuration: {where} lacks the key '{missing}'")
    meaning = error.schema.get("description", "")
    raise ConfigurationError(f"configuration: {where}: {error.message}. {meaning}".rstrip())


def _check_names(key: str, names: Iterable[str], choices: list[str]) -> None:
    for name in names:
        if name not in choices:
            raise ConfigurationError(
                f"configuration: '{key}': unknown name '{name}'{_nearest(name, choices)}; "
                f"allowed: {', '.join(choices)}"
            )


def _check_overrides(overrides: Mapping[str, Mapping[str, Any]]) -> None:
    trained = [*BOTTLENECKS, *(k for k, v in STUDENTS.items() if v.method != "compile")]
    _check_names("training.models", overrides, trained)
    for name, settings in overrides.items():
        is_circuit = name in BOTTLENECKS and BOTTLENECKS[name].is_circuit
        if "layers" in settings and not is_circuit:
            circuits = [key for key, entry in BOTTLENECKS.items() if entry.is_circuit]
            raise ConfigurationError(
                f"configuration: 'training.models.{name}.layers': found {settings['layers']}, "
                f"but only circuits have layers: {', '.join(circuits)}"
            )


def _check_teachers(students: Iterable[str], models: list[str]) -> None:
    for student in students:
        teacher = STUDENTS[student].teacher
        if teacher not in models:
            raise ConfigurationError(
                f"configuration: 'students': '{student}' learns from '{teacher}', which is not in "
                f"'models' ({', '.join(models)}); add '{teacher}' or remove the student"
            )


def _check_dataset(settings: Mapping[str, Any], sizes: list[int]) -> None:
    if settings["kind"] == "vectors" and not Path(settings["path"]).is_file():
        raise ConfigurationError(
            f"configuration: 'path' of '{settings['name']}': no file '{settings['path']}'; "
            "give a .parquet, .csv, .npy or .npz file, from the folder where you run Snakemake"
        )
    rows, name = declared_rows(dict(settings)), settings["name"]
    if rows is not None and max(sizes) > rows["train"]:
        raise ConfigurationError(
            f"configuration: 'n': found {max(sizes)}, but the train split of '{name}' has "
            f"{rows['train']} rows"
        )
