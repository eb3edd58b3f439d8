"""What perturbed inputs cost: the same rows for every model, and nothing but what is asked for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import map_coordinates
from scipy.special import log_softmax
from scipy.stats import norm

from helpers.files import SEEDS, files_of, make_problem
from helpers.students import SETTINGS, take_from
from helpers.training import make_examples
from qdistill.datasets.digits import write_digits
from qdistill.datasets.examples import load_examples
from qdistill.datasets.labelled import label_latents
from qdistill.downstream.codes import load_predictor
from qdistill.downstream.robustness import (
    measure_robustness,
    perturb_heldout,
    rotate_images,
    spread_of,
)
from qdistill.errors import DataError
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.tables import read_frame, write_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.students.fitting import fit_student
from qdistill.study.datasets import resolve_dataset
from qdistill.training import references
from qdistill.training.protocols import train_model
from qdistill.training.references import fit_references

pytestmark = pytest.mark.slow

MODELS = ("classical", "quantum")
STUDENTS = ("compiled", "random_dense")
REFERENCES = ("mean", "nearest_centroid", "nearest_neighbours")
NOTHING = (("none", 0), ("noise", 0), ("rotation", 0))
ROWS = {"train": 60, "unlabelled": 20, "heldout": 50}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Digits with classes, and everything trained on them, for all seeds and for two of them."""
    folder = tmp_path_factory.mktemp("robust")
    source = resolve_dataset({"name": "digits", **ROWS})
    settings = resolve_dataset({"name": "digits-labels", "source": source, "least_rows": 3})
    write_digits(source, folder / "source.parquet")
    label_latents(settings, folder / "latents.parquet", folder / "source.parquet")
    for seeds in (SEEDS, SEEDS[1:]):
        problem = problem_of(folder, seeds)
        fit_references(REFERENCES, problem, settings, references_of(folder, seeds))
        for name in MODELS:
            train_model(name, problem, SETTINGS, files_of(folder, name, seeds))
        teacher = files_of(folder, "quantum", seeds)
        take_from(problem, "quantum", teacher, SETTINGS)
        for name in STUDENTS:
            given = (problem, teacher.weights, teacher.unitary, SETTINGS)
            fit_student(name, *given, files_of(folder, name, seeds))
    return folder


def problem_of(folder, seeds=SEEDS):
    return make_problem(folder / "latents.parquet", (30, 45), seeds, qubits=4)


def references_of(folder, seeds=SEEDS):
    return folder / f"references-{len(seeds)}.parquet"


def measured(folder, perturbations=NOTHING, seeds=SEEDS, names=(*MODELS, *STUDENTS)):
    files = {name: files_of(folder, name, seeds) for name in names}
    weights, metrics = (
        {k: own[kind] for k, own in files.items()} for kind in ("weights", "metrics")
    )
    settings = {"perturbations": perturbations, "references": REFERENCES}
    settings |= {"models": {name: SETTINGS for name in names}}
    path = folder / f"robustness-{len(seeds)}.parquet"
    measure_robustness(problem_of(folder, seeds), weights, metrics, settings, path)
    return read_frame("robustness", path)


def test_without_noise_and_rotation_everything_is_as_in_the_metrics(digits):
    table = measured(digits)
    assert list(table.columns) == CONTRACTS["robustness"].scalars()
    paths = [files_of(digits, name).metrics for name in (*MODELS, *STUDENTS)]
    metrics = pd.concat(read_frame("metrics", p) for p in (*paths, references_of(digits)))
    key = ["n", "seed", "model", "stage"]
    both = table.merge(metrics, on=key)
    names = len(MODELS) + len(STUDENTS) + len(REFERENCES)
    assert len(both) == len(table) == len(NOTHING) * 2 * len(SEEDS) * names
    assert np.array_equal(both["accuracy"], both["heldout_accuracy"])
    assert both["log_loss"].to_numpy() == pytest.approx(both["heldout_loss"].to_numpy(), rel=1e-5)
    assert both["heldout_accuracy"].nunique() > 10


