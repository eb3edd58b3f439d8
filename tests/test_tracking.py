"""The MLflow index: what it holds, that syncing again changes nothing, and that it mends."""

import json
import math
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.errors import ConfigurationError, DataError, TrackingError
from qdistill.tables import write_table
from qdistill.tracking import store as tracking_store
from qdistill.tracking import sync as tracking
from qdistill.tracking.links import COMPARED, comparison_links
from qdistill.tracking.runs import aggregate_seeds, flatten_settings
from qdistill.tracking.sync import sync_study
from qdistill.tracking.uri import printable_uri, resolve_uri

STUDY = "small"
METRICS = Path("results/small/metrics.parquet")
RECEIPT = Path("results/small/mlflow.json")
STAGES = {
    "mean": [("reference", "trained")],
    "classical": [("classical", "trained")],
    "quantum": [("quantum", "trained")],
    "unitary_re": [("student", "zero_shot"), ("student", "fine_tuned")],
    "distilled_pool": [("student", "distilled")],
}
TRAINING = {"quantum": {"epochs": 3, "layers": 20}, "classical": {"epochs": 3}}
EPOCHS = 4


def make_metrics(sizes=(100,), seeds=2, models=tuple(STAGES)):
    rows = [
        {
            "dataset": "synthetic-4q",
            "qubits": 4,
            "n": n,
            "seed": seed,
            "model": model,
            "family": family,
            "stage": stage,
            "teacher": "quantum" if family == "student" else None,
            "train_mse": 0.5 / n + 0.01 * seed,
            "heldout_mse": 1.0 / n + 0.02 * seed + 0.1 * place,
            "teacher_r2": 0.9 - 0.1 * seed if family == "student" else math.nan,
            "n_parameters": 2200,
            "train_seconds": 1.5,
            "diverged": False,
        }
        for n in sizes
        for seed in range(seeds)
        for place, model in enumerate(models)
        for family, stage in STAGES[model]
    ]
    return pd.DataFrame(rows)


def make_history(seeds=2, scale=1.0):
    epochs = np.tile(np.arange(EPOCHS), seeds)
    seed = np.repeat(np.arange(seeds), EPOCHS)
    losses = scale * (1 + seed) / (1 + epochs)
    return pd.DataFrame(
        {
            "seed": seed,
            "epoch": epochs,
            "train_mse": losses,
            "heldout_mse": 2 * losses,
            "seconds": 0.1 * epochs,
        }
    )


def history_path(n, model):
    return Path(f"results/small/synthetic-4q/n~{n}/seeds~0-1/{model}/history.parquet")


def write_study(metrics=None, histories=(("quantum", 100), ("unitary_re", 100))):
    metrics = make_metrics() if metrics is None else metrics
    write_table("metrics", METRICS, metrics, {})
    for model, n in histories:
        write_table("history", history_path(n, model), make_history(), {})
    Path("results/small/figures").mkdir(parents=True, exist_ok=True)
    Path("results/small/figures/crossover.svg").write_text("<svg/>")
    Path("verdict.md").write_text("# Verdict\n\nQuantum loses to the mean.\n")


def sync(uri=None):
    return sync_study(
        STUDY,
        METRICS,
        sorted(Path("results/small").rglob("history.parquet")),
        ["results/small/figures/crossover.svg"],
        ["verdict.md"],
        {"study": STUDY, "training": {"epochs": 3}},
        RECEIPT,
        uri,
        TRAINING,
    )


def counts(receipt):
    return {k: receipt[k] for k in ("created", "unchanged", "replaced", "relinked", "deleted")}


def all_runs(client, receipt):
    runs = client.search_runs([receipt["experiment_id"]], max_results=1000)
    return {run.data.tags[tracking.KEY]: run for run in runs}


def content(client, receipt):
    """All that a reader of the store sees, without the identifiers and times MLflow draws."""
    runs = all_runs(client, receipt)
    names = {run.info.run_id: key for key, run in runs.items()}
    found = {}
    for key, run in runs.items():
        tags = dict(run.data.tags)
        parent = tags.pop("mlflow.parentRunId", None)
        found[key] = (
            run.info.status,
            tags,
            names.get(parent, parent),
            run.data.params,
            run.data.metrics,
        )
    return found


