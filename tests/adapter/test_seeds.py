"""Which seed is deployed: that of the median cross-validated error."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import KFold

from helpers.adapter import SETTINGS, deployment_of, train_study
from helpers.files import rows_at
from qdistill.adapter.seeds import SeedErrors, seed_errors
from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.randomness import generator_for
from qdistill.training.blocks import evaluate_errors
from qdistill.training.protocols import start_model, train_model
from qdistill.training.references import FOLDS, PrincipalRegression

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("errors", "seed"),
    [
        ([3.0, 1.0, 2.0], 2),
        ([4.0, 1.0, 3.0, 2.0], 3),  # the lower of the two middle ones
        ([np.nan, 1.0, 2.0], 2),
        ([np.inf, np.nan, 2.0], 0),
        ([1.0, 1.0, 1.0, 1.0], 1),
        ([5.0], 0),
    ],
)
def test_the_median_seed(errors, seed):
    assert SeedErrors(dict(enumerate(errors)), "").median_seed() == seed


@pytest.fixture(scope="module")
def trained(small_study):
    names = ("pca", "pca_cv", "linear", "square", "linear_tuned", "quantum", "compiled")
    return small_study, train_study(small_study, names)


CONDITION = {"dataset": "small", "protocol": "article", "n": 20}


def errors_of(trained, name, settings=None, spoiled=()):
    study, files = trained
    latents = load_latents(study.latents)
    features = latents.features.copy()
    for split in spoiled:
        features[latents.positions(split)] = 1e3
    latents = replace(latents, features=features)
    blocks = [load_examples(latents, path, 20) for path in files.subsets]
    training = deployment_of(study, ("linear", "square", "quantum")).training | (settings or {})
    return seed_errors(name, blocks, 8, CONDITION, training, files.choices), blocks


@pytest.mark.parametrize("name", ["pca", "pca_cv", "linear", "quantum", "compiled", "linear_tuned"])
def test_every_seed_has_an_error_and_no_held_out_row_counts(trained, name):
    found, _ = errors_of(trained, name)
    assert list(found.errors) == [0, 1, 2]
    assert all(0 < error < 1 for error in found.errors.values())
    assert len(set(found.errors.values())) == 3
    spoiled, _ = errors_of(trained, name, spoiled=("heldout", "unlabelled"))
    assert spoiled.errors == found.errors


def test_a_students_seed_is_its_teachers(trained):
    found = errors_of(trained, "compiled")[0]
    assert found.errors == errors_of(trained, "quantum")[0].errors
    assert "its teacher `quantum`" in found.source


def test_the_error_of_pca_is_that_of_leaving_rows_out(trained):
    found, blocks = errors_of(trained, "pca")
    x = blocks[0].inputs[blocks[0].labelled[1]].double().numpy()
    state = int(generator_for(1, 20, "rank").integers(2**32))
    squared = 0.0
    for kept, held in KFold(FOLDS, shuffle=True, random_state=state).split(x):
        guess = PrincipalRegression(x[kept], x[kept], 8).predict(x[held])
        squared += np.square(guess - x[held]).sum()
    assert found.errors[1] == pytest.approx(squared / x.size)


def test_training_on_folds_is_as_long_as_the_training_itself(trained):
    """With no epochs the error is that of the start, and with more it is another."""
    start, blocks = errors_of(trained, "linear", {"linear": {**SETTINGS, "epochs": 0}})
    model, parameters, _ = start_model("linear", SETTINGS, 8, blocks[0])
    before = evaluate_errors(model, parameters, blocks[0])[0]
    assert [start.errors[seed] for seed in (0, 1)] == pytest.approx(before, rel=1e-5)
    longer, _ = errors_of(trained, "linear", {"linear": {**SETTINGS, "epochs": 100}})
    assert all(longer.errors[seed] < start.errors[seed] for seed in (0, 1, 2))


def test_a_regularised_run_has_recorded_its_error(trained):
    study, unused = trained[0], ("epochs", "learning_rate")
    settings = {k: v for k, v in SETTINGS.items() if k not in unused} | {"protocol": "regularised"}
    settings["regularised"] = {"folds": 2, "steps": 60, "epochs": 0, "checks": 3}
    settings["regularised"] |= {"learning_rates": [0.03], "weight_decays": [0.0, 1.0]}
    files, problem = study.files("square"), study.problem(protocol="regularised")
    train_model("square", problem, settings, files)
    examples = load_examples(study.latents, problem.subsets, 20)
    arguments = ([examples], 8, {**CONDITION, "protocol": "regularised"}, {"square": settings})
    found = seed_errors("square", *arguments, files.choices)
    history = rows_at(files, "history", 20)
    for seed, rows in history.groupby("seed"):
        curve = rows.sort_values("epoch")["validation_loss"]
        assert found.errors[seed] == curve.iloc[-1] == curve.min()
    assert "recorded by the search" in found.source
