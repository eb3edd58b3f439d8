"""Runs written straight into MLflow's tables in an SQLite file, many in one transaction.

MLflow's client takes 25 ms for a run, which is over a minute for a study. What is written here is
what it writes, and only where the file's tables are those that it was tried with.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from qdistill.tracking.runs import RunRecord

# The columns of the tables of a run, of MLflow 3.
_COLUMNS = {
    "runs": (
        *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id"),
        *("status", "start_time", "end_time", "source_version", "lifecycle_stage"),
        *("artifact_uri", "experiment_id", "deleted_time"),
    ),
    "tags": ("key", "value", "run_uuid"),
    "params": ("key", "value", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
    "latest_metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
}
_RUNS_AT_ONCE = 200
_BUSY_SECONDS = 20.0


def has_known_tables(database: Path) -> bool:
    """Return whether runs can be written here: the tables of a run have these columns alone."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return all(
            {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} == set(columns)
            for table, columns in _COLUMNS.items()
        )


def insert_runs(
    database: Path,
    experiment: str,
    artifacts: str,
    runs: Sequence[tuple[RunRecord, Mapping[str, str]]],
) -> list[str]:
    """Write finished runs, each a record and its tags, and return their identifiers.

    Artifacts is where the experiment keeps its files; the runs have none. A killed process leaves
    whole runs alone.
    """
    ids = [uuid.uuid4().hex for _ in runs]
    connection = sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        for first in range(0, len(runs), _RUNS_AT_ONCE):
            rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in _COLUMNS}
            for place in range(first, min(first + _RUNS_AT_ONCE, len(runs))):
                _add_run(rows, ids[place], experiment, artifacts, *runs[place])
            connection.execute("BEGIN IMMEDIATE")
            for table, columns in _COLUMNS.items():
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
                connection.executemany(statement, rows[table])
            connection.execute("COMMIT")
    return ids


def _add_run(
    rows: dict[str, list[tuple[object, ...]]],
    run: str,
    experiment: str,
    artifacts: str,
    record: RunRecord,
    tags: Mapping[str, str],
) -> None:
    """Add the rows of one run to those of each table."""
    now = int(time.time() * 1000)
    state = ("FINISHED", now - int(1000 * record.seconds), now, "", "active")
    place = (f"{artifacts}/{run}/artifacts", int(experiment), None)
    rows["runs"].append((run, record.name, "UNKNOWN", "", "", "unknown", *state, *place))
    named = {**tags, "mlflow.runName": record.name}
    rows["tags"] += [(key, value, run) for key, value in named.items()]
    rows["params"] += [(key, value, run) for key, value in record.params.items()]
    latest: dict[str, tuple[int, float]] = {}
    for name, value, step in dict.fromkeys(record.points):
        rows["metrics"].append((name, value, now, run, step, 0))
        latest[name] = max(latest.get(name, (step, value)), (step, value))
    rows["latest_metrics"] += [
        (name, value, now, step, 0, run) for name, (step, value) in latest.items()
    ]
