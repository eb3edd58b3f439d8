"""Import finished results into MLflow; importing them again changes nothing.

Parquet is the record, MLflow the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from qdistill.errors import DataError
from qdistill.files import write_json
from qdistill.tables import read_frame, read_metadata
from qdistill.tracking.curves import read_histories
from qdistill.tracking.links import comparison_links
from qdistill.tracking.parameters import flatten_settings, read_choices
from qdistill.tracking.runs import RunRecord, model_records
from qdistill.tracking.store import find_experiment, open_store
from qdistill.tracking.uri import printable_uri, resolve_uri
from qdistill.tracking.writer import OUTCOMES, write_records

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NOTE = "mlflow.note.content"  # shown as Markdown above a run or an experiment
_LONGEST_NOTE = {"run": 7500, "experiment": 19_000}  # characters; MLflow's limits are above
_SERVER_CONNECTIONS = 4


def sync_study(
    study: str,
    metrics_path: str | Path,
    histories: Iterable[str | Path],
    figures: Iterable[str | Path],
    documents: Iterable[str | Path],
    settings: Mapping[str, Any],
    receipt_path: str | Path,
    tracking_uri: str | None = None,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    choices_path: str | Path | None = None,
) -> dict[str, Any]:
    """Bring the MLflow experiment ``qdistill/{study}`` in line with finished results.

    Parameters
    ----------
    study : str
        Name of the study.
    metrics_path : path
        Table of the contract ``metrics``.
    histories : iterable of path
        Learning curves,
        ``.../{dataset}/{protocol}/n~{n}/seeds~{block}/{model}/history.parquet``; a model may
        have none.
    figures, documents : iterable of path
        Artifacts of the study's run. The first Markdown document is its description.
    settings : mapping
        The whole configuration, kept as the parameters of the study's run.
    receipt_path : path
        JSON file written last, with what is returned.
    tracking_uri : str, optional
        ``mlflow.tracking_uri`` of the configuration; see
        :func:`qdistill.tracking.uri.resolve_uri`.
    training : mapping of str to mapping, optional
        Training settings by ``{dataset}/{protocol}/{model}``, kept as parameters of the runs.
    choices_path : path, optional
        Table of the contract ``choices``: what cross-validation chose for each seed, kept as
        parameters ``choice.{key}``.

    Returns
    -------
    dict
        ``tracking_uri``, ``experiment_id``, ``experiment`` and the number of runs
        ``created``, ``unchanged``, ``replaced``, ``relinked`` (nested under another parent)
        and ``deleted``.

    Raises
    ------
    ConfigurationError
        If the URI names a folder.
    DataError
        If a table or an artifact is missing or damaged, or a learning curve or a choice is of
        a run that the metrics do not hold.
    TrackingError
        If the store is locked, cannot be reached, or fails.
    """
    uri = resolve_uri(tracking_uri)
    metrics = read_frame("metrics", metrics_path)
    choices = None if choices_path is None else read_choices(choices_path)
    records = model_records(study, metrics, read_histories(histories), training or {}, choices)
    records.append(_study_record(study, metrics_path, metrics, figures, documents, settings))
    with open_store(uri) as client:
        name = f"qdistill/{study}"
        experiment = find_experiment(client, uri, name)
        # a server answers several requests at once; one file has one writer
        connections = _SERVER_CONNECTIONS if uri.startswith("http") else 1
        counts = write_records(client, experiment, records, connections)
        _describe_experiment(client, experiment, metrics)
    receipt = {
        "tracking_uri": printable_uri(uri),
        "experiment_id": experiment,
        "experiment": name,
        **{what: counts[what] for what in OUTCOMES},
    }
    write_json(receipt_path, receipt)
    return receipt


def _study_record(
    study: str,
    metrics_path: str | Path,
    metrics: pd.DataFrame,
    figures: Iterable[str | Path],
    documents: Iterable[str | Path],
    settings: Mapping[str, Any],
) -> RunRecord:
    """Describe the run that carries the figures, the verdict and the whole configuration."""
    paths = [Path(path) for path in (metrics_path, *figures, *documents)]
    folder = Path(metrics_path).parent
    artifacts = {_artifact_name(path, folder): path for path in paths}
    texts = [path for path in paths if path.suffix == ".md"]
    tags = {"study": study}
    if texts:
        tags[_NOTE] = _shortened(_read_bytes(texts[0]).decode(), _LONGEST_NOTE["run"])
    provenance = {k: v for k, v in read_metadata(metrics_path).items() if k.endswith("_version")}
    return RunRecord(
        key=study,
        name=study,
        level="study",
        parent=None,
        tags=tags,
        params=flatten_settings(settings) | provenance,
        metrics={"runs": float(len(metrics)), "diverged": float(metrics["diverged"].sum())},
        artifacts=artifacts,
        artifact_digests={
            name: hashlib.sha256(_read_bytes(path)).hexdigest() for name, path in artifacts.items()
        },
    )


def _artifact_name(path: Path, folder: Path) -> str:
    if path.resolve().is_relative_to(folder.resolve()):
        return path.resolve().relative_to(folder.resolve()).as_posix()
    return path.name


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return text[:longest].rpartition("\n")[0] + "\n\n...\n"


def _describe_experiment(client: MlflowClient, experiment: str, metrics: pd.DataFrame) -> None:
    """Put links to ready comparisons above the experiment's runs."""
    wanted = {
        "mlflow.experimentKind": "custom_model_development",
        _NOTE: _shortened(comparison_links(experiment, metrics), _LONGEST_NOTE["experiment"]),
    }
    tags = client.get_experiment(experiment).tags
    for name, value in wanted.items():
        if tags.get(name) != value:
            client.set_experiment_tag(experiment, name, value)
