"""Fixtures of the tests of tracking: a store, a finished study beside it, and its index."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.tracking import all_runs, content, hostile_variables, sync, write_study
from qdistill.study.tracking_uri import resolve_uri
from qdistill.tracking import store as tracking_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store with tables and no runs: making it takes a second."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    tracking_store._create_database(path)
    return path


def enter(folder, patch, empty_store):
    """Work in a folder whose store has tables and no runs."""
    patch.chdir(folder)
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("results").mkdir()
    shutil.copy(empty_store, "results/mlflow.db")


@pytest.fixture
def finished_study(tmp_path, monkeypatch, empty_store):
    """A finished study in the working directory, beside a store with tables and no runs."""
    enter(tmp_path, monkeypatch, empty_store)
    write_study()


@pytest.fixture
def client(finished_study):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=resolve_uri(None))


@pytest.fixture
def users_run(client, monkeypatch):
    """A run of the user's, and an environment in which every variable of MLflow's is set."""
    experiment = client.create_experiment("the user's own")
    run = client.create_run(experiment, run_name="long training", tags={"mine": "yes"})
    for name, value in hostile_variables(run.info.run_id, experiment).items():
        monkeypatch.setenv(name, value)
    return run


@pytest.fixture(scope="session")
def index(tmp_path_factory, empty_store):
    """A study that was synced once; for tests that only read."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("index")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch, empty_store)
        write_study()
        receipt = sync()
        client = MlflowClient(tracking_uri=receipt["tracking_uri"])
        found = {"runs": all_runs(client, receipt), "content": content(client, receipt)}
        return SimpleNamespace(folder=folder, client=client, receipt=receipt, **found)
