"""Codes from saved weights: decoded, they have the errors that training reported."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from helpers.students import SETTINGS, student_runs, teach
from qdistill.datasets.latents import load_latents
from qdistill.downstream.codes import load_encoder, principal_codes, seeds_of
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights, read_weights_metadata, write_weights
from qdistill.students.fitting import fit_student
from qdistill.study.registry import BOTTLENECKS, STUDENTS, stages_of
from qdistill.training.protocols import train_model
from qdistill.training.tuning import tune_model

TUNING = {
    "folds": 2,
    "rows": 20,
    "max_steps": 30,
    "patience": 3,
    "learning_rates": [0.05],
    "layers": [1, 3],
}


@pytest.fixture(scope="module")
def taught(small_study):
    return teach(small_study)


def runs_of(study, name):
    """Train, tune or teach something, unless it is there; give its files."""
    runs = student_runs(study, name)
    runs = [replace(run, choices=run.metrics.with_name("choices.parquet")) for run in runs]
    if not runs[0].weights.exists():
        settings = {**SETTINGS, "folds": 2, "tuning": TUNING}
        if name in STUDENTS:
            fit_student(name, "small", 3, "article", study.latents, runs, settings)
        elif name in BOTTLENECKS:
            train_model(name, "small", 3, study.latents, runs, SETTINGS)
        else:
            tune_model(name, "small", 3, "article", study.latents, runs, settings)
    return runs


@pytest.mark.parametrize("name", [*BOTTLENECKS, "linear_tuned", "quantum_tuned", *STUDENTS])
def test_decoded_codes_have_the_errors_of_the_metrics(taught, name):
    """Codes are those of the trained model: constants, read-out, layers of each seed and all."""
    latents = load_latents(taught.latents)
    for run in runs_of(taught, name):
        heldout = torch.tensor(latents.features[latents.positions("heldout")])
        encode = load_encoder(name, run.weights, 3, SETTINGS)
        codes = encode(heldout.expand(3, -1, -1))
        assert codes.shape == (3, len(heldout), 8)
        weights = read_weights(run.weights)
        decoder = torch.tensor(weights["decoder.weight"])
        predicted = codes @ decoder.transpose(1, 2) + torch.tensor(weights["decoder.bias"])[:, None]
        errors = (predicted - heldout).double().square().mean((1, 2))
        metrics = read_frame("metrics", run.metrics)
        reported = metrics[metrics["stage"] == stages_of(name)[-1]]
        assert seeds_of(run.weights) == reported["seed"].tolist() == [0, 1, 2]
        np.testing.assert_allclose(errors, reported["heldout_mse"], rtol=2e-4)


def test_seeds_with_circuits_of_different_depth_keep_their_own(taught):
    run = runs_of(taught, "quantum_tuned")[0]
    weights = read_weights(run.weights)
    weights["bottleneck.layers"] = np.array([1, 3, 1])
    generator = np.random.default_rng(0)
    weights["bottleneck.angles"] = generator.normal(size=(3, 3, 3, 2)).astype(np.float32)
    path = run.weights.with_name("mixed.safetensors")
    write_weights(path, weights, read_weights_metadata(run.weights))
    inputs = torch.tensor(generator.normal(size=(3, 5, 32)), dtype=torch.float32)
    codes = load_encoder("quantum_tuned", path, 3, {})(inputs)
    for seed, depth in enumerate((1, 3, 1)):
        single = {k: v[seed : seed + 1] for k, v in weights.items() if "layers" not in k}
        single["bottleneck.angles"] = single["bottleneck.angles"][:, :depth]
        alone = path.with_name(f"seed{seed}.safetensors")
        write_weights(alone, single, {"model": "quantum", "seeds": str(seed)})
        expected = load_encoder("quantum", alone, 3, {})(inputs[seed : seed + 1])[0]
        np.testing.assert_allclose(codes[seed], expected, atol=1e-6)


def test_principal_codes_are_those_of_the_library():
    generator = np.random.default_rng(0)
    labelled, inputs = generator.normal(size=(30, 9)), generator.normal(size=(11, 9))
    expected = PCA(4, svd_solver="full").fit(labelled).transform(inputs)
    found = principal_codes(labelled, inputs, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-6)


def test_there_are_no_more_principal_codes_than_directions():
    generator = np.random.default_rng(1)
    few = generator.normal(size=(3, 9))
    assert principal_codes(few, few, 8).shape == (3, 2)
    flat = generator.normal(size=(20, 2)) @ generator.normal(size=(2, 9))
    assert principal_codes(flat, flat, 8).shape == (20, 2)


def test_weights_of_something_else_are_refused(taught):
    run = runs_of(taught, "linear")[0]
    with pytest.raises(DataError, match="of model 'linear', and 'square' is wanted"):
        load_encoder("square", run.weights, 3, {})
    weights = read_weights(run.weights)
    del weights["encoder.bias"]
    broken = run.weights.with_name("broken.safetensors")
    write_weights(broken, weights, {"model": "linear", "seeds": "0,1,x"})
    with pytest.raises(DataError, match=r"no 'encoder\.bias', so this is not a trained 'linear'"):
        load_encoder("linear", broken, 3, {})
    with pytest.raises(DataError, match="its header names the seeds '0,1,x'"):
        seeds_of(broken)
    write_weights(broken, weights, {"model": "pca"})
    with pytest.raises(DataError, match="'pca' is not a trained model or student"):
        load_encoder("pca", broken, 3, {})
