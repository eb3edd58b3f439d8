"""Import finished results into MLflow; importing them again changes nothing.

Parquet is the record, MLflow the index. The runs of models are thousands and are written while
figures are drawn; the study's own run carries the figures and comes last.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from qdistill.errors import DataError, TrackingError
from qdistill.storage.files import write_json
from qdistill.storage.tables import read_frame
from qdistill.study.tracking_uri import printable_uri, resolve_uri
from qdistill.tracking.curves import read_histories
from qdistill.tracking.data import DataFile
from qdistill.tracking.links import comparison_links
from qdistill.tracking.parameters import read_choices
from qdistill.tracking.runs import RunRecord, model_records
from qdistill.tracking.store import find_experiment, open_store
from qdistill.tracking.study_run import NOTE, shorten, study_record
from qdistill.tracking.writer import OUTCOMES, has_runs, write_runs, write_study_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LONGEST_NOTE = 19_000  # characters above an experiment; MLflow's limit is above


@dataclass(frozen=True)
class ModelRuns:
    """What the runs of a study's models are made from; tables are by the contracts of their names.

    Training settings, and what cross-validation chose for each seed, are parameters of the runs;
    the files of data sets, by name, are their inputs.
    """

    study: str
    metrics_path: str | Path
    histories: Iterable[str | Path]  # a model may have none
    # by {dataset}/{protocol}/{model}
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    choices_path: str | Path | None = None
    data: Mapping[str, str | Path] = field(default_factory=dict)

    def records(self, metrics: pd.DataFrame) -> list[RunRecord]:
        """Describe the runs of a table of metrics."""
        choices = None if self.choices_path is None else read_choices(self.choices_path)
        histories = read_histories(self.histories)
        data = {name: DataFile.of(name, path) for name, path in self.data.items()}
        return model_records(self.study, metrics, histories, self.training, choices, data)


def sync_runs(
    runs: ModelRuns, receipt_path: str | Path, tracking_uri: str | None = None
) -> dict[str, Any]:
    """Update the runs of models in the experiment ``qdistill/{study}`` to the results.

    A store that fails is no reason to stop what does not need it, such as the figures: the
    receipt then holds the ``error``, and :func:`sync_study` tries again.

    The URI is ``mlflow.tracking_uri`` of the configuration; see
    :func:`qdistill.study.tracking_uri.resolve_uri`.

    Returns
    -------
    dict
        What is written to the receipt, a JSON file, at the end: ``tracking_uri``,
        ``experiment_id``, ``experiment`` and the number of runs ``created``, ``unchanged``,
        ``replaced``, ``relinked`` (nested under another parent) and ``deleted``; or
        ``tracking_uri`` and the ``error``.

    Raises
    ------
    ConfigurationError
        If the URI names a folder.
    DataError
        If a table is missing or damaged, or a learning curve or a choice is of a run that the
        metrics do not hold.
    """
    uri = resolve_uri(tracking_uri)
    records = runs.records(read_frame("metrics", runs.metrics_path))
    try:
        with open_store(uri) as client:
            experiment = find_experiment(client, uri, _name_of(runs.study))
            counts = write_runs(client, uri, experiment, records)
        receipt = _place(uri, experiment, runs.study) | {what: counts[what] for what in OUTCOMES}
    except TrackingError as error:
        logging.getLogger(__name__).warning("%s; it is tried again at the end", error)
        receipt = {"tracking_uri": printable_uri(uri), "error": str(error)}
    write_json(receipt_path, receipt)
    return receipt


def sync_study(
    runs: ModelRuns,
    runs_receipt_path: str | Path,
    figures: Iterable[str | Path],
    documents: Iterable[str | Path],
    note: str | Path,
    settings: Mapping[str, Any],
    receipt_path: str | Path,
    tracking_uri: str | None = None,
) -> dict[str, Any]:
    """Complete the MLflow experiment ``qdistill/{study}`` with the study's own run.

    The runs of models are written first if the receipt is not of this store, if the store
    has lost them, or if they could not be written.

    Parameters and what is returned are those of :func:`sync_runs`, whose own receipt is one of
    them, and of :func:`qdistill.tracking.study_run.study_record`; the study's run is counted too.

    Raises
    ------
    ConfigurationError, DataError, TrackingError
        As :func:`sync_runs` does, or if an artifact is missing, or if the store fails.
    """
    uri, written = resolve_uri(tracking_uri), _read_receipt(runs_receipt_path)
    metrics = read_frame("metrics", runs.metrics_path)
    carried = (figures, documents, note, settings)
    record = study_record(runs.study, runs.metrics_path, metrics, *carried)
    with open_store(uri) as client:
        experiment = find_experiment(client, uri, _name_of(runs.study))
        place = _place(uri, experiment, runs.study)
        if place.items() <= written.items() and has_runs(client, experiment):
            counts = Counter({what: written[what] for what in OUTCOMES})
        else:
            records = runs.records(metrics)
            counts = write_runs(client, uri, experiment, records)
        counts += write_study_run(client, experiment, record)
        _describe_experiment(client, experiment, metrics)
    receipt = place | {what: counts[what] for what in OUTCOMES}
    write_json(receipt_path, receipt)
    return receipt


def _name_of(study: str) -> str:
    return f"qdistill/{study}"


def _place(uri: str, experiment: str, study: str) -> dict[str, Any]:
    return {
        "tracking_uri": printable_uri(uri),
        "experiment_id": experiment,
        "experiment": _name_of(study),
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
    """Put links to ready comparisons above the experiment's runs."""
    wanted = {
        "mlflow.experimentKind": "custom_model_development",
        NOTE: shorten(comparison_links(experiment, metrics), _LONGEST_NOTE),
    }
    tags = client.get_experiment(experiment).tags
    for name, value in wanted.items():
        if tags.get(name) != value:
            client.set_experiment_tag(experiment, name, value)
