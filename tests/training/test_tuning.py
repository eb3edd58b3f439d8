"""The circuit's search of layers against searches one by one; the files of both tuned models."""

import json

import numpy as np
import pytest

from helpers.files import SEEDS, files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import write_problem
from qdistill.datasets.examples import load_examples
from qdistill.storage.weights import read_weights
from qdistill.training.linear_tuning import tune_linear
from qdistill.training.protocols import start_model, train_regularised
from qdistill.training.regularised import choose_settings, grid_of
from qdistill.training.tuning import tune_model

GRID = {
    "folds": 3,
    "steps": 40,
    "epochs": 0,
    "checks": 4,
    "learning_rates": [0.03],
    "weight_decays": [0, 1],
}
CIRCUIT = {**SETTINGS, "batch_size": 6, "regularised": GRID, "tuned_layers": [1, 3]}
LINEAR = {"projections": "trained", "folds": 5}
SIZES = (10, 40)


@pytest.fixture(scope="module")
def latents(tmp_path_factory):
    return write_problem(tmp_path_factory.mktemp("tuning"), "noisy map")


def tune(latents, name, chosen, place="tuned", seeds=SEEDS, sizes=SIZES):
    problem = make_problem(latents, sizes, seeds)
    files = files_of(latents.parent / place, name, seeds)
    tune_model(name, problem, chosen, files)
    return files


@pytest.fixture(scope="module")
def circuits(latents):
    return tune(latents, "quantum_tuned", CIRCUIT)


def examples_at(latents, n):
    return load_examples(latents, make_problem(latents, SIZES).subsets, n)


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
def test_each_seed_has_the_layers_of_its_lowest_error_and_is_trained_so(circuits, latents, n):
    frame, examples = rows_at(circuits, "choices", n), examples_at(latents, n)
    weights, metrics = read_weights(circuits.weights, n), rows_at(circuits, "metrics", n)
    searches, trained = {}, {}
    for layers in (1, 3):
        own = {**CIRCUIT, "layers": layers, "code_scale": "unit"}
        model, parameters, _ = start_model("quantum", own, 8, examples)
        searches[layers] = choose_settings(
            model, parameters, examples, grid_of(own, examples.n), "batches"
        )
        about = (model, parameters, examples, searches[layers])
        trained[layers] = train_regularised(*about, "batches")
    for place, found in enumerate(map(json.loads, frame["choice"])):
        errors = {layers: search.errors[place] for layers, search in searches.items()}
        layers = min(errors, key=errors.get)
        assert found["layers"] == layers == weights["bottleneck.layers"][place]
        assert frame["validation_loss"][place] == pytest.approx(errors[layers], rel=1e-4)
        assert found["steps"] == searches[layers].steps[place]
        block = trained[layers]
        for name, tensor in block.weights.items():
            kept = weights[name][place]
            if name == "bottleneck.angles":
                assert (kept[layers:] == 0).all()
                kept = kept[:layers]
            np.testing.assert_allclose(kept, tensor[place], rtol=1e-2, atol=1e-3)
        error = block.evaluation.heldout_loss[place]
        assert metrics["heldout_loss"][place] == pytest.approx(error, rel=1e-3)
        assert metrics["n_parameters"][place] == 144 + 6 * layers
        assert metrics["choice_at_edge"][place] == searches[layers].at_edge[place]
    assert (frame["candidates"] == 2 * 2 * 5).all()
    assert (metrics["family"] == "quantum").all() and not metrics["diverged"].any()
    assert (metrics["train_seconds"] > 0).all()


def test_seeds_that_choose_differently_keep_their_places(circuits):
    layers = [set(read_weights(circuits.weights, n)["bottleneck.layers"]) for n in SIZES]
    assert {1, 3} in layers


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(0,), (1, 2)])
def test_a_search_does_not_depend_on_the_block(circuits, latents, seeds):
    apart = tune(latents, "quantum_tuned", CIRCUIT, "apart", seeds)
    for n in SIZES:
        for kind, column in (("choices", "validation_loss"), ("metrics", "heldout_loss")):
            whole, few = (rows_at(files, kind, n)[column] for files in (circuits, apart))
            np.testing.assert_allclose(few, whole[list(seeds)], rtol=1e-3)
        whole, few = (rows_at(files, "choices", n)["choice"] for files in (circuits, apart))
        assert few.tolist() == whole[list(seeds)].tolist()


def test_fixed_projections_are_written_and_only_angles_trained(latents):
    chosen = {**CIRCUIT, "projections": "identity"}
    files = tune(latents, "quantum_tuned", chosen, "identity", sizes=(15,))
    weights = read_weights(files.weights, 15)
    for part in ("encoder", "decoder"):
        np.testing.assert_array_equal(weights[f"{part}.weight"], [np.eye(8)] * 3)
        assert not weights[f"{part}.bias"].any()
    counted = rows_at(files, "metrics", 15)["n_parameters"]
    assert counted.tolist() == (6 * weights["bottleneck.layers"]).tolist()


def test_rates_that_break_are_not_chosen(latents):
    grid = {**GRID, "learning_rates": [1e30, 0.03]}
    own = {**CIRCUIT, "regularised": grid, "tuned_layers": [1]}
    files = tune(latents, "quantum_tuned", own, "broken", sizes=(15,))
    frame = rows_at(files, "choices", 15)
    chosen = map(json.loads, frame["choice"])
    assert {each["learning_rate"] for each in chosen if each["steps"]} == {0.03}
    assert frame["validation_loss"].notna().all()
    assert not rows_at(files, "metrics", 15)["diverged"].any()


def test_files_of_the_tuned_linear_model(latents):
    files = tune(latents, "linear_tuned", LINEAR)
    for n in SIZES:
        examples = examples_at(latents, n)
        weights, evaluation, found = tune_linear(examples, 8, LINEAR)
        metrics, choices = rows_at(files, "metrics", n), rows_at(files, "choices", n)
        for frame in (metrics, choices):
            about = frame[["dataset", "qubits", "protocol", "n", "model"]].drop_duplicates()
            assert about.values.tolist() == [["small", 3, "article", n, "linear_tuned"]]
            assert frame["seed"].tolist() == [0, 1, 2]
        np.testing.assert_array_equal(metrics["heldout_loss"], evaluation.heldout_loss)
        assert (metrics["family"] == "classical").all()
        for column, values in found.items():
            assert choices[column].tolist() == values
        written = read_weights(files.weights, n)
        assert written.keys() == weights.keys()
        assert all(np.array_equal(written[name], tensor) for name, tensor in weights.items())