def test_seeds_do_not_depend_on_their_block_nor_on_other_perturbations(digits):
    whole = measured(digits, (("none", 0), ("noise", 0.5), ("noise", 1.0), ("rotation", 15)))
    part = measured(digits, (("rotation", 15), ("noise", 1.0)), SEEDS[1:])
    key = ["n", "seed", "model", "stage", "perturbation", "level"]
    both = part.merge(whole, on=key, suffixes=("", "_whole"))
    assert len(both) == len(part)
    assert both["log_loss"].to_numpy() == pytest.approx(both["log_loss_whole"].to_numpy(), rel=1e-4)
    assert np.abs(both["accuracy"] - both["accuracy_whole"]).max() <= 1 / ROWS["heldout"]
    means = (
        whole[whole["model"] == "nearest_neighbours"]
        .groupby(["perturbation", "level"])["accuracy"]
        .mean()
    )
    assert means["none", 0] > means["noise", 0.5] > means["noise", 1.0]


def test_a_model_of_other_seeds_or_that_lacks_its_decoder_is_named(digits, tmp_path):
    weights = read_weights(files_of(digits, "classical").weights, 30)
    cases = ((SEEDS, "decoder.bias", "no 'decoder.bias'"), ((0, 1, 5), "", "its seeds are not"))
    for seeds, lost, words in cases:
        files = files_of(tmp_path, "classical")
        left = {key: values for key, values in weights.items() if key != lost}
        write_weights(files.weights, {n: left for n in (30, 45)}, seeds, {"model": "classical"})
        settings = {"perturbations": NOTHING, "references": (), "models": {"classical": SETTINGS}}
        paths = ({"classical": files.weights}, {"classical": files_of(digits, "classical").metrics})
        with pytest.raises(DataError, match=words):
            measure_robustness(problem_of(digits), *paths, settings, tmp_path / "table.parquet")


def test_a_student_that_is_a_whole_model_needs_no_teacher(digits, tmp_path):
    """As those of soft labels are, whatever taught them: here the baseline's weights."""
    own = files_of(tmp_path, "self_distilled")
    source = files_of(digits, "classical")
    kept = {n: read_weights(source.weights, n) for n in (30, 45)}
    write_weights(own.weights, kept, SEEDS, {"model": "self_distilled", "teacher": "logistic"})
    problem = problem_of(digits)
    examples = load_examples(problem.latents, problem.subsets, 30)
    inputs = perturb_heldout(examples, "none", 0)
    found, expected = (
        load_predictor(name, 30, {name: path}, 16, SETTINGS)(inputs)
        for name, path in (("self_distilled", own.weights), ("classical", source.weights))
    )
    assert torch.equal(found, expected)


def test_noise_has_the_size_that_is_asked_for_and_is_drawn_for_each_seed():
    examples = make_examples("classes", features=12)
    # Standardised noise of 50 rows of 12 features each has a standard deviation of 1, to 5 %.
    clean = examples.inputs[examples.heldout]
    for level in (0.5, 2.0):
        added = (perturb_heldout(examples, "noise", level) - clean).double().numpy()
        for seed, own in zip(examples.seeds, added, strict=True):
            rows = examples.labelled_rows(seed)[0]
            spread = np.sqrt(np.mean([column.std() ** 2 for column in rows.T]))
            assert spread_of(rows) == pytest.approx(spread)
            assert own.std() == pytest.approx(level * spread, rel=0.1)
        assert not np.allclose(added[0], added[1], atol=0.01)
    (alone,) = perturb_heldout(examples.of_seeds(np.array([1])), "noise", 2.0)
    assert torch.equal(alone, perturb_heldout(examples, "noise", 2.0)[1])


