"""Classifiers of scikit-learn with settings of their own: against scikit-learn by brute force."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers.files import files_of, make_problem, rows_at
from helpers.training import make_examples, write_problem
from qdistill.randomness import split_folds
from qdistill.storage.tables import write_table
from qdistill.training.classifiers import (
    FOLDS,
    RECIPES,
    FrequencyClassifier,
    TunedClassifier,
    best_temperature,
    log_losses,
)
from qdistill.training.evaluation import score_classes
from qdistill.training.references import fit_references


def rows_of(seed=0, n=40, classes=3):
    examples = make_examples("classes", (seed,), n=n)
    inputs, targets = examples.labelled_rows(seed)
    heldout = examples.inputs[examples.heldout].double().numpy()
    truth = examples.targets[examples.heldout].argmax(1).numpy()
    return inputs, targets.argmax(axis=1), heldout, truth


def test_the_penalty_of_logistic_regression_is_that_of_brute_force():
    inputs, classes, heldout, _ = rows_of()
    folds = list(split_folds(0, len(inputs), "rivals", FOLDS, classes))
    losses = {}
    for penalty in RECIPES["logistic"].grid["penalty"]:
        strength = 1 / (penalty * inputs.shape[1])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        scores = cross_val_predict(model, inputs, classes, cv=folds, method="decision_function")
        powers = np.linspace(-8, 8, 3201)
        told = log_softmax(scores / np.exp(powers)[:, None, None], axis=2)
        tried = -told[:, np.arange(len(classes)), classes].mean(axis=1)
        losses[penalty] = min(tried), np.exp(powers[np.argmin(tried)]), model
    best = min(losses, key=lambda penalty: losses[penalty][0])
    fitted = TunedClassifier("logistic", inputs, classes, 0, 2)
    assert fitted.setting == {"penalty": best}
    assert fitted.temperature == pytest.approx(losses[best][1], rel=0.02)
    expected = losses[best][2].fit(inputs, classes).decision_function(heldout)
    np.testing.assert_allclose(fitted.scores(heldout) * fitted.temperature, expected, rtol=1e-6)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("classes", [2, 3])
def test_each_tells_classes_that_lie_apart_and_is_sure_of_nothing_that_is_noise(name, classes):
    generator = np.random.default_rng(3)
    labels = np.arange(45) % classes
    apart = 6 * np.eye(classes, 5)[labels] + generator.normal(size=(45, 5))
    easy = TunedClassifier(name, apart, labels, 1, 2)
    asked = np.arange(90) % classes
    seen = easy.scores(6 * np.eye(classes, 5)[asked] + generator.normal(size=(90, 5)))
    assert (seen.argmax(1) == asked).mean() > 0.95
    assert log_losses(seen, asked).mean() < 0.4 * np.log(classes)
    hard = TunedClassifier(name, generator.normal(size=(45, 5)), labels, 1, 2)
    unseen = hard.scores(generator.normal(size=(300, 5)))
    assert unseen.shape == (300, classes)
    assert log_losses(unseen, np.arange(300) % classes).mean() < np.log(classes) + 0.35
    assert easy.count_parameters() > 0


def test_a_setting_is_at_an_edge_where_a_wider_grid_might_do_better():
    recipe = RECIPES["svm_rbf"]
    assert recipe.is_edge({"penalty": 10.0, "gamma": 1.0})
    assert recipe.is_edge({"penalty": 1.0, "gamma": 0.01})
    assert not recipe.is_edge({"penalty": 1.0, "gamma": 1.0})
    assert not RECIPES["nearest_neighbours"].is_edge({"neighbours": 1})
    assert [s["neighbours"] for s in RECIPES["nearest_neighbours"].settings(4)] == [1, 3]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), true=st.floats(0.1, 10))
def test_the_temperature_undoes_the_one_that_scores_were_made_with(seed, true):
    generator = np.random.default_rng(seed)
    logits = 3 * generator.normal(size=(4000, 3))
    classes = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    loss, temperature = best_temperature(logits * true, classes)
    assert temperature == pytest.approx(true, rel=0.15)
    assert loss == pytest.approx(log_loss(classes, softmax(logits * true / temperature, axis=1)))


def test_held_out_rows_and_rows_beyond_n_choose_nothing():
    inputs, classes, heldout, _ = rows_of()
    first = TunedClassifier("svm_rbf", inputs, classes, 0, 2)
    again = TunedClassifier("svm_rbf", inputs.copy(), classes.copy(), 0, 2)
    np.testing.assert_array_equal(first.scores(heldout), again.scores(heldout))
    # What a row is called with does not depend on the others that are asked for.
    np.testing.assert_allclose(first.scores(heldout[:3]), first.scores(heldout)[:3])
    raw = make_pipeline(
        StandardScaler(),
        SVC(C=1 / first.setting["penalty"], gamma=first.setting["gamma"] / inputs.shape[1]),
    ).fit(inputs, classes)
    assert (first.scores(heldout).argmax(1) == raw.predict(heldout)).mean() > 0.9


def test_the_mean_is_how_frequent_classes_are_one_row_more_of_each():
    model = FrequencyClassifier(np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(np.exp(model.scores(np.zeros((2, 5)))), [[4 / 7, 1 / 7, 2 / 7]] * 2)
    assert model.count_parameters() == 3


def test_scores_of_classes_are_those_of_scikit_learn_and_missing_where_not_finite():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(2, 50, 4))
    truth = generator.integers(3, size=50)  # the last class is never true
    scores[1, 7, 2] = np.nan
    found = score_classes(scores, np.eye(4)[truth])
    told = scores[0].argmax(1)
    assert found["accuracy"][0] == (told == truth).mean()
    assert found["macro_f1"][0] == f1_score(truth, told, average="macro", labels=range(4))
    assert np.isnan([found["accuracy"][1], found["macro_f1"][1]]).all()


def test_references_of_labelled_rows_are_in_the_metrics(tmp_path):
    latents = write_problem(tmp_path, "classes")
    problem = make_problem(latents, (12, 30))
    names = ["mean", "nearest_centroid", "logistic"]
    files = files_of(tmp_path, "references")
    fit_references(names, problem, {}, files.metrics)
    frame = rows_at(files, "metrics", 30)
    assert (frame["measure"] == "cross_entropy").all() and (frame["task"] == "classify").all()
    assert frame["heldout_accuracy"].between(0, 1).all()
    by_name = frame.groupby("model")[["heldout_loss", "heldout_accuracy"]].mean()
    assert by_name.loc["logistic", "heldout_loss"] < by_name.loc["mean", "heldout_loss"]
    assert by_name.loc["logistic", "heldout_accuracy"] > by_name.loc["mean", "heldout_accuracy"]
    assert not frame["diverged"].any()


def test_a_row_without_a_state_is_a_flagged_run_and_not_the_end(tmp_path):
    generator = np.random.default_rng(1)
    labels = np.tile(["a", "b"], 30)
    features = np.zeros((60, 8), dtype=np.float32)
    features[:40, :4] = generator.normal(size=(40, 4))
    features[40:, 4:] = generator.normal(size=(20, 4))  # orthogonal to all that is trained on
    split = np.repeat(["train", "heldout"], [40, 20])
    columns = {"row": np.arange(60), "split": split, "label": labels, "features": features}
    columns["targets"] = (labels[:, None] == ["a", "b"]).astype(np.float32)
    about = {"classes": json.dumps(["a", "b"])}
    write_table("latents", latents := tmp_path / "latents.parquet", columns, {}, about)
    files = files_of(tmp_path, "references")
    fit_references(["mean", "kernel_amplitude"], make_problem(latents, (20,)), {}, files.metrics)
    frame = rows_at(files, "metrics", 20).set_index("model")
    assert frame.loc["kernel_amplitude", "diverged"].all()
    assert frame.loc["kernel_amplitude", "heldout_loss"].isna().all()
    assert not frame.loc["mean", "diverged"].any()
