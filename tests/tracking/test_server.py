"""MLflow's own server over a real PostgreSQL, and that database written to without a server."""

import contextlib
import copy
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import mlflow
import numpy as np
import pytest
import sqlalchemy
from mlflow import MlflowClient

from helpers.adapter import make_adapter, make_vectors
from helpers.servers import missing_postgres, running_mlflow, running_postgres
from helpers.tracking import (
    FIGURE,
    KILL_IN_SEVENTH_RUN,
    KILL_IN_THIRD_TRANSACTION,
    METRICS,
    RECEIPT,
    STUDY,
    all_runs,
    as_it_is,
    content,
    counts,
    hostile_variables,
    rows_of,
    sync,
    sync_in_a_process,
    write_study,
)
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.mlflow_model import register_adapter
from qdistill.adapter.numerics import encode
from qdistill.errors import TrackingError
from qdistill.tracking import writer
from qdistill.tracking.writer import OUTCOMES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_postgres()), reason=missing_postgres()),
]

SYNC_WITH_ANOTHER = """
import time
from pathlib import Path
import mlflow, mlflow.store.tracking.sqlalchemy_store
from helpers import tracking
tracking.STUDY = {study!r}
Path("ready").touch()
while not Path({other!r}, "ready").exists():
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as uri:
        yield uri


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    with running_mlflow(postgres, tmp_path_factory.mktemp("server")) as uri:
        yield uri


@pytest.fixture(scope="module")
def database(postgres, server):
    """The database by itself, whose tables the server has made."""
    return postgres


@pytest.fixture(params=["server", "database"])
def store(request, finished_study, monkeypatch):
    """A store without this study, and with all others that were synced before."""
    uri = request.getfixturevalue(request.param)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    yield uri
    client = MlflowClient(uri, uri)
    for experiment in client.search_experiments(filter_string="name LIKE 'qdistill/%'"):
        client.rename_experiment(experiment.experiment_id, uuid.uuid4().hex)
        client.delete_experiment(experiment.experiment_id)
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)


def test_a_sync_writes_all_and_a_second_changes_nothing(store, index):
    client, receipt = MlflowClient(store), sync()
    assert receipt["tracking_uri"] == store
    assert counts(receipt)["created"] == len(index.content)
    assert content(client, receipt) == index.content
    before = all_runs(client, receipt)
    again = sync()
    assert counts(again) == dict.fromkeys(OUTCOMES, 0) | {"unchanged": len(index.content)}
    after = all_runs(client, again)
    assert {k: run.info.run_id for k, run in after.items()} == {
        k: run.info.run_id for k, run in before.items()
    }


@pytest.mark.parametrize("store", ["server"], indirect=True)
def test_figures_go_through_the_servers_proxy_and_come_back_the_same(store, tmp_path):
    client, receipt = MlflowClient(store), sync()
    run = all_runs(client, receipt)[STUDY].info
    assert run.artifact_uri.startswith("mlflow-artifacts:")
    for path in (FIGURE, METRICS):
        name = path.relative_to("results/small").as_posix()
        copy = client.download_artifacts(run.run_id, name, str(tmp_path))
        assert Path(copy).read_bytes() == path.read_bytes()
        assert tmp_path in Path(copy).parents


@pytest.mark.parametrize(
    ("store", "killed"),
    [("server", KILL_IN_SEVENTH_RUN), ("database", KILL_IN_THIRD_TRANSACTION)],
    indirect=["store"],
)
def test_killed_half_way_and_run_again_completes_it(store, index, killed):
    assert sync_in_a_process(killed).returncode == -signal.SIGKILL
    assert not RECEIPT.exists()
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name(f"qdistill/{STUDY}").experiment_id
    left = client.search_runs([experiment])
    half = [run for run in left if run.info.status == "RUNNING"]
    assert 0 < len(left) < len(index.content)
    assert bool(half) == (killed is KILL_IN_SEVENTH_RUN)
    receipt = sync()
    assert content(client, receipt) == index.content
    assert receipt["unchanged"] == len(left) - len(half)
    assert {run.info.status for run in client.search_runs([experiment])} == {"FINISHED"}


def test_two_studies_synced_at_once_both_complete_and_do_not_mix(store, index, tmp_path):
    studies, processes = ("first", "second"), []
    for study, other in zip(studies, reversed(studies), strict=True):
        (tmp_path / study).mkdir()
        with contextlib.chdir(tmp_path / study):
            write_study()
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        code += SYNC_WITH_ANOTHER.format(study=study, other=str(tmp_path / other))
        command = [sys.executable, "-c", f"{code}\ntracking.sync()"]
        kept = {"stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, cwd=tmp_path / study, **kept))
    for process in processes:
        said = process.communicate(timeout=300)[1]
        assert process.returncode == 0, said
    client = MlflowClient(store)
    for study in studies:
        found = client.get_experiment_by_name(f"qdistill/{study}")
        own = content(client, {"experiment_id": found.experiment_id})
        assert _without_digests(own) == _without_digests(copy.deepcopy(index.content), study)


def _without_digests(whole, study=STUDY):
    """What a store holds of a study, under another name; digests are of the name, too."""
    for _, tags, *_ in whole.values():
        tags.pop("qdistill.digest", None)
    text = json.dumps(whole, sort_keys=True)
    return json.loads(text.replace(f'"{STUDY}', f'"{study}'))


@pytest.mark.parametrize("store", ["server"], indirect=True)
def test_a_servers_experiment_is_not_continued_in_its_database(store, database, monkeypatch):
    """Its files can be written through the server alone."""
    sync()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    with pytest.raises(TrackingError, match="keeps its files behind an MLflow server; name that"):
        sync()


@pytest.mark.parametrize("store", ["database"], indirect=True)
def test_both_ways_write_the_same_rows(store, monkeypatch):
    written = []
    for _ in range(2):
        with sqlalchemy.create_engine(store).begin() as connection:
            connection.execute(sqlalchemy.text("TRUNCATE runs, inputs, datasets CASCADE"))
        runs = all_runs(MlflowClient(store), sync())
        written.append(rows_of(store, {run.info.run_id: key for key, run in runs.items()}))
        monkeypatch.setattr(writer, "open_database", lambda uri: contextlib.nullcontext())
    assert written[0] == written[1]


def test_an_adapter_is_registered_and_loads_back_with_equal_outputs(store, monkeypatch):
    folder, receipt_path = Path("results/small/adapter"), Path("results/small/adapter.json")
    folder.mkdir()
    write_adapter(folder, make_adapter())
    client = MlflowClient(store, store)
    theirs = client.create_run(client.create_experiment(f"mine {uuid.uuid4().hex}"))
    before = as_it_is(client, theirs)
    with monkeypatch.context() as shell:
        hostile = hostile_variables(theirs.info.run_id, theirs.info.experiment_id)
        for name, value in hostile.items():
            shell.setenv(name, value)
        receipt = register_adapter(folder, STUDY, receipt_path)
        assert register_adapter(folder, STUDY, receipt_path) == receipt
    assert as_it_is(client, theirs) == before
    assert len(client.search_model_versions(f"name = '{STUDY}'")) == 1
    loaded = mlflow.pyfunc.load_model(receipt["model_uri"]).predict(make_vectors(50))
    np.testing.assert_allclose(loaded, encode(make_adapter(), make_vectors(50)), atol=1e-6)


@pytest.mark.parametrize("stops", ["server", "database of the server", "database"])
def test_a_server_that_stops_in_the_middle_is_one_sentence(
    finished_study, stops, tmp_path, monkeypatch
):
    with contextlib.ExitStack() as held:
        of_database = held.enter_context(contextlib.ExitStack())
        uri = of_database.enter_context(running_postgres())
        of_server = held.enter_context(contextlib.ExitStack())
        if "server" in stops:
            uri = of_server.enter_context(running_mlflow(uri, tmp_path / "server"))
        stopping = {"server": of_server}.get(stops, of_database)
        real, calls = MlflowClient.get_experiment_by_name, []

        def then_stop(self, *args):
            """Answer as before; what is asked next finds nobody."""
            found = real(self, *args)
            calls.append(time.monotonic())
            stopping.close()
            return found

        monkeypatch.setattr(MlflowClient, "get_experiment_by_name", then_stop)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        with pytest.raises(TrackingError) as caught:
            sync()
        assert calls and "\n" not in str(caught.value)
        assert str(caught.value).startswith("the MLflow s")
        assert uri in str(caught.value)
    assert not RECEIPT.exists()
    assert os.environ["MLFLOW_TRACKING_URI"] == uri
