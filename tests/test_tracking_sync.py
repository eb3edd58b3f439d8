"""One sync: what the study's run carries, bad input, and a server in place of a file."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from helpers_tracking import STUDY, all_runs, content, counts, sync
from qdistill.errors import DataError
from qdistill.tracking import writer

pytest_plugins = ("fixtures_tracking",)


def test_the_study_run_has_figures_verdict_table_and_configuration(index):
    run = index.runs[STUDY]
    assert writer._files_of(index.client, run.info.run_id) == {
        "figures/crossover.svg",
        "metrics.parquet",
        "verdict.md",
    }
    assert run.data.params["training.epochs"] == "3"
    assert "Quantum loses to the mean." in run.data.tags["mlflow.note.content"]
    files = list((index.folder / "results/mlflow-artifacts").rglob("verdict.md"))
    assert [file.read_text() for file in files] == [(index.folder / "verdict.md").read_text()]
    assert not (index.folder / "mlruns").exists()


def test_a_long_verdict_is_shortened_for_the_description_only(client):
    Path("verdict.md").write_text("# Verdict\n" + "One more sentence.\n" * 1000)
    run = all_runs(client, sync())[STUDY]
    assert len(run.data.tags["mlflow.note.content"]) < 8000
    assert client.list_artifacts(run.info.run_id)[-1].file_size > 8000


def test_a_missing_figure_is_named(finished_study):
    Path("results/small/figures/crossover.svg").unlink()
    with pytest.raises(DataError, match=r"crossover\.svg: cannot be read"):
        sync()


def test_the_environment_is_as_before(finished_study, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    before = dict(os.environ)
    sync()
    assert dict(os.environ) == before


@pytest.fixture
def server(tmp_path, empty_store):
    """MLflow's own server, in a thread of this process."""
    from mlflow.server import app, handlers
    from werkzeug.serving import make_server

    before = dict(os.environ)  # the server adds to it
    shutil.copy(empty_store, tmp_path / "server.db")
    handlers.initialize_backend_stores(
        f"sqlite:///{tmp_path}/server.db",
        default_artifact_root=(tmp_path / "server-artifacts").as_uri(),
    )
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.port}"
    running.shutdown()
    thread.join()
    os.environ.clear()
    os.environ.update(before)


def test_a_server_ends_up_with_the_same_runs_as_a_file(finished_study, index, server, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    receipt = sync()
    assert receipt["tracking_uri"] == server
    assert content(MlflowClient(tracking_uri=server), receipt) == index.content
    assert counts(sync())["unchanged"] == len(index.content)
