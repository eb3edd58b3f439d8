"""Runs written into the file are those that MLflow's client writes."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient

from helpers.tracking import all_runs, rows_of, sync
from qdistill.tracking import writer
from qdistill.tracking.bulk import open_database

pytestmark = pytest.mark.slow


def test_both_ways_write_the_same_rows(client, monkeypatch):
    runs = all_runs(client, receipt := sync())
    place = client.get_experiment(receipt["experiment_id"]).artifact_location
    for run in runs.values():
        assert run.info.artifact_uri == f"{place}/{run.info.run_id}/artifacts"
    monkeypatch.setattr(writer, "open_database", lambda uri: contextlib.nullcontext())
    uri = f"sqlite:///{Path('other.db').resolve()}"
    others = all_runs(MlflowClient(uri), sync(uri))
    written = [
        rows_of(path, {run.info.run_id: key for key, run in each.items()})
        for path, each in ((receipt["tracking_uri"], runs), (uri, others))
    ]
    assert written[0] == written[1]
    assert len(written[0]["inputs"]) == len(runs) - 1
    assert len(written[0]["datasets"]) == 1


@pytest.mark.parametrize("change", ["DROP TABLE inputs", "ALTER TABLE runs ADD COLUMN more TEXT"])
def test_a_file_with_other_tables_is_left_to_the_client(empty_store, tmp_path, change):
    path = shutil.copy(empty_store, tmp_path / "other.db")
    with open_database(f"sqlite:///{path}") as database:
        assert database is not None
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    with open_database(f"sqlite:///{path}") as database:
        assert database is None


def test_a_server_and_a_database_of_another_kind_are_left_to_the_client():
    for uri in ("http://127.0.0.1:9", "mysql://nowhere/mlflow"):
        with open_database(uri) as database:
            assert database is None
