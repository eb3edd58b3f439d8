"""What the index holds: a run for the study, a parent per model and n, a child per row."""

import math
import shutil
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.tracking import (
    CHOICES,
    EPOCHS,
    STAGES,
    all_runs,
    counts,
    history_path,
    make_choices,
    make_history,
    make_metrics,
    sync,
    write_study,
)
from qdistill.errors import DataError
from qdistill.storage.tables import write_table
from qdistill.tracking.runs import aggregate_seeds, model_records

AT = "small/synthetic-4q/4/article/100"
CHILD_AND_PARENT = ("1/quantum/trained", "quantum")


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
            study, dataset, qubits, protocol, n, _seed, model, _stage = key.split("/")
            parent = runs[f"{study}/{dataset}/{qubits}/{protocol}/{n}/{model}"]
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_child_carries_its_row(index):
    run = index.runs[f"{AT}/1/quantum/trained"]
    row = make_metrics().query("n == 100 and seed == 1 and model == 'quantum'").iloc[0]
    assert run.info.run_name == "quantum n=100 seed=1"
    assert run.data.metrics["heldout_loss"] == row["heldout_loss"]
    assert run.data.metrics["train_loss"] == row["train_loss"]
    assert run.data.metrics["gap"] == pytest.approx(row["heldout_loss"] / row["train_loss"])
    assert "teacher_r2" not in run.data.metrics
    assert run.info.end_time - run.info.start_time == 1500
    assert run.data.tags["diverged"] == run.data.tags["choice_at_edge"] == "false"
    expected = {"n": "100", "seed": "1", "model": "quantum", "qubits": "4", "stage": "trained"}
    expected |= {"dataset": "synthetic-4q", "protocol": "article", "family": "quantum"}
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == expected | {"epochs": "3", "layers": "20"}


def test_a_student_has_its_stages_teacher_and_agreement(index):
    runs = index.runs
    before, after = (runs[f"{AT}/1/unitary_re/{stage}"] for stage in STAGES["unitary_re"])
    assert before.info.run_name == "unitary_re zero_shot n=100 seed=1"
    assert after.data.tags["teacher"] == "quantum"
    assert after.data.metrics["teacher_r2"] == pytest.approx(0.8)
    # the curve is that of the last stage
    assert "heldout_loss_per_epoch" in after.data.metrics
    assert "heldout_loss_per_epoch" not in before.data.metrics
    parent = runs[f"{AT}/unitary_re"]
    assert parent.data.tags["stage"] == "fine_tuned"
    assert {"heldout_loss_mean", "zero_shot/heldout_loss_mean"} <= parent.data.metrics.keys()


def test_a_parent_carries_the_aggregates_over_seeds(index):
    parent = index.runs[f"{AT}/quantum"]
    rows = make_metrics().query("n == 100 and model == 'quantum'")
    heldout, train = rows["heldout_loss"].tolist(), rows["train_loss"].tolist()
    found = parent.data.metrics
    assert found["heldout_loss_mean"] == pytest.approx(statistics.mean(heldout))
    assert found["heldout_loss_std"] == pytest.approx(statistics.stdev(heldout))
    assert found["train_loss_median"] == pytest.approx(statistics.median(train))
    assert found["gap"] == pytest.approx(statistics.mean(heldout) / statistics.mean(train))
    counts = [found[name] for name in ("seeds", "seeds_diverged", "seeds_choice_at_edge")]
    assert counts == [2, 0, 0]


def test_errors_are_told_over_that_of_the_mean_of_the_same_seed(index):
    rows = make_metrics().query("n == 100").set_index(["model", "seed"])["heldout_loss"]
    ratios = [rows["quantum", seed] / rows["mean", seed] for seed in (0, 1)]
    child, parent = (index.runs[f"{AT}/{key}"].data.metrics for key in CHILD_AND_PARENT)
    assert child["heldout_loss_over_mean"] == pytest.approx(ratios[1])
    assert parent["heldout_loss_over_mean_mean"] == pytest.approx(statistics.mean(ratios))
    own = index.runs[f"{AT}/mean"].data.metrics
    assert own["heldout_loss_over_mean_mean"] == 1


def test_without_a_mean_or_with_one_of_zero_nothing_is_told_over_it():
    metrics = make_metrics()
    metrics.loc[metrics.eval("model == 'mean' and seed == 0"), "heldout_loss"] = 0.0
    told = {
        record.key: record.metrics.keys() & {"heldout_loss_over_mean"}
        for table in (metrics, metrics[metrics["model"] != "mean"].assign(n=50))
        for record in model_records("small", table, {}, {})
    }
    assert [key for key, found in told.items() if found] == [
        key for key in told if "/100/1/" in key
    ]


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


