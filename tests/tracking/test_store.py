"""The MLflow store: made whole or not at all, and its failures in one sentence."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from helpers.checkout import free_port
from helpers.tracking import RECEIPT, STAGES, make_metrics, sync, sync_in_a_process
from qdistill.errors import TrackingError
from qdistill.tracking import store as tracking_store

KILL_AMONG_MIGRATIONS = """
import os, signal
import mlflow.store.db.utils as utils
from alembic.operations import Operations
real = Operations.create_index
def dying(self, *args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
Operations.create_index = dying
"""


@pytest.mark.slow
def test_killed_while_the_tables_are_made_leaves_no_store(finished_study):
    Path("results/mlflow.db").unlink()
    assert sync_in_a_process(KILL_AMONG_MIGRATIONS).returncode == -signal.SIGKILL
    assert list(Path("results").glob(".mlflow.*.partial.db"))
    assert not Path("results/mlflow.db").exists()
    assert sync()["created"] == 1 + len(STAGES) + len(make_metrics())


@pytest.mark.slow
def test_a_store_made_meanwhile_by_another_job_is_kept(tmp_path, empty_store, monkeypatch):
    store = tmp_path / "mlflow.db"

    def link_too_late(source, target):
        shutil.copy(empty_store, target)
        raise FileExistsError(target)

    monkeypatch.setattr(os, "link", link_too_late)
    tracking_store._create_database(store)
    assert store.read_bytes() == empty_store.read_bytes()
    assert list(tmp_path.iterdir()) == [store]


@pytest.mark.slow
def test_a_locked_store_is_one_sentence(finished_study, monkeypatch):
    monkeypatch.setattr(tracking_store, "_BUSY_SECONDS", 0.2)
    holder = sqlite3.connect("results/mlflow.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    uri = f"sqlite:///{Path('results/mlflow.db').resolve()}"
    try:
        with pytest.raises(TrackingError, match=f"{uri} is locked by another program"):
            sync()
    finally:
        holder.close()
    assert not RECEIPT.exists()
    assert sync()["created"] > 0


def test_a_store_locked_in_mid_sync_is_one_sentence(finished_study, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def locked(*args, **kwargs):
        raise MlflowException("(sqlite3.OperationalError) database is locked [SQL: INSERT ...]")

    monkeypatch.setattr(MlflowClient, "create_run", locked)
    with pytest.raises(TrackingError, match=r"mlflow\.db is locked by another program"):
        sync()


def test_an_absent_server_is_one_sentence(finished_study):
    port = free_port()
    with pytest.raises(TrackingError, match=f"server http://127.0.0.1:{port} does not answer"):
        sync(f"http://127.0.0.1:{port}")


def test_a_file_that_is_no_database_is_one_sentence(finished_study):
    Path("results/mlflow.db").write_text("these are not tables\n" * 100)
    with pytest.raises(TrackingError, match=r"mlflow\.db cannot be used: .*not a database"):
        sync()


def test_a_store_that_cannot_be_made_fails_at_once(finished_study):
    Path("blocked").write_text("a file where a folder should be")
    with pytest.raises(TrackingError, match=r"blocked/mlflow\.db cannot be used"):
        sync("sqlite:///blocked/mlflow.db")


def test_a_database_without_its_driver_or_of_no_known_kind(finished_study):
    with pytest.raises(TrackingError, match=r"nosuch://:\*\*\*@host/x cannot be used"):
        sync("nosuch://:secret@host/x")


@pytest.mark.slow
def test_a_store_copied_away_from_its_artifacts_is_refused(finished_study):
    sync()
    Path("copy").mkdir()
    shutil.copy("results/mlflow.db", "copy/mlflow.db")
    with pytest.raises(TrackingError, match="moved or copied; delete the store"):
        sync("sqlite:///copy/mlflow.db")
