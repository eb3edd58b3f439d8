"""Write the runs of the MLflow index: create what is missing, replace what differs.

Each run carries a key, which says what it is, and a digest of its content; both are compared
with what should be there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from qdistill.tracking.runs import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, DIGEST, LEVEL = "qdistill.key", "qdistill.digest", "level"
OUTCOMES = ("created", "unchanged", "replaced", "relinked", "deleted")

_PARENT_RUN = "mlflow.parentRunId"
_PAGE = 1000

Item = TypeVar("Item")
Result = TypeVar("Result")


def write_records(
    client: MlflowClient, experiment: str, records: Sequence[RunRecord], connections: int
) -> Counter[str]:
    """Create, replace and delete runs until the experiment holds exactly the records.

    Runs without a key were made by somebody else and are left alone. Parents come before
    their children, and the study's run, which says that all is there, comes last.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment : str
        Identifier of the experiment.
    records : sequence of RunRecord
        All runs of the study.
    connections : int
        How many requests may be under way at once.

    Returns
    -------
    Counter of str
        Number of runs by outcome, see ``OUTCOMES``.
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
