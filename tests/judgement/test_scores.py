"""How well classes are told: comparisons by hand, and what is found."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.metrics import make_row
from qdistill.judgement.attribution import attribute
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.findings.gathering import gather_findings
from qdistill.judgement.published import read_published
from qdistill.judgement.scores import compare_scores
from qdistill.judgement.study import judge_tables, tasks_of
from qdistill.judgement.tables import StudyTables
from qdistill.storage.tables import make_frame

SEEDS = range(6)
# Model -> mean log loss, mean accuracy.
TOLD = {
    "mean": (2.3, 0.1),
    "nearest_centroid": (0.9, 0.7),
    "nearest_neighbours": (1.0, 0.68),
    "logistic": (0.5, 0.86),
    "svm_linear": (0.52, 0.87),
    "svm_rbf": (0.48, 0.88),
    "mlp": (0.6, 0.84),
    "linear": (0.7, 0.83),
    "square": (0.8, 0.8),
    "classical": (0.9, 0.79),
    "quantum": (0.8, 0.8),
}


def metrics_of(told, n=50):
    rows = []
    for place, (model, (loss, accuracy)) in enumerate(told.items()):
        jitter = np.random.default_rng(place).normal(size=len(SEEDS))
        for seed in SEEDS:
            row = make_row("digits-labels", "article", n, seed, model, "trained", loss)
            row["heldout_loss"] = loss * np.exp(0.02 * jitter[seed])
            row |= {"task": "classify", "measure": "cross_entropy", "qubits": 4}
            row |= {"heldout_accuracy": accuracy + 0.005 * jitter[seed]}
            rows.append(row | {"heldout_macro_f1": accuracy - 0.02 + 0.005 * jitter[seed]})
    return pd.DataFrame(rows)


def test_accuracies_are_compared_pair_by_pair_with_every_other_model():
    metrics = metrics_of(TOLD)
    table = compare_scores(metrics)
    assert set(table["challenger"]) == {"quantum"}
    assert len(table) == 2 * (len(TOLD) - 1)
    row = table[(table["baseline"] == "logistic") & (table["measure"] == "heldout_accuracy")]
    values = metrics.pivot(index="seed", columns="model", values="heldout_accuracy")
    difference = values["quantum"] - values["logistic"]
    limits = stats.ttest_1samp(difference, 0).confidence_interval()
    assert row["difference"].item() == pytest.approx(difference.mean())
    assert row["ci_low"].item() == pytest.approx(limits.low)
    assert row["verdict"].item() == "worse" and row["margin"].item() == 0.01
    verdicts = table[table["measure"] == "heldout_accuracy"].set_index("baseline")["verdict"]
    assert verdicts["mean"] == "better"
    assert compare_scores(metrics.assign(task="map")).empty


def test_attribution_asks_for_the_rivals_of_labelled_data():
    metrics = metrics_of(TOLD)
    tasks = tasks_of(metrics)
    assert tasks == {("digits-labels", "article"): "classify"}
    (row,) = attribute(compare_models(metrics), tasks).to_dict("records")
    assert row["verdict"] == "not distinct" and row["missing"] == ()
    assert row["simplest"] == "logistic"
    ahead = {name: told for name, told in TOLD.items()} | {"quantum": (0.1, 0.97)}
    (row,) = attribute(compare_models(metrics_of(ahead)), tasks).to_dict("records")
    assert row["verdict"] == "distinct"
    del ahead["mlp"]
    (row,) = attribute(compare_models(metrics_of(ahead)), tasks).to_dict("records")
    assert row["verdict"] == "undefined" and row["missing"] == ("mlp",)


def test_findings_name_who_is_best_and_what_to_use():
    metrics = metrics_of(TOLD)
    frames = {"metrics": metrics, "sweep": make_frame("sweep")}
    tables = judge_tables(frames, read_published())
    found = gather_findings(StudyTables.complete({**frames, **tables}))
    told = found[found["question"] == "labels"]
    best = told[told["verdict"] == "best"].set_index("measure")["subject"]
    assert best.to_dict() == {
        "cross_entropy": "svm_rbf",
        "accuracy": "svm_rbf",
        "macro_f1": "svm_rbf",
    }
    own = told[(told["subject"] == "logistic") & (told["measure"] == "accuracy")].iloc[0]
    values = metrics.loc[metrics["model"] == "logistic", "heldout_accuracy"]
    assert own["estimate"] == pytest.approx(values.mean()) and own["low"] < own["estimate"]
    choice = found[found["question"] == "choice"].iloc[0]
    assert choice["subject"] == "svm_rbf"  # which is nothing to deploy here
    scores = found[found["question"] == "scores"]
    assert set(scores["measure"]) == {"accuracy", "macro_f1"}


@pytest.mark.parametrize(
    ("g", "verdict"), [(2.0, "no room"), (4.9, "open"), (9.0, "open"), (12.0, "room")]
)
def test_there_is_no_room_for_a_kernel_only_well_below_the_root_of_n(g, verdict):
    rows = [
        {"dataset": "digits-labels", "qubits": 4, "protocol": "article", "n": 100, "seed": seed}
        | {"encoding": "angle", "against": "rbf", "geometric_difference": g + 0.2 * (seed - 2.5)}
        | {"residual_difference": 1.0, "complexity_quantum": 8.0 + seed % 2}
        | {"complexity_classical": 4.0}
        for seed in SEEDS
    ]
    frames = {"metrics": metrics_of(TOLD, 100), "sweep": make_frame("sweep")}
    frames["geometry"] = pd.DataFrame(rows)
    found = gather_findings(
        StudyTables.complete({**frames, **judge_tables(frames, read_published())})
    )
    own = found[found["question"] == "geometry"].set_index("measure")
    assert own.loc["geometric_difference", ["verdict", "level"]].tolist() == [verdict, 10.0]
    assert own.loc["complexity_ratio", "verdict"] == "does not suit"


def test_what_cannot_be_deployed_may_be_used_where_classes_are_told():
    ahead = {**TOLD, "quantum_angle": (0.1, 0.97)}
    frames = {"metrics": metrics_of(ahead), "sweep": make_frame("sweep")}
    tables = judge_tables(frames, read_published())
    found = gather_findings(StudyTables.complete({**frames, **tables}))
    assert found[found["question"] == "choice"]["subject"].tolist() == ["quantum_angle"]
