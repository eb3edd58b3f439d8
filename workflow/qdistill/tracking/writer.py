"""Write the runs of the MLflow index: create what is missing, replace what differs.

Each run carries a key, which says what it is, and a digest of its content; both are compared
with what should be there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from qdistill.tracking.bulk import insert_runs, open_database
from qdistill.tracking.runs import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, DIGEST, LEVEL = "qdistill.key", "qdistill.digest", "level"
OUTCOMES = ("created", "unchanged", "replaced", "relinked", "deleted")

_STUDY = "study"  # the level of the study's own run
_PARENT_RUN = "mlflow.parentRunId"
_PAGE = 1000
# One took 241 ms a run, of which 60 were spent on a processor, and 4 half as long again as 8. The
# client of MLflow keeps 10 at most.
_SERVER_CONNECTIONS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def write_runs(
    client: MlflowClient, uri: str, experiment: str, records: Sequence[RunRecord]
) -> Counter[str]:
    """Create, replace and delete runs of models until the experiment holds the records.

    The study's run is left alone, and so are runs without a key, which were made by somebody
    else. Parents come before their children. The experiment is given by its identifier, the
    records are all parents and children of the study. New runs go straight into a database whose
    tables are known; a server answers several requests at once. Runs are counted by their outcome,
    see ``OUTCOMES``.
    """
    # whatever is not the study's run is looked after here, if its level was edited by hand, too
    present = _runs_by_key(client, experiment, lambda level: level != _STUDY)
    run_ids: dict[str, str] = {}

    def keep(record: RunRecord) -> tuple[str | None, str]:
        candidates = present.pop(record.key, [])
        return _keep(client, record, candidates, run_ids.get(record.parent or ""))

    connections = 1 if uri.startswith("sqlite") else _SERVER_CONNECTIONS
    counts: Counter[str] = Counter()
    with open_database(uri) as database:
        for level in ("parent", "child"):
            chosen = [record for record in records if record.level == level]
            outcomes = _map_concurrently(keep, chosen, connections)
            run_ids |= {r.key: kept for r, (kept, _) in zip(chosen, outcomes, strict=True) if kept}
            counts.update(outcome for _, outcome in outcomes)
            new = [
                (record, _tags_of(record, run_ids.get(record.parent or "")))
                for record in chosen
                if record.key not in run_ids
            ]
            if database is None:
                made = _write_new(client, experiment, new, connections)
            else:
                artifacts = client.get_experiment(experiment).artifact_location
                made = insert_runs(database, experiment, artifacts, new)
            run_ids |= {record.key: run for (record, _), run in zip(new, made, strict=True)}
    counts["deleted"] += _delete(client, present)
    return counts


def _write_new(
    client: MlflowClient,
    experiment: str,
    new: Sequence[tuple[RunRecord, Mapping[str, str]]],
    connections: int,
) -> list[str]:
    """Write new runs by the client, several at once: their identifiers.

    The first run of each data set goes ahead, since two at once would both make the data set.
    """
    first = {record.data: place for place, (record, _) in reversed(list(enumerate(new)))}
    ahead = [new[place] for place in first.values()]
    rest = [pair for place, pair in enumerate(new) if place not in first.values()]
    made: dict[str, str] = {}
    for some, at_once in ((ahead, 1), (rest, connections)):
        ids = _map_concurrently(lambda pair: _write_run(client, experiment, *pair), some, at_once)
        made |= {record.key: run for (record, _), run in zip(some, ids, strict=True)}
    return [made[record.key] for record, _ in new]


def write_study_run(client: MlflowClient, experiment: str, record: RunRecord) -> Counter[str]:
    """Write the study's run, which says that all is there, and count as :func:`write_runs` does."""
    search = f"tags.{LEVEL} = '{_STUDY}'"
    present = _runs_by_key(client, experiment, lambda level: level == _STUDY, search)
    candidates = present.pop(record.key, [])
    kept, outcome = _keep(client, record, candidates, None)
    if kept is None:
        _write_run(client, experiment, record, _tags_of(record, None))
    return Counter([outcome]) + Counter(deleted=_delete(client, present))


def has_runs(client: MlflowClient, experiment: str) -> bool:
    """Return whether an experiment holds any runs of models."""
    return bool(client.search_runs([experiment], f"tags.{LEVEL} = 'parent'", max_results=1))


def _keep(
    client: MlflowClient, record: RunRecord, candidates: Sequence[Run], parent: str | None
) -> tuple[str | None, str]:
    """Keep at most one run, which is as the record says: its identifier, and what is the outcome.

    Where there is none, one is to be written. The candidates are the runs with the record's key,
    the parent is the identifier of its run.
    """
    kept = next((run for run in candidates if _is_current(client, run, record)), None)
    for run in candidates:
        if run is not kept:
            client.delete_run(run.info.run_id)
    if kept is None:
        return None, "replaced" if candidates else "created"
    if parent is not None and kept.data.tags.get(_PARENT_RUN) != parent:
        client.set_tag(kept.info.run_id, _PARENT_RUN, parent)
        return kept.info.run_id, "relinked"
    return kept.info.run_id, "unchanged"


def _delete(client: MlflowClient, unwanted: Mapping[str, Sequence[Run]]) -> int:
    runs = [run for group in unwanted.values() for run in group]
    for run in runs:
        client.delete_run(run.info.run_id)
    return len(runs)


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


def _runs_by_key(
    client: MlflowClient, experiment: str, is_wanted: Callable[[str | None], bool], search: str = ""
) -> dict[str, list[Run]]:
    """Find the runs that carry a key and are of a wanted level, by their key."""
    found: dict[str, list[Run]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], search, max_results=_PAGE, page_token=token)
        for run in page:
            if KEY in run.data.tags and is_wanted(run.data.tags.get(LEVEL)):
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


def _tags_of(record: RunRecord, parent: str | None) -> dict[str, str]:
    """Return the tags of a record's run, which is nested under that of its parent, if any."""
    tags = {KEY: record.key, DIGEST: record.digest, LEVEL: record.level, **record.tags}
    return tags if parent is None else {**tags, _PARENT_RUN: parent}


def _write_run(
    client: MlflowClient, experiment: str, record: RunRecord, tags: Mapping[str, str]
) -> str:
    """Write one run; its status is RUNNING until all of it is there."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    began = now - int(1000 * record.seconds)
    run = client.create_run(experiment, start_time=began, tags=dict(tags), run_name=record.name)
    values = [Metric(name, value, now, step) for name, value, step in record.points]
    if record.data is not None:
        client.log_inputs(run.info.run_id, [record.data.as_input()])
    # the client splits what is over the limits of one call
    client.log_batch(
        run.info.run_id, metrics=values, params=[Param(k, v) for k, v in record.params.items()]
    )
    for name, path in record.artifacts.items():
        folder = name.rpartition("/")[0]
        client.log_artifact(run.info.run_id, str(path), folder or None)
    client.set_terminated(run.info.run_id, "FINISHED", now)
    return run.info.run_id
