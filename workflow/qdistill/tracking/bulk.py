"""Runs written straight into MLflow's tables in a database, many in one transaction.

MLflow's client takes 25 ms for a run, which is over a minute for a study. What is written here is
what it writes, and only where the tables are those that it was tried with.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qdistill.tracking.data import SOURCE_TYPE, DataFile
from qdistill.tracking.runs import RunRecord

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

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
    "datasets": (
        *("dataset_uuid", "experiment_id", "name", "digest", "dataset_source_type"),
        *("dataset_source", "dataset_schema", "dataset_profile"),
    ),
    "inputs": (
        *("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    ),
}
_RUNS_AT_ONCE = 200
_BUSY_SECONDS = 20.0
_KNOWN = ("sqlite", "postgresql")

Rows = dict[str, list[tuple[Any, ...]]]  # of each table, in the order of its columns


@contextlib.contextmanager
def open_database(uri: str) -> Iterator[Engine | None]:
    """Yield a store's database if runs can be written into it: the tables have these columns alone.

    Of a server, or another kind of database, there is none.
    """
    if not uri.startswith(_KNOWN):
        yield None
        return
    import sqlalchemy

    is_file = uri.startswith("sqlite")
    options = {"timeout": _BUSY_SECONDS} if is_file else {}
    engine = sqlalchemy.create_engine(uri, connect_args=options, poolclass=sqlalchemy.NullPool)
    if is_file:  # Python's module would begin a transaction only at the first change
        sqlalchemy.event.listen(engine, "connect", _leave_transactions_alone)
        sqlalchemy.event.listen(engine, "begin", _begin_immediately)
    try:
        look = sqlalchemy.inspect(engine)
        yield engine if all(_has_columns(look, *table) for table in _COLUMNS.items()) else None
    finally:
        engine.dispose()


def _leave_transactions_alone(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _has_columns(look: Any, table: str, columns: Sequence[str]) -> bool:
    found = look.get_columns(table) if look.has_table(table) else []
    return {column["name"] for column in found} == set(columns)


def insert_runs(
    database: Engine,
    experiment: str,
    artifacts: str,
    runs: Sequence[tuple[RunRecord, Mapping[str, str]]],
) -> list[str]:
    """Write finished runs, each a record and its tags, and return their identifiers.

    Artifacts is where the experiment keeps its files; the runs have none. A killed process leaves
    whole runs alone.
    """
    import sqlalchemy

    about = sqlalchemy.MetaData()
    tables = {name: sqlalchemy.Table(name, about, autoload_with=database) for name in _COLUMNS}
    ids = [uuid.uuid4().hex for _ in runs]
    for first in range(0, len(runs), _RUNS_AT_ONCE):
        some = range(first, min(first + _RUNS_AT_ONCE, len(runs)))
        rows: Rows = {table: [] for table in _COLUMNS}
        with database.begin() as connection:
            files = {runs[place][0].data for place in some} - {None}
            data = _find_data(connection, tables["datasets"], int(experiment), files, rows)
            for place in some:
                _add_run(rows, ids[place], experiment, artifacts, *runs[place])
                _add_input(rows, ids[place], data.get(runs[place][0].data))
            for table, columns in _COLUMNS.items():
                if rows[table]:
                    given = [dict(zip(columns, row, strict=True)) for row in rows[table]]
                    connection.execute(tables[table].insert(), given)
    return ids


def _find_data(
    connection: Connection, table: Table, experiment: int, files: set[Any], rows: Rows
) -> dict[DataFile | None, str]:
    """Return identifiers of data sets in an experiment; rows of those that it lacks are added."""
    own = table.c.experiment_id == experiment
    known = {
        (row.name, row.digest): row.dataset_uuid
        for row in connection.execute(table.select().where(own))
    }
    found: dict[DataFile | None, str] = {}
    for file in files:
        key = (file.name, file.digest)
        found[file] = known.get(key) or uuid.uuid4().hex
        if key not in known:
            origin = (SOURCE_TYPE, file.source, None, None)
            rows["datasets"].append((found[file], experiment, *key, *origin))
    return found


def _add_input(rows: Rows, run: str, data: str | None) -> None:
    """Add the link from a run to its data set."""
    if data is not None:
        rows["inputs"].append((uuid.uuid4().hex, "DATASET", data, "RUN", run, 0))


def _add_run(
    rows: Rows,
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
        rows["metrics"].append((name, value, now, run, step, False))
        latest[name] = max(latest.get(name, (step, value)), (step, value))
    rows["latest_metrics"] += [
        (name, value, now, step, False, run) for name, (step, value) in latest.items()
    ]