def test_heldout_rows_have_no_part_in_the_size_of_the_noise():
    examples = make_examples("classes")
    inputs = examples.inputs.clone()
    inputs[examples.heldout] *= 100
    wide = replace(examples, inputs=inputs)
    added = [
        perturb_heldout(each, "noise", 1.0).double() - each.inputs[each.heldout].double()
        for each in (examples, wide)
    ]
    assert torch.allclose(*added, atol=1e-3)


def test_a_quarter_of_a_turn_is_that_of_numpy_and_no_turn_changes_nothing():
    images = np.random.default_rng(0).uniform(size=(5, 64)).astype(np.float32)
    square = images.reshape(5, 8, 8)
    assert np.array_equal(rotate_images(images, 0), images)
    for quarters in (1, 2, 3):
        expected = np.rot90(square, quarters, axes=(1, 2)).reshape(5, 64)
        assert rotate_images(images, 90 * quarters) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("degrees", [15, -40])
def test_a_turned_pixel_is_interpolated_where_it_came_from(degrees):
    image = np.random.default_rng(1).uniform(size=64).astype(np.float32)
    angle, middle = np.deg2rad(degrees), 3.5
    row, column = np.mgrid[:8, :8] - middle
    # Anticlockwise on the screen, whose rows go down.
    source = np.array(
        [np.cos(angle) * row + np.sin(angle) * column, np.cos(angle) * column - np.sin(angle) * row]
    )
    expected = map_coordinates(image.reshape(8, 8), source + middle, order=1)
    assert rotate_images(image[None], degrees)[0] == pytest.approx(expected.ravel(), abs=1e-5)


def test_a_wide_margin_keeps_more_than_a_thin_one(tmp_path, monkeypatch):
    """Two classes far apart in one feature, close in another: planted models look at one each."""
    generator = np.random.default_rng(0)
    classes = generator.integers(2, size=300)
    # On clean rows, either feature tells all classes.
    wide = np.where(classes, 3.0, -3.0)
    thin = np.where(classes, 0.3, -0.3)
    features = np.column_stack([wide, thin, *generator.normal(size=(2, 300))])
    columns = {"row": np.arange(300), "split": np.repeat(["train", "heldout"], [60, 240])}
    columns |= {"features": features, "targets": np.eye(2)[classes]}
    columns["label"] = np.array(list("ab"))[classes]
    latents = tmp_path / "latents.parquet"
    write_table("latents", latents, columns, {}, {"classes": '["a", "b"]'})

    class Sign:
        def __init__(self, feature):
            self.feature = feature

        def scores(self, inputs):
            return np.column_stack([-inputs[:, self.feature], inputs[:, self.feature]])

    planted = {"nearest_centroid": Sign(0), "logistic": Sign(1)}
    monkeypatch.setattr(references, "fit_classifier", lambda name, *_: planted[name])
    settings = {"perturbations": (("none", 0), ("noise", 0.5)), "references": (*planted,)}
    problem = make_problem(latents, (20,), qubits=2)
    measure_robustness(problem, {}, {}, {**settings, "models": {}}, tmp_path / "table.parquet")
    table = read_frame("robustness", tmp_path / "table.parquet")
    found = table.groupby(["perturbation", "model"])["accuracy"].mean()
    assert found["none", "nearest_centroid"] == found["none", "logistic"] == 1
    assert found["noise", "nearest_centroid"] > found["noise", "logistic"] + 0.3
    # Of the thin one, what a normal distribution leaves on the right side of the border.
    spread = np.sqrt(features[:60].var(axis=0).mean())
    assert found["noise", "logistic"] == pytest.approx(norm.cdf(0.3 / (0.5 * spread)), abs=0.05)
    row = table[(table["model"] == "logistic") & (table["perturbation"] == "none")].iloc[0]
    truth = classes[60:]
    scores = planted["logistic"].scores(features[60:].astype(np.float32).astype(float))
    own = -log_softmax(scores, axis=1)[np.arange(240), truth].mean()
    assert row["log_loss"] == pytest.approx(own, rel=1e-5)