def database_rows(path="results/mlflow.db"):
    with sqlite3.connect(path) as connection:
        tables = ["runs", "metrics", "latest_metrics", "params", "tags", "experiment_tags"]
        return {t: sorted(map(repr, connection.execute(f"SELECT * FROM {t}"))) for t in tables}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    tracking_store._create_database(path)
    return path


@pytest.fixture
def study(tmp_path, monkeypatch, empty_store):
    """A finished study in the working directory, beside a store with tables and no runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("results").mkdir()
    shutil.copy(empty_store, "results/mlflow.db")
    write_study()


@pytest.fixture
def client(study):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=resolve_uri(None))


@dataclass(frozen=True)
class Index:
    """A study that was synced once; for tests that only read."""

    folder: Path
    client: Any
    receipt: dict
    runs: dict
    content: dict


@pytest.fixture(scope="module")
def index(tmp_path_factory, empty_store):
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("index")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        Path("results").mkdir()
        shutil.copy(empty_store, "results/mlflow.db")
        write_study()
        receipt = sync()
        client = MlflowClient(tracking_uri=receipt["tracking_uri"])
        return Index(folder, client, receipt, all_runs(client, receipt), content(client, receipt))


# ---- what the index holds ----


def test_one_study_run_a_parent_per_model_and_n_and_a_child_per_row(index):
    runs = index.runs
    levels = [run.data.tags["level"] for run in runs.values()]
    assert levels.count("study") == 1
    assert levels.count("parent") == len(STAGES)
    assert levels.count("child") == len(make_metrics())
    assert counts(index.receipt)["created"] == len(runs)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for key, run in runs.items():
        if run.data.tags["level"] == "child":
            study, dataset, qubits, n, _seed, model, _stage = key.split("/")
            parent = runs[f"{study}/{dataset}/{qubits}/{n}/{model}"]
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_child_carries_its_row(index):
    run = index.runs["small/synthetic-4q/4/100/1/quantum/trained"]
    row = make_metrics().query("n == 100 and seed == 1 and model == 'quantum'").iloc[0]
    assert run.info.run_name == "quantum n=100 seed=1"
    assert run.data.metrics["heldout_mse"] == row["heldout_mse"]
    assert run.data.metrics["train_mse"] == row["train_mse"]
    assert run.data.metrics["gap"] == pytest.approx(row["heldout_mse"] / row["train_mse"])
    assert "teacher_r2" not in run.data.metrics
    assert run.info.end_time - run.info.start_time == 1500
    assert run.data.tags["diverged"] == "false"
    expected = {"n": "100", "seed": "1", "model": "quantum", "qubits": "4", "stage": "trained"}
    expected |= {"dataset": "synthetic-4q", "family": "quantum"}
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == expected | {"epochs": "3", "layers": "20"}


def test_a_student_has_its_stages_teacher_and_agreement(index):
    runs = index.runs
    before, after = (
        runs[f"small/synthetic-4q/4/100/1/unitary_re/{stage}"]
        for stage in ("zero_shot", "fine_tuned")
    )
    assert before.info.run_name == "unitary_re zero_shot n=100 seed=1"
    assert after.data.tags["teacher"] == "quantum"
    assert after.data.metrics["teacher_r2"] == pytest.approx(0.8)
    # the curve is that of the last stage
    assert "heldout_mse_per_epoch" in after.data.metrics
    assert "heldout_mse_per_epoch" not in before.data.metrics
    parent = runs["small/synthetic-4q/4/100/unitary_re"]
    assert parent.data.tags["stage"] == "fine_tuned"
    assert {"heldout_mse_mean", "zero_shot/heldout_mse_mean"} <= parent.data.metrics.keys()


def test_curves_have_the_epoch_as_step(index):
    client, runs = index.client, index.runs
    child = runs["small/synthetic-4q/4/100/1/quantum/trained"].info.run_id
    parent = runs["small/synthetic-4q/4/100/quantum"].info.run_id
    for run_id, name, scale in (
        (child, "heldout_mse_per_epoch", 2 * 2),
        (child, "train_mse_per_epoch", 2),
        (parent, "train_mse_per_epoch_mean", (1 + 2) / 2),
    ):
        points = client.get_metric_history(run_id, name)
        assert [point.step for point in points] == list(range(EPOCHS))
        expected = [scale / (1 + epoch) for epoch in range(EPOCHS)]
        assert [point.value for point in points] == pytest.approx(expected)


def test_a_parent_carries_the_aggregates_over_seeds(index):
    parent = index.runs["small/synthetic-4q/4/100/quantum"]
    rows = make_metrics().query("n == 100 and model == 'quantum'")
    heldout, train = rows["heldout_mse"].tolist(), rows["train_mse"].tolist()
    found = parent.data.metrics
    assert found["heldout_mse_mean"] == pytest.approx(statistics.mean(heldout))
    assert found["heldout_mse_std"] == pytest.approx(statistics.stdev(heldout))
    assert found["train_mse_median"] == pytest.approx(statistics.median(train))
    assert found["gap"] == pytest.approx(statistics.mean(heldout) / statistics.mean(train))
    assert (found["seeds"], found["seeds_diverged"]) == (2, 0)


@given(st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=12))
def test_aggregates_agree_with_the_standard_library(values):
    found = aggregate_seeds(values, "x")
    assert found["x_mean"] == pytest.approx(statistics.fmean(values))
    assert found["x_std"] == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-9)
    assert found["x_median"] == pytest.approx(statistics.median(values))


def test_a_lost_seed_is_not_left_out_of_the_aggregates():
    assert aggregate_seeds([1.0, math.nan, 2.0], "loss") == {"loss_median": 2.0}
    assert aggregate_seeds([1.0, math.inf, math.nan], "loss") == {}
    assert aggregate_seeds([0.9, math.nan, 0.8], "r2", -math.inf) == {"r2_median": 0.8}
    assert aggregate_seeds([3.0], "loss") == {"loss_median": 3.0, "loss_mean": 3.0}


def test_a_diverged_run_is_tagged_and_no_filter_takes_it_for_a_good_one(client):
    metrics = make_metrics()
    hit = metrics.eval("n == 100 and seed == 0 and model == 'quantum'")
    metrics.loc[hit, ["heldout_mse", "train_mse"]] = math.nan
    metrics.loc[hit, "diverged"] = True
    write_study(metrics)
    course = make_history()
    course.loc[(course["seed"] == 0) & (course["epoch"] >= 2), ["train_mse", "heldout_mse"]] = None
    write_table("history", history_path(100, "quantum"), course, {})
    receipt = sync()
    runs = all_runs(client, receipt)
    child = runs["small/synthetic-4q/4/100/0/quantum/trained"]
    parent = runs["small/synthetic-4q/4/100/quantum"]
    assert child.data.tags["diverged"] == parent.data.tags["diverged"] == "true"
    assert "heldout_mse" not in child.data.metrics
    assert child.data.metrics["heldout_mse_per_epoch"] == 1.0  # its last finite epoch
    assert parent.info.run_name == "quantum n=100 synthetic-4q (1 of 2 seeds diverged)"
    assert parent.data.metrics["seeds_diverged"] == 1
    assert "heldout_mse_mean" not in parent.data.metrics
    steps = client.get_metric_history(parent.info.run_id, "train_mse_per_epoch_mean")
    assert [point.step for point in steps] == [0, 1]
    found = client.search_runs([receipt["experiment_id"]], "metrics.heldout_mse < 1e9")
    assert len(found) == len(metrics) - 1


def test_the_study_run_has_figures_verdict_table_and_configuration(index):
    run = index.runs[STUDY]
    assert tracking._files_of(index.client, run.info.run_id) == {
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


def test_the_links_find_the_three_conditions_and_the_controls(index):
    client, receipt = index.client, index.receipt
    note = client.get_experiment(receipt["experiment_id"]).tags["mlflow.note.content"]
    first_line = note.splitlines()[0]
    assert first_line.startswith("Compare quantum, classical, distilled and controls at n = 100")
    link = first_line.partition("](")[2].rstrip(")")
    query = parse_qs(urlsplit(link.removeprefix("#")).query)
    assert query["compareRunsMode"] == ["CHART"]
    found = client.search_runs(
        [receipt["experiment_id"]],
        query["searchFilter"][0],
        order_by=[f"{query['orderByKey'][0]} ASC"],
    )
    assert [run.data.tags["model"] for run in found] == [m for m in STAGES if m in COMPARED]
    assert {run.data.tags["n"] for run in found} == {"100"}


def test_every_tag_is_explained(index):
    explained = (Path(__file__).parent.parent / "docs/mlflow.md").read_text()
    tags = {tag for run in index.runs.values() for tag in run.data.tags}
    ours = {tag for tag in tags if not tag.startswith("mlflow.")}
    assert {tag for tag in ours if f"`{tag}`" not in explained} == set()


def test_links_lead_only_to_what_the_study_has():
    metrics = pd.DataFrame({"dataset": ["b", "b", "a"], "n": [10, 20, 20]})
    note = comparison_links("7", metrics)
    assert note.splitlines()[0].startswith(
        "Compare quantum, classical, distilled and controls at n = 10: [b](#/experiments/7/runs?"
    )
    assert note.count("](#/experiments/7/") == 1 + 3


def test_settings_are_flattened_for_the_parameters():
    nested = {"a": {"b": [1, 2], "c": {}}, "d": "text", "e": None}
    assert flatten_settings(nested) == {"a.b": "[1, 2]", "a.c": "{}", "d": "text", "e": "null"}


# ---- syncing again ----


def test_syncing_twice_changes_nothing(client):
    first = sync()
    rows = database_rows()
    second = sync()
    assert counts(second) == {
        "created": 0,
        "unchanged": first["created"],
        "replaced": 0,
        "relinked": 0,
        "deleted": 0,
    }
    assert database_rows() == rows
    assert json.loads(RECEIPT.read_text()) == second


def test_a_changed_run_is_replaced_with_its_parent_and_the_study(client):
    before = all_runs(client, sync())
    metrics = make_metrics()
    metrics.loc[metrics.eval("n == 100 and seed == 1 and model == 'quantum'"), "heldout_mse"] = 0.7
    write_study(metrics)
    receipt = sync()
    after = all_runs(client, receipt)
    changed = {key for key in after if after[key].info.run_id != before[key].info.run_id}
    assert changed == {
        STUDY,
        "small/synthetic-4q/4/100/quantum",
        "small/synthetic-4q/4/100/1/quantum/trained",
    }
    assert (receipt["replaced"], receipt["relinked"], receipt["created"]) == (3, 1, 0)
    sibling = after["small/synthetic-4q/4/100/0/quantum/trained"]
    parent = after["small/synthetic-4q/4/100/quantum"]
    assert sibling.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_runs_of_a_removed_model_are_deleted_and_of_others_left_alone(client):
    receipt = sync()
    mine = client.create_run(receipt["experiment_id"], run_name="a user's own")
    shutil.rmtree("results/small/synthetic-4q/n~100/seeds~0-1/unitary_re")
    write_study(make_metrics(models=("mean", "classical", "quantum")), [("quantum", 100)])
    receipt = sync()
    # unitary_re: a parent and 2 x 2 children; distilled_pool: a parent and 2 children
    assert receipt["deleted"] == 5 + 3
    runs = client.search_runs([receipt["experiment_id"]], max_results=1000)
    models = {run.data.tags.get("model") for run in runs}
    assert models == {None, "mean", "classical", "quantum"}
    assert client.get_run(mine.info.run_id).info.lifecycle_stage == "active"


def test_new_seeds_leave_the_old_ones_as_they_are(client):
    first = sync()
    before = all_runs(client, first)
    write_study(make_metrics(seeds=3))
    receipt = sync()
    after = all_runs(client, receipt)
    old = [key for key in before if before[key].data.tags["level"] == "child"]
    assert all(after[key].info.run_id == before[key].info.run_id for key in old)
    assert receipt["created"] == len(make_metrics(seeds=3)) - len(make_metrics())
    assert receipt["relinked"] == len(old)


def test_lost_artifacts_are_written_again(client):
    sync()
    shutil.rmtree("results/mlflow-artifacts")
    receipt = sync()
    assert receipt["replaced"] == 1
    assert list(Path("results/mlflow-artifacts").rglob("crossover.svg"))


def test_a_deleted_experiment_is_restored_without_its_old_versions(client, index):
    sync()
    metrics = make_metrics()
    metrics["heldout_mse"] *= 2
    write_study(metrics)
    receipt = sync()
    write_study()
    client.delete_experiment(receipt["experiment_id"])
    receipt = sync()
    assert content(client, receipt) == index.content
    runs = client.search_runs([receipt["experiment_id"]], max_results=1000)
    assert len(runs) == len(index.content)


# ---- killed half-way ----


def test_failing_half_way_and_syncing_again_completes_it(client, index, monkeypatch):
    from mlflow import MlflowClient

    real, calls = MlflowClient.log_batch, []

    def failing(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == 7:
            raise RuntimeError("stopped here")
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", failing)
        with pytest.raises(RuntimeError, match="stopped here"):
            sync()
    assert not RECEIPT.exists()
    receipt = sync()
    assert (receipt["unchanged"], receipt["replaced"]) == (6, 1)
    assert content(client, receipt) == index.content


KILL_AT_SEVENTH_BATCH = """
import os, signal
from mlflow import MlflowClient
real, calls = MlflowClient.log_batch, []
def dying(self, *args, **kwargs):
    calls.append(args)
    if len(calls) == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *args, **kwargs)
