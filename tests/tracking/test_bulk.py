"""Runs written into the file are those that MLflow's client writes."""

import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient

from helpers.tracking import all_runs, sync
from qdistill.tracking import writer
from qdistill.tracking.bulk import has_known_tables

pytestmark = pytest.mark.slow
DRAWN = ("run_uuid", "timestamp", "start_time", "end_time", "artifact_uri")


def rows_of(path, names):
    """All rows of the tables of runs, but for what is drawn or of the time of writing."""
    found = {}
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
            rows = map(dict, connection.execute(f"SELECT * FROM {table}"))
            found[table] = sorted(
                repr(
                    {
                        **{key: value for key, value in row.items() if key not in DRAWN},
                        "run": names[row["run_uuid"]],
                        "value": names.get(row.get("value"), row.get("value")),
                    }
                )
                for row in rows
            )
    return found


def test_both_ways_write_the_same_rows(client, monkeypatch):
    runs = all_runs(client, receipt := sync())
    place = client.get_experiment(receipt["experiment_id"]).artifact_location
    for run in runs.values():
        assert run.info.artifact_uri == f"{place}/{run.info.run_id}/artifacts"
    monkeypatch.setattr(writer, "has_known_tables", lambda database: False)
    uri = f"sqlite:///{Path('other.db').resolve()}"
    others = all_runs(MlflowClient(uri), sync(uri))
    written = [
        rows_of(path, {run.info.run_id: key for key, run in each.items()})
        for path, each in (("results/mlflow.db", runs), ("other.db", others))
    ]
    assert written[0] == written[1]


def test_a_file_with_other_tables_is_left_to_the_client(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
    assert not has_known_tables(path)
