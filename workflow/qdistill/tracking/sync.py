"""Import finished results into MLflow; importing them again changes nothing.

Parquet is the record, MLflow the index. The runs of models are thousands and are written while
figures are drawn; the study's own run carries the figures and comes last.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from qdistill.errors import DataError, TrackingError
from qdistill.storage.files import write_json
from qdistill.storage.tables import read_frame
from qdistill.study.tracking_uri import printable_uri, resolve_uri
from qdistill.tracking.curves import read_histories
from qdistill.tracking.links import comparison_links
from qdistill.tracking.parameters import read_choices
from qdistill.tracking.runs import RunRecord, model_records
from qdistill.tracking.store import find_experiment, open_store
from qdistill.tracking.study_run import NOTE, shorten, study_record
from qdistill.tracking.writer import OUTCOMES, has_runs, write_runs, write_study_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LONGEST_NOTE = 19_000  # characters above an experiment; MLflow's limit is above
_SERVER_CONNECTIONS = 4


def sync_runs(
    study: str,
    metrics_path: str | Path,
    histories: Iterable[str | Path],
    receipt_path: str | Path,
    tracking_uri: str | None = None,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    choices_path: str | Path | None = None,
) -> dict[str, Any]:
    """Bring the runs of models in the experiment ``qdistill/{study}`` in line with results.

    A store that fails is no reason to stop what does not need it, such as the figures: the
    receipt then holds the ``error``, and :func:`sync_study` tries again.

    Parameters
    ----------
    study : str
    metrics_path, histories : path, iterable of path
        Tables of the contracts ``metrics`` and ``history``; a model may have no history.
    receipt_path : path
        JSON file written last, with what is returned.
    tracking_uri : str, optional
        As :func:`qdistill.study.tracking_uri.resolve_uri` takes it.
    training : mapping of str to mapping, optional
        Training settings by ``{dataset}/{protocol}/{model}``, kept as parameters of the runs.
    choices_path : path, optional
        Table of the contract ``choices``, kept as parameters ``choice.{key}``.

    Returns
    -------
    dict
        ``tracking_uri``, ``experiment_id``, ``experiment`` and the number of runs
        ``created``, ``unchanged``, ``replaced``, ``relinked`` (nested under another parent)
        and ``deleted``; or ``tracking_uri`` and the ``error``.

    Raises
    ------
    ConfigurationError
        If the URI names a folder.
    DataError
        If a table is missing or damaged, or a learning curve or a choice is of a run that the
        metrics do not hold.
    """
    uri = resolve_uri(tracking_uri)
    metrics = read_frame("metrics", metrics_path)
    records = _records_of_runs(study, metrics, histories, training, choices_path)
    try:
        with open_store(uri) as client:
            place = _place(client, uri, study)
            counts = write_runs(client, place["experiment_id"], records, _connections(uri))
        receipt = place | {what: counts[what] for what in OUTCOMES}
    except TrackingError as error:
        logging.getLogger(__name__).warning("%s; it is tried again at the end", error)
        receipt = {"tracking_uri": printable_uri(uri), "error": str(error)}
    write_json(receipt_path, receipt)
    return receipt


def sync_study(
    study: str,
    metrics_path: str | Path,
    histories: Iterable[str | Path],
    runs_receipt_path: str | Path,
    figures: Iterable[str | Path],
    documents: Iterable[str | Path],
    settings: Mapping[str, Any],
    receipt_path: str | Path,
    tracking_uri: str | None = None,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    choices_path: str | Path | None = None,
) -> dict[str, Any]:
    """Complete the MLflow experiment ``qdistill/{study}`` with the study's own run.

    The runs of models are written first if the receipt is not of this store, if the store
    has lost them, or if they could not be written.

    Parameters
    ----------
    study, metrics_path, histories, tracking_uri, training, choices_path
        As for :func:`sync_runs`.
    runs_receipt_path : path
        The receipt of :func:`sync_runs`.
    figures, documents, settings : iterables of path, mapping
        As for :func:`qdistill.tracking.study_run.study_record`.
    receipt_path : path
        JSON file written last, with what is returned.

    Returns
    -------
    dict
        As from :func:`sync_runs`, with the study's run added to the numbers.

    Raises
    ------
    ConfigurationError
        If the URI names a folder.
    DataError
        If a table, the receipt or an artifact is missing or damaged, or a learning curve or a
        choice is of a run that the metrics do not hold.
    TrackingError
        If the store is locked, cannot be reached, or fails.
    """
    uri = resolve_uri(tracking_uri)
    written = _read_receipt(runs_receipt_path)
    metrics = read_frame("metrics", metrics_path)
    record = study_record(study, metrics_path, metrics, figures, documents, settings)
    with open_store(uri) as client:
        place = _place(client, uri, study)
        experiment = place["experiment_id"]
        if place.items() <= written.items() and has_runs(client, experiment):
            counts = Counter({what: written[what] for what in OUTCOMES})
        else:
            records = _records_of_runs(study, metrics, histories, training, choices_path)
            counts = write_runs(client, experiment, records, _connections(uri))
        counts += write_study_run(client, experiment, record)
        _describe_experiment(client, experiment, metrics)
    receipt = place | {what: counts[what] for what in OUTCOMES}
    write_json(receipt_path, receipt)
    return receipt


def _records_of_runs(
    study: str,
    metrics: pd.DataFrame,
    histories: Iterable[str | Path],
    training: Mapping[str, Mapping[str, Any]] | None,
    choices_path: str | Path | None,
) -> list[RunRecord]:
    choices = None if choices_path is None else read_choices(choices_path)
    return model_records(study, metrics, read_histories(histories), training or {}, choices)


def _connections(uri: str) -> int:
    # a server answers several requests at once; one file has one writer
    return _SERVER_CONNECTIONS if uri.startswith("http") else 1


def _place(client: MlflowClient, uri: str, study: str) -> dict[str, Any]:
    name = f"qdistill/{study}"
    identifier = find_experiment(client, uri, name)
    return {
        "tracking_uri": printable_uri(uri),
        "experiment_id": identifier,
        "experiment": name,
    }


def _read_receipt(path: str | Path) -> dict[str, Any]:
    try:
        receipt = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable receipt of MLflow runs ({error})") from error
    if not isinstance(receipt, dict) or not ("error" in receipt or receipt.keys() >= set(OUTCOMES)):
        raise DataError(
            f"{path}: found {receipt!r}, but a receipt of MLflow runs has the numbers of runs "
            f"{', '.join(OUTCOMES)}, or an error"
        )
    return receipt


def _describe_experiment(client: MlflowClient, experiment: str, metrics: pd.DataFrame) -> None:
    """Set links to ready comparisons above the experiment's runs."""
    wanted = {
        "mlflow.experimentKind": "custom_model_development",
        NOTE: shorten(comparison_links(experiment, metrics), _LONGEST_NOTE),
    }
    tags = client.get_experiment(experiment).tags
    for name, value in wanted.items():
        if tags.get(name) != value:
            client.set_experiment_tag(experiment, name, value)
