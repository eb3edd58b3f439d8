"""Syncing again changes nothing, what changed is replaced, and what was cut off is completed."""

import json
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from helpers.tracking import (
    KILL_IN_SEVENTH_RUN,
    KILL_IN_THIRD_TRANSACTION,
    RECEIPT,
    STUDY,
    all_runs,
    content,
    counts,
    database_rows,
    make_metrics,
    sync,
    sync_in_a_process,
    write_study,
)
from qdistill.tracking import writer
from qdistill.tracking.writer import OUTCOMES

pytestmark = pytest.mark.slow


def test_syncing_twice_changes_nothing(client):
    first = sync()
    rows = database_rows()
    second = sync()
    assert counts(second) == dict.fromkeys(OUTCOMES, 0) | {"unchanged": first["created"]}
    assert database_rows() == rows
    assert json.loads(RECEIPT.read_text()) == second


def test_a_changed_run_is_replaced_with_its_parent_and_the_study(client):
    before = all_runs(client, sync())
    metrics = make_metrics()
    metrics.loc[metrics.eval("n == 100 and seed == 1 and model == 'quantum'"), "heldout_loss"] = 0.7
    write_study(metrics)
    receipt = sync()
    after = all_runs(client, receipt)
    changed = {key for key in after if after[key].info.run_id != before[key].info.run_id}
    condition = "small/synthetic-4q/4/article/100"
    assert changed == {STUDY, f"{condition}/quantum", f"{condition}/1/quantum/trained"}
    assert (receipt["replaced"], receipt["relinked"], receipt["created"]) == (3, 1, 0)
    sibling, parent = after[f"{condition}/0/quantum/trained"], after[f"{condition}/quantum"]
    assert sibling.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_runs_of_a_removed_model_are_deleted_and_of_others_left_alone(client):
    receipt = sync()
    mine = client.create_run(receipt["experiment_id"], run_name="a user's own")
    shutil.rmtree("results/small/synthetic-4q/article/unitary_re")
    write_study(make_metrics(models=("mean", "classical", "quantum")), ["quantum"])
    receipt = sync()
    # unitary_re: a parent and 2 x 2 children; linear_tuned, distilled_pool: a parent and 2 children
    assert receipt["deleted"] == 5 + 3 + 3
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
    metrics["heldout_loss"] *= 2
    write_study(metrics)
    receipt = sync()
    write_study()
    client.delete_experiment(receipt["experiment_id"])
    receipt = sync()
    assert content(client, receipt) == index.content
    runs = client.search_runs([receipt["experiment_id"]], max_results=1000)
    assert len(runs) == len(index.content)


@pytest.mark.parametrize(
    ("killed", "half"), [(KILL_IN_SEVENTH_RUN, 1), (KILL_IN_THIRD_TRANSACTION, 0)]
)
def test_killed_half_way_and_run_again_completes_it(client, index, killed, half):
    assert sync_in_a_process(killed).returncode == -signal.SIGKILL
    assert not RECEIPT.exists()
    with sqlite3.connect("results/mlflow.db") as connection:
        left = connection.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'")
        assert left.fetchone() == (half,)
    receipt = sync()
    assert (receipt["unchanged"], receipt["replaced"]) == (6, half)
    assert content(client, receipt) == index.content


def test_after_a_failure_no_further_request_is_begun():
    begun = []

    def request(item):
        begun.append(item)
        time.sleep(0.01)
        if item == 0:
            raise ValueError("refused")
        return item

    with pytest.raises(ValueError, match="refused"):
        writer._map_concurrently(request, range(1000), 2)
    assert len(begun) < 500
    assert writer._map_concurrently(request, range(1, 9), 3) == list(range(1, 9))
