"""Nothing of MLflow in the user's shell or process has an effect, and none of it is touched."""

import os
from pathlib import Path

import mlflow
import pytest

from helpers.adapter import make_adapter
from helpers.tracking import as_it_is, content, counts, sync
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.mlflow_model import register_adapter
from qdistill.study.tracking_uri import resolve_uri

pytestmark = pytest.mark.slow


@pytest.fixture
def adapter(finished_study):
    folder = Path("results/small/adapter")
    folder.mkdir()
    write_adapter(folder, make_adapter())
    return folder


def test_the_variables_that_name_a_run_are_among_those_tried(users_run):
    for name in ("RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME", "RUN_CONTEXT", "ACTIVE_MODEL_ID"):
        assert os.environ[f"MLFLOW_{name}"]
    assert os.environ["MLFLOW_RUN_ID"] == users_run.info.run_id
    assert os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] == "true"


def test_no_variable_changes_what_is_synced(client, users_run, index):
    before, environment = as_it_is(client, users_run), dict(os.environ)
    receipt = sync()
    assert content(client, receipt) == index.content
    assert counts(sync()) == {**counts(receipt), "created": 0, "unchanged": len(index.content)}
    assert as_it_is(client, users_run) == before
    assert dict(os.environ) == environment
    assert not Path("users.db").exists()


def test_no_variable_changes_what_is_registered(client, users_run, adapter):
    before, environment = as_it_is(client, users_run), dict(os.environ)
    receipt = register_adapter(adapter, "small", "results/small/adapter.json")
    assert as_it_is(client, users_run) == before
    assert dict(os.environ) == environment
    version = client.get_model_version_by_alias("small", "champion")
    assert (str(version.version), receipt["version"]) == ("1", "1")
    run = client.get_run(version.run_id)
    assert run.info.run_id != users_run.info.run_id
    assert run.info.experiment_id == client.get_experiment_by_name("qdistill/small").experiment_id
    assert (run.info.status, run.data.tags["mlflow.runName"]) == ("FINISHED", "adapter circuit")
    assert not Path("users.db").exists()


def test_an_active_run_of_the_process_goes_on(client, adapter, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", resolve_uri(None))
    with mlflow.start_run(run_name="the user's own") as run:
        before = as_it_is(client, run)
        register_adapter(adapter, "small", "results/small/adapter.json")
        sync()
        assert mlflow.active_run().info.run_id == run.info.run_id
        assert as_it_is(client, run) == before
    assert client.get_run(run.info.run_id).info.status == "FINISHED"


def test_what_says_how_to_reach_a_server_is_kept(monkeypatch):
    from qdistill.tracking.store import _hidden_environment

    kept = {"USERNAME": "me", "PASSWORD": "secret", "TOKEN": "t", "SERVER_CERT_PATH": "ca.pem"}
    kept |= {"CLIENT_CERT_PATH": "me.pem", "INSECURE_TLS": "false", "AUTH": "plugin"}
    for name, value in kept.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    monkeypatch.setenv("MLFLOW_RUN_ID", "theirs")
    with _hidden_environment():
        assert all(os.environ[f"MLFLOW_TRACKING_{name}"] == kept[name] for name in kept)
        assert "MLFLOW_RUN_ID" not in os.environ
    assert os.environ["MLFLOW_RUN_ID"] == "theirs"
