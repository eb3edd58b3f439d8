"""Import finished results into MLflow; importing them again changes nothing.

Parquet is the record, MLflow the index. Each run carries a key, which says what it is, and
a digest of its content. A sync compares both with the tables and writes what differs.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from qdistill.errors import DataError
from qdistill.files import write_json
from qdistill.tables import read_frame, read_metadata
from qdistill.tracking.curves import read_histories
from qdistill.tracking.links import comparison_links
from qdistill.tracking.runs import RunRecord, flatten_settings, model_records
from qdistill.tracking.store import find_experiment, open_store
from qdistill.tracking.uri import printable_uri, resolve_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, DIGEST, LEVEL = "qdistill.key", "qdistill.digest", "level"

_PARENT_RUN = "mlflow.parentRunId"
_NOTE = "mlflow.note.content"  # shown as Markdown above a run or an experiment
_LONGEST_NOTE = {"run": 7500, "experiment": 19_000}  # characters; MLflow's limits are above
_PAGE = 1000
_SERVER_CONNECTIONS = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


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
) -> dict[str, Any]:
    """Bring the MLflow experiment ``qdistill/{study}`` in line with finished results.

    Parameters
    ----------
    study : str
        Name of the study.
    metrics_path : path
        Table of the contract ``metrics``.
    histories : iterable of path
        Learning curves, ``.../{dataset}/n~{n}/seeds~{block}/{model}/history.parquet``.
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
        Training settings of each model, kept as parameters of its runs.

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
        If a table or an artifact is missing or damaged.
    TrackingError
        If the store is locked, cannot be reached, or fails.
    """
    uri = resolve_uri(tracking_uri)
    metrics = read_frame("metrics", metrics_path)
    records = model_records(study, metrics, read_histories(histories), training or {})
    records.append(_study_record(study, metrics_path, metrics, figures, documents, settings))
    with open_store(uri) as client:
        name = f"qdistill/{study}"
        experiment = find_experiment(client, uri, name)
        # a server answers several requests at once; one file has one writer
        connections = _SERVER_CONNECTIONS if uri.startswith("http") else 1
        counts = _write_records(client, experiment, records, connections)
        _describe_experiment(client, experiment, metrics)
    receipt = {
        "tracking_uri": printable_uri(uri),
        "experiment_id": experiment,
        "experiment": name,
        **{what: counts[what] for what in _OUTCOMES},
    }
    write_json(receipt_path, receipt)
    return receipt


_OUTCOMES = ("created", "unchanged", "replaced", "relinked", "deleted")


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


def _write_records(
    client: MlflowClient, experiment: str, records: Sequence[RunRecord], connections: int
) -> Counter[str]:
    """Create, replace and delete runs until the experiment holds exactly the records.

    Runs without a key were made by somebody else and are left alone. Parents come before
    their children, and the study's run, which says that all is there, comes last.
    """
    present = _runs_by_key(client, experiment)
    run_ids: dict[str, str] = {}

    def bring_up_to_date(record: RunRecord) -> tuple[str, str]:
        candidates = present.pop(record.key, [])
        kept = next((run for run in candidates if _is_current(client, run, record)), None)
        for run in candidates:
            if run is not kept:
                client.delete_run(run.info.run_id)
        parent = run_ids.get(record.parent or "")
        if kept is None:
            run_id = _write_run(client, experiment, record, parent)
            return run_id, "replaced" if candidates else "created"
        if parent is not None and kept.data.tags.get(_PARENT_RUN) != parent:
            client.set_tag(kept.info.run_id, _PARENT_RUN, parent)
            return kept.info.run_id, "relinked"
        return kept.info.run_id, "unchanged"

    counts: Counter[str] = Counter()
    for level in ("parent", "child", "study"):
        chosen = [record for record in records if record.level == level]
        outcomes = _map_concurrently(bring_up_to_date, chosen, connections)
        run_ids |= {r.key: run_id for r, (run_id, _) in zip(chosen, outcomes, strict=True)}
        counts.update(outcome for _, outcome in outcomes)
    for run in (run for runs in present.values() for run in runs):
        client.delete_run(run.info.run_id)
        counts["deleted"] += 1
    return counts


def _map_concurrently(
    function: Callable[[Item], Result], items: Sequence[Item], connections: int
) -> list[Result]:
    """Apply a function to each item; what is not begun when one fails is not begun at all."""
    if connections == 1:
        return [function(item) for item in items]
    pool = ThreadPoolExecutor(connections)
    try:
        return [future.result() for future in [pool.submit(function, item) for item in items]]
    finally:
        pool.shutdown(cancel_futures=True)


def _runs_by_key(client: MlflowClient, experiment: str) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=_PAGE, page_token=token)
        for run in page:
            if KEY in run.data.tags:
                found.setdefault(run.data.tags[KEY], []).append(run)
        token = page.token
        if not token:
            return found


def _is_current(client: MlflowClient, run: Run, record: RunRecord) -> bool:
    """Whether a run was written to its end, from the same content, and has its files."""
    if run.info.status != "FINISHED" or run.data.tags.get(DIGEST) != record.digest:
        return False
    return not record.artifacts or set(record.artifacts) <= _files_of(client, run.info.run_id)


def _files_of(client: MlflowClient, run_id: str, folder: str | None = None) -> set[str]:
    names: set[str] = set()
    for entry in client.list_artifacts(run_id, folder):
        names |= _files_of(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return names


def _write_run(client: MlflowClient, experiment: str, record: RunRecord, parent: str | None) -> str:
    """Write one run; its status is RUNNING until all of it is there."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    tags = {KEY: record.key, DIGEST: record.digest, LEVEL: record.level, **record.tags}
    if parent is not None:
        tags[_PARENT_RUN] = parent
    run = client.create_run(
        experiment, start_time=now - int(1000 * record.seconds), tags=tags, run_name=record.name
    )
    values = [Metric(name, value, now, 0) for name, value in record.metrics.items()]
    values += [
        Metric(name, value, now, epoch)
        for name, (epochs, course) in record.curves.items()
        for epoch, value in zip(epochs, course, strict=True)
    ]
    # the client splits what is over the limits of one call
    client.log_batch(
        run.info.run_id, metrics=values, params=[Param(k, v) for k, v in record.params.items()]
    )
    for name, path in record.artifacts.items():
        folder = name.rpartition("/")[0]
        client.log_artifact(run.info.run_id, str(path), folder or None)
    client.set_terminated(run.info.run_id, "FINISHED", now)
    return run.info.run_id


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
