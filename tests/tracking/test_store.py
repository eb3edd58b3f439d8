"""The MLflow store: made whole or not at all, and its failures in one sentence."""

import os
import shutil
import signal
from pathlib import Path
from unittest.mock import Mock

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

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


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (
            MlflowException("(sqlite3.OperationalError) database is locked [SQL: INSERT ...]"),
            *(TrackingError, r"mlflow\.db is locked by another program"),
        ),
        (RuntimeError("not the store's"), RuntimeError, "not the store's"),
    ],
)
def test_a_failure_in_mid_sync_is_one_sentence_if_it_is_the_stores(
    finished_study, monkeypatch, raised, expected, said
):
    monkeypatch.setattr(MlflowClient, "create_run", Mock(side_effect=raised))
    with pytest.raises(expected, match=said):
        sync()
    assert not RECEIPT.exists()


SERVER = f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (SERVER, f"server {SERVER} does not answer"),
        (None, r"mlflow\.db cannot be used: .*not a database"),
        ("sqlite:///blocked/mlflow.db", r"blocked/mlflow\.db cannot be used"),
        ("nosuch://:secret@host/x", r"nosuch://:\*\*\*@host/x cannot be used"),
    ],
    ids=["absent server", "no database", "cannot be made", "no driver"],
)
def test_a_store_that_cannot_be_used_is_one_sentence(finished_study, uri, said):
    Path("results/mlflow.db").write_text("these are not tables\n" * 100)
    Path("blocked").write_text("a file where a folder should be")
    with pytest.raises(TrackingError, match=said):
        sync(uri)


@pytest.mark.slow
def test_a_store_copied_away_from_its_artifacts_is_refused(finished_study):
    sync()
    Path("copy").mkdir()
    shutil.copy("results/mlflow.db", "copy/mlflow.db")
    with pytest.raises(TrackingError, match="moved or copied; delete the store"):
        sync("sqlite:///copy/mlflow.db")