@pytest.mark.slow
def test_a_diverged_run_is_tagged_and_no_filter_takes_it_for_a_good_one(client):
    metrics = make_metrics()
    hit = metrics.eval("n == 100 and seed == 0 and model == 'quantum'")
    metrics.loc[hit, ["heldout_loss", "train_loss"]] = math.nan
    metrics.loc[hit, ["diverged", "choice_at_edge"]] = True
    write_study(metrics)
    course = make_history()
    course.loc[(course["seed"] == 0) & (course["epoch"] >= 2), ["train_loss", "heldout_loss"]] = (
        None
    )
    write_table("history", history_path("quantum"), course, {})
    receipt = sync()
    runs = all_runs(client, receipt)
    child = runs[f"{AT}/0/quantum/trained"]
    parent = runs[f"{AT}/quantum"]
    assert child.data.tags["diverged"] == parent.data.tags["diverged"] == "true"
    assert "heldout_loss" not in child.data.metrics
    assert child.data.metrics["heldout_loss_per_epoch"] == 1.0  # its last finite epoch
    assert parent.info.run_name == "quantum n=100 synthetic-4q article (1 of 2 seeds diverged)"
    assert parent.data.metrics["seeds_diverged"] == 1
    assert parent.data.metrics["seeds_choice_at_edge"] == 1
    assert "heldout_loss_mean" not in parent.data.metrics
    steps = client.get_metric_history(parent.info.run_id, "train_loss_per_epoch_mean")
    assert [point.step for point in steps] == [0, 1]
    found = client.search_runs([receipt["experiment_id"]], "metrics.heldout_loss < 1e9")
    assert len(found) == len(metrics) - 1


def test_every_tag_is_explained(index):
    explained = (Path(__file__).parents[2] / "docs/mlflow.md").read_text()
    tags = {tag for run in index.runs.values() for tag in run.data.tags}
    ours = {tag for tag in tags if not tag.startswith("mlflow.")}
    assert {tag for tag in ours if f"`{tag}`" not in explained} == set()


def test_a_history_or_a_choice_without_metrics_is_refused(finished_study):
    write_table("history", history_path("square"), make_history(model="square"), {})
    said = "history of 'square' on 'synthetic-4q' under the protocol 'article' at n = 100"
    with pytest.raises(DataError, match=said):
        sync()
    history_path("square").unlink()
    write_table("choices", CHOICES, make_choices(seeds=3), {})
    with pytest.raises(DataError, match=r"choice of 'linear_tuned' on .* for seed 2, but"):
        sync()


@pytest.mark.slow
def test_protocols_are_kept_apart(client):
    """The same model, data and n under another protocol is another run, with its own curve."""
    protocols = ("article", "regularised")
    shutil.rmtree("results/small")
    write_study(make_metrics(models=("mean", "quantum"), protocols=protocols), ["quantum"])
    course = make_history(scale=7, protocol="regularised")
    write_table("history", history_path("quantum", "regularised"), course, {})
    receipt = sync()
    runs = all_runs(client, receipt)
    assert receipt["created"] == 1 + 2 * (2 + 4)
    parents = [runs[f"small/synthetic-4q/4/{protocol}/100/quantum"] for protocol in protocols]
    curves = [parent.data.metrics["train_loss_per_epoch_mean"] for parent in parents]
    assert curves == pytest.approx([1.5 / EPOCHS, 7 * 1.5 / EPOCHS])
    assert [parent.data.params.get("epochs") for parent in parents] == ["3", None]
    assert [parent.data.params.get("steps") for parent in parents] == [None, "9000"]


def test_a_tuned_model_has_its_choices_and_no_curve(index):
    first, second = (index.runs[f"{AT}/{seed}/linear_tuned/trained"].data for seed in (0, 1))
    assert (first.params["choice.kind"], first.params["choice.rank"]) == ("low_rank", "4")
    assert (second.params["choice.rank"], second.params["candidates"]) == ("8", "30")
    assert second.metrics["validation_loss"] == 0.03
    parent = index.runs[f"{AT}/linear_tuned"].data
    assert parent.params["choice.kind"] == "low_rank"
    assert parent.params["choice.rank"] == "4 (1 of 2), 8 (1 of 2)"
    assert parent.metrics["validation_loss_mean"] == pytest.approx(0.025)
    for data in (first, second, parent):
        assert not any("per_epoch" in name for name in data.metrics)