MlflowClient.log_batch = dying
"""

KILL_AMONG_MIGRATIONS = """
import os, signal
import mlflow.store.db.utils as utils
from alembic.operations import Operations
real = Operations.create_index
def dying(self, *args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
Operations.create_index = dying
"""


def sync_in_a_process(preparation):
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{preparation}\n"
    code += "import test_tracking\ntest_tracking.sync()\n"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_killed_half_way_and_run_again_completes_it(client, index):
    assert sync_in_a_process(KILL_AT_SEVENTH_BATCH).returncode == -signal.SIGKILL
    assert not RECEIPT.exists()
    with sqlite3.connect("results/mlflow.db") as connection:
        left = connection.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'")
        assert left.fetchone() == (1,)
    receipt = sync()
    assert (receipt["unchanged"], receipt["replaced"]) == (6, 1)
    assert content(client, receipt) == index.content


def test_killed_while_the_tables_are_made_leaves_no_store(study):
    Path("results/mlflow.db").unlink()
    assert sync_in_a_process(KILL_AMONG_MIGRATIONS).returncode == -signal.SIGKILL
    assert list(Path("results").glob(".mlflow.*.partial.db"))
    assert not Path("results/mlflow.db").exists()
    assert sync()["created"] == 1 + len(STAGES) + len(make_metrics())


def test_a_store_made_meanwhile_by_another_job_is_kept(tmp_path, empty_store, monkeypatch):
    store = tmp_path / "mlflow.db"

    def link_too_late(source, target):
        shutil.copy(empty_store, target)
        raise FileExistsError(target)

    monkeypatch.setattr(os, "link", link_too_late)
    tracking_store._create_database(store)
    assert store.read_bytes() == empty_store.read_bytes()
    assert list(tmp_path.iterdir()) == [store]


# ---- stores that cannot be used ----


def test_a_locked_store_is_one_sentence(study, monkeypatch):
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


def test_a_store_locked_in_mid_sync_is_one_sentence(study, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def locked(*args, **kwargs):
        raise MlflowException("(sqlite3.OperationalError) database is locked [SQL: INSERT ...]")

    monkeypatch.setattr(MlflowClient, "create_run", locked)
    with pytest.raises(TrackingError, match=r"mlflow\.db is locked by another program"):
        sync()


def test_an_absent_server_is_one_sentence(study):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TrackingError, match=f"server http://127.0.0.1:{port} does not answer"):
        sync(f"http://127.0.0.1:{port}")


def test_a_file_that_is_no_database_is_one_sentence(study):
    Path("results/mlflow.db").write_text("these are not tables\n" * 100)
    with pytest.raises(TrackingError, match=r"mlflow\.db cannot be used: .*not a database"):
        sync()


def test_a_store_that_cannot_be_made_fails_at_once(study):
    Path("blocked").write_text("a file where a folder should be")
    with pytest.raises(TrackingError, match=r"blocked/mlflow\.db cannot be used"):
        sync("sqlite:///blocked/mlflow.db")


def test_a_database_without_its_driver_or_of_no_known_kind(study):
    with pytest.raises(TrackingError, match=r"nosuch://:\*\*\*@host/x cannot be used"):
        sync("nosuch://:secret@host/x")


def test_a_store_copied_away_from_its_artifacts_is_refused(study):
    sync()
    Path("copy").mkdir()
    shutil.copy("results/mlflow.db", "copy/mlflow.db")
    with pytest.raises(TrackingError, match="moved or copied; delete the store"):
        sync("sqlite:///copy/mlflow.db")


@pytest.mark.parametrize("uri", ["mlruns", "./mlruns", "file:///tmp/mlruns", "C:\\mlruns"])
def test_plain_folders_are_refused(uri, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigurationError, match=r"plain folder.*use sqlite:///results/mlflow\.db"):
        resolve_uri(uri)


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "sqlite:x.db"])
def test_databases_without_a_file_are_refused(uri, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigurationError, match="names no file"):
        resolve_uri(uri)


def test_the_environment_goes_before_the_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(None) == f"sqlite:///{tmp_path}/results/mlflow.db"
    assert resolve_uri("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://server.example")
    assert resolve_uri("sqlite:///x.db") == "https://server.example"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "runs")
    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_URI is 'runs'"):
        resolve_uri("sqlite:///x.db")


def test_passwords_are_not_shown():
    assert printable_uri("postgresql://me:secret@host:1/db") == "postgresql://me:***@host:1/db"
    assert printable_uri("http://host:5000") == "http://host:5000"


# ---- bad input, and a server ----


def test_a_history_must_say_what_it_is_of(study):
    write_table("history", "results/small/history.parquet", make_history(), {})
    with pytest.raises(DataError, match=r"results/small/history\.parquet: a history lies at"):
        sync()


def test_a_history_without_metrics_is_refused(study):
    write_table("history", history_path(100, "square"), make_history(), {})
    with pytest.raises(DataError, match="history of 'square' on 'synthetic-4q' at n = 100"):
        sync()


def test_a_missing_figure_is_named(study):
    Path("results/small/figures/crossover.svg").unlink()
    with pytest.raises(DataError, match=r"crossover\.svg: cannot be read"):
        sync()


def test_the_environment_is_as_before(study, monkeypatch):
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


def test_a_server_ends_up_with_the_same_runs_as_a_file(study, index, server, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    receipt = sync()
    assert receipt["tracking_uri"] == server
    assert content(MlflowClient(tracking_uri=server), receipt) == index.content
    assert counts(sync())["unchanged"] == len(index.content)


def test_after_a_failure_no_further_request_is_begun():
    begun = []

    def request(item):
        begun.append(item)
        time.sleep(0.01)
        if item == 0:
            raise ValueError("refused")
        return item

    with pytest.raises(ValueError, match="refused"):
        tracking._map_concurrently(request, range(1000), 2)
    assert len(begun) < 500
    assert tracking._map_concurrently(request, range(1, 9), 3) == list(range(1, 9))
