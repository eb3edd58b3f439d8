"""A study of classes: circuits beside classifiers, students, noise and planted answers."""

import numpy as np
import pytest
import yaml

from helpers.checkout import checkout, succeed
from qdistill.storage.tables import read_frame
from qdistill.training.classifiers import RECIPES

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: told
datasets: [digits-labels]
n: [40]
seeds: 4
seeds_per_block: 4
models: [mean, linear, square, frozen_circuit, classical, quantum, quantum_angle, angle_frozen]
students: [compiled, soft_labels, soft_labels_pool, soft_labels_logistic, soft_labels_smoothed]
pool_sweep: []
sweeps: []
robustness: { noise: [0.5], rotations: [20] }
training:
  protocol: regularised
  layers: 2
  regularised: { folds: 2, steps: 40, epochs: 0, checks: 4, weight_decays: [0.1, 1] }
tracks:
  regularised: null
  denoise: null
  labels: null
  memorise:
    datasets: [digits-labels-shuffled]
    n: [20]
    models: [mean, linear, square, classical, quantum]
    students: []
    training:
      { protocol: article, epochs: 200, learning_rate: 0.02, schedule: cosine, code_scale: unit }
  control:
    datasets: [circuit-labels]
    n: [100]
    models: [mean, linear, square, frozen_circuit, separable, classical, quantum]
    students: []
    training: { protocol: article, epochs: 600, learning_rate: 0.03, layers: 2, angle_range: 1.0 }
downstream: null
cost: null
deploy: null
mlflow: { enabled: false }
""")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("labels"))
    told = CONFIG["models"] + list(RECIPES)
    control = CONFIG["tracks"]["control"]
    control["models"] += [name for name in RECIPES if not name.startswith(("kernel", "fourier"))]
    own = {**CONFIG, "models": told, "datasets": ["digits-labels"]}
    (folder / STUDY).write_text(yaml.safe_dump(own))
    succeed(folder, "--configfile", STUDY)
    return folder


def table(folder, name):
    return read_frame(name, folder / f"results/told/{name}.parquet")


def test_every_run_has_a_log_loss_an_accuracy_and_an_f1(finished):
    metrics = table(finished, "metrics")
    assert (metrics["measure"] == "cross_entropy").all()
    scores = metrics[["train_accuracy", "heldout_accuracy", "heldout_macro_f1"]]
    assert scores.notna().all(axis=None) and scores.max(axis=None) <= 1
    own = metrics[metrics["dataset"] == "digits-labels"]
    means = own.groupby(["model", "stage"])[["heldout_loss", "heldout_accuracy"]].mean()
    assert set(RECIPES) < set(means.index.get_level_values("model"))
    for name in ("logistic", "svm_rbf", "linear", "quantum"):
        assert means.loc[(name, "trained"), "heldout_accuracy"] > 0.5
        assert means.loc[(name, "trained"), "heldout_loss"] < np.log(10)
    compiled = means.loc[("compiled", "zero_shot"), "heldout_loss"]
    assert compiled == pytest.approx(means.loc[("quantum", "trained"), "heldout_loss"], rel=1e-4)
    students = own[own["model"].isin(["soft_labels", "soft_labels_logistic"])]
    assert (students["teacher_agreement"] > 0.5).all()


def test_a_circuit_that_is_needed_is_called_distinct_and_one_with_nothing_to_learn_is_not(finished):
    attribution = table(finished, "attribution").set_index("dataset")
    assert attribution.loc["circuit-labels", "verdict"] == "distinct"
    assert attribution.loc["circuit-labels", "missing"] == ()
    assert attribution.loc["digits-labels-shuffled", "verdict"] != "distinct"
    metrics = table(finished, "metrics")
    shuffled = metrics[(metrics["dataset"] == "digits-labels-shuffled")]
    trained = shuffled[shuffled["model"].isin(["square", "classical", "quantum"])]
    assert (trained["train_accuracy"] == 1).all()
    assert trained["heldout_accuracy"].mean() == pytest.approx(0.1, abs=0.03)


def test_the_page_says_who_tells_classes_best_and_what_is_memorised(finished):
    page = (finished / "reports/verdict.md").read_text()
    assert "## Who tells the classes best?" in page and "log loss" in page
    assert "beside a Gaussian kernel, `kernel_amplitude`" in page
    assert "## Do the circuit's students withstand more?" in page
    assert "**distinct**" in page and "The circuit memorises at n = 20" in page
    findings = table(finished, "findings")
    best = findings[(findings["question"] == "labels") & (findings["verdict"] == "best")]
    assert set(best["measure"]) == {"cross_entropy", "accuracy", "macro_f1"}
    assert set(findings["question"]) >= {"scores", "geometry", "robustness", "memorisation"}


def test_noise_costs_accuracy(finished):
    told = table(finished, "robustness")
    means = told.groupby(["model", "perturbation"])["accuracy"].mean().unstack()
    for name in ("linear", "quantum", "soft_labels"):
        assert means.loc[name, "noise"] < means.loc[name, "none"]
        assert means.loc[name, "rotation"] < means.loc[name, "none"]
