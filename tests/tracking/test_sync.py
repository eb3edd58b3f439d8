"""The two halves of a sync: what each writes, and leaves to the other."""

import contextlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from helpers.tracking import (
    METRICS,
    RECEIPT,
    RUNS_RECEIPT,
    STAGES,
    STUDY,
    all_runs,
    content,
    counts,
    make_metrics,
    sync,
    sync_the_runs,
    sync_the_study,
    write_study,
)
from qdistill.errors import DataError
from qdistill.storage.tables import write_table
from qdistill.tracking import store as tracking_store
from qdistill.tracking.writer import KEY

pytestmark = pytest.mark.slow


def test_the_first_half_writes_all_but_the_studys_run(client):
    first = sync_the_runs()
    runs = all_runs(client, first)
    assert {run.data.tags["level"] for run in runs.values()} == {"parent", "child"}
    assert json.loads(RUNS_RECEIPT.read_text()) == first
    assert counts(first)["created"] == len(runs) == len(STAGES) + len(make_metrics())
    assert not RECEIPT.exists()
    second = sync_the_study()
    assert all_runs(client, second).keys() - runs.keys() == {STUDY}
    assert second == first | {"created": first["created"] + 1}


def test_neither_half_touches_the_runs_of_the_other(client):
    before = all_runs(client, sync())
    experiment = before[STUDY].info.experiment_id
    mine = client.create_run(experiment, tags={"level": "study"}).info.run_id
    Path("verdict.md").write_text("# Another verdict\n")
    metrics = make_metrics()
    metrics["heldout_loss"] *= 2
    write_table("metrics", METRICS, metrics, {})
    sync_the_runs()
    assert client.get_run(before[STUDY].info.run_id).info.lifecycle_stage == "active"
    assert _active(client, before.values()) == [STUDY]
    write_study()
    between = all_runs(client, sync())
    Path("verdict.md").write_text("# Another verdict\n")
    sync_the_study()
    assert set(_active(client, between.values())) == between.keys() - {STUDY}
    assert client.get_run(mine).info.lifecycle_stage == "active"


def test_each_half_deletes_what_its_levels_should_not_hold(client):
    experiment = sync()["experiment_id"]
    levels = ("study", "child", "edited by hand")
    tags = [{"level": level, KEY: f"stray/{level}"} for level in levels]
    stray = [client.create_run(experiment, tags=each) for each in tags]
    assert sync_the_runs()["deleted"] == 2
    assert _active(client, stray) == ["stray/study"]
    assert sync_the_study()["deleted"] == 2 + 1
    assert _active(client, stray) == []


def _active(client, runs):
    """Keys of those of the runs that are not deleted."""
    now = [client.get_run(run.info.run_id) for run in runs]
    return [run.data.tags[KEY] for run in now if run.info.lifecycle_stage == "active"]


def test_a_store_that_fails_at_first_is_tried_again_at_the_end(client, index, monkeypatch):
    monkeypatch.setattr(tracking_store, "_BUSY_SECONDS", 0.2)
    with contextlib.closing(sqlite3.connect("results/mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert "is locked by another program" in sync_the_runs()["error"]
    receipt = sync_the_study()
    assert content(client, receipt) == index.content
    assert counts(receipt)["created"] == len(index.content)


def test_a_store_that_lost_its_runs_gets_all_of_them_again(client, index, empty_store):
    sync()
    client._tracking_client.store.engine.dispose()
    shutil.copy(empty_store, "results/mlflow.db")
    receipt = sync_the_study()
    assert counts(receipt)["created"] == len(index.content)
    assert content(client, receipt) == index.content


def test_runs_that_went_to_another_store_are_written_to_this_one(client, index, empty_store):
    shutil.copy(empty_store, "results/other.db")
    sync_the_runs("sqlite:///results/other.db")
    assert content(client, sync_the_study()) == index.content


@pytest.mark.parametrize("text", ["", "[]", '{"created": 3}', None])
def test_a_damaged_receipt_is_named(finished_study, text):
    if text is not None:
        RUNS_RECEIPT.write_text(text)
    with pytest.raises(DataError, match=r"results/small/mlflow_runs\.json: .* receipt of MLflow"):
        sync_the_study()


def test_the_environment_is_as_before(finished_study, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    before = dict(os.environ)
    sync()
    assert dict(os.environ) == before
