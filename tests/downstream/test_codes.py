"""Codes from saved weights: decoded, they have the errors that training reported."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from helpers.adapter import TUNING
from helpers.files import rows_at
from helpers.names import STUDENTS
from helpers.students import SETTINGS, all_weights, fit
from qdistill.datasets.latents import load_latents
from qdistill.downstream.codes import load_encoder, principal_codes
from qdistill.errors import DataError
from qdistill.storage.weights import read_seeds, read_weights, write_weights
from qdistill.study.registry import BOTTLENECKS, stages_of
from qdistill.training.protocols import train_model
from qdistill.training.tuning import tune_model


def trained(study, name):
    """Train, tune or teach something, unless it is there; its files."""
    files = study.files(name)
    if not files.weights.exists():
        settings = {**SETTINGS, "folds": 2, **TUNING}
        if name in STUDENTS:
            fit(study, name)
        elif name in BOTTLENECKS:
            train_model(name, study.problem(), SETTINGS, files)
        else:
            tune_model(name, study.problem(), settings, files)
    return files


def width_of(name):
    return BOTTLENECKS[name].code_width(8) if name in BOTTLENECKS else 8


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BOTTLENECKS, "linear_tuned", "quantum_tuned", *STUDENTS])
def test_decoded_codes_have_the_errors_of_the_metrics(taught, name):
    """Codes are those of the trained model: constants, read-out, layers of each seed and all."""
    latents, files = load_latents(taught.latents), trained(taught, name)
    heldout = torch.tensor(latents.features[latents.positions("heldout")])
    paths = {each: taught.files(each).weights for each in (name, "quantum", "classical")}
    for n in taught.sizes:
        codes = load_encoder(name, n, paths, 8, SETTINGS)(heldout.expand(3, -1, -1))
        assert codes.shape == (3, len(heldout), width_of(name))
        own = read_weights(files.weights, n)
        weights = all_weights(taught, name, n) if name in STUDENTS else own
        decoder = torch.tensor(weights["decoder.weight"])
        if name in ("linear", "linear_tuned"):
            codes = codes + torch.tensor(weights["encoder.bias"])[:, None]
        predicted = codes @ decoder.transpose(1, 2) + torch.tensor(weights["decoder.bias"])[:, None]
        errors = (predicted - heldout).double().square().mean((1, 2))
        metrics = rows_at(files, "metrics", n)
        reported = metrics[metrics["stage"] == stages_of(name)[-1]]
        assert read_seeds(files.weights) == reported["seed"].tolist() == [0, 1, 2]
        np.testing.assert_allclose(errors, reported["heldout_loss"], rtol=2e-4)


def test_seeds_with_circuits_of_different_depth_keep_their_own(taught, tmp_path):
    weights = read_weights(trained(taught, "quantum_tuned").weights, 12)
    weights["bottleneck.layers"] = np.array([1, 3, 1])
    generator = np.random.default_rng(0)
    weights["bottleneck.angles"] = generator.normal(size=(3, 3, 3, 2)).astype(np.float32)
    path = tmp_path / "mixed.safetensors"
    write_weights(path, {12: weights}, (0, 1, 2), {"model": "quantum_tuned"})
    inputs = torch.tensor(generator.normal(size=(3, 5, 32)), dtype=torch.float32)
    codes = load_encoder("quantum_tuned", 12, {"quantum_tuned": path}, 8, {})(inputs)
    for seed, depth in enumerate((1, 3, 1)):
        single = {k: v[seed : seed + 1] for k, v in weights.items() if "layers" not in k}
        single["bottleneck.angles"] = single["bottleneck.angles"][:, :depth]
        alone = tmp_path / f"seed{seed}.safetensors"
        write_weights(alone, {12: single}, (seed,), {"model": "quantum"})
        encode = load_encoder("quantum", 12, {"quantum": alone}, 8, {})
        np.testing.assert_allclose(codes[seed], encode(inputs[seed : seed + 1])[0], atol=1e-6)


def test_principal_codes_are_those_of_the_library():
    generator = np.random.default_rng(0)
    labelled, inputs = generator.normal(size=(30, 9)), generator.normal(size=(11, 9))
    expected = inputs @ PCA(4, svd_solver="full").fit(labelled).components_.T
    found = principal_codes(labelled, inputs, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-6)


def test_there_are_no_more_principal_codes_than_directions():
    generator = np.random.default_rng(1)
    few = generator.normal(size=(3, 9))
    assert principal_codes(few, few, 8).shape == (3, 2)
    flat = generator.normal(size=(20, 2)) @ generator.normal(size=(2, 9))
    assert principal_codes(flat, flat, 8).shape == (20, 2)


def test_weights_of_something_else_are_refused(taught, tmp_path):
    path = trained(taught, "linear").weights
    with pytest.raises(DataError, match="of model 'linear', and 'square' is wanted"):
        load_encoder("square", 12, {"square": path}, 8, {})
    weights = read_weights(path, 12)
    del weights["encoder.bias"]
    broken = tmp_path / "broken.safetensors"
    for name, reason in (
        ("linear", r"no 'encoder\.bias', so this is not a trained 'linear'"),
        ("pca", "'pca' is not a trained model or student"),
    ):
        write_weights(broken, {12: weights}, (0, 1, 2), {"model": name})
        with pytest.raises(DataError, match=reason):
            load_encoder(name, 12, {name: broken}, 8, {})
