"""The synthetic generator against its closed forms."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.datasets.latents import load_latents
from qdistill.datasets.synthetic import (
    mixing_matrix,
    optimal_mse,
    optimal_projector,
    pca_floor_mse,
    true_covariance,
    write_synthetic,
)
from qdistill.study.datasets import resolve_dataset


def small(**overrides):
    return resolve_dataset(
        {"name": "synthetic-4q", "train": 60, "unlabelled": 30, "heldout": 40, **overrides}
    )


def load(folder, **overrides):
    write_synthetic(small(**overrides), folder / "latents.parquet")
    return load_latents(folder / "latents.parquet")


def splits_of(latents):
    return (latents.features[latents.positions(s)].astype(float) for s in ("train", "heldout"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return load(tmp_path_factory.mktemp("synthetic"), heldout=4000)


@pytest.mark.parametrize("name", ["synthetic-4q", "synthetic-6q"])
def test_optimum_is_the_noise_outside_the_bottleneck_when_the_signal_fits(name):
    chosen = resolve_dataset(name)
    width, size = 4 * 2 ** chosen["qubits"], 2 ** chosen["qubits"]
    expected = chosen["noise_variance"] * (width - size) / width
    assert optimal_mse(true_covariance(chosen), size) == pytest.approx(expected, rel=1e-10)


@settings(max_examples=25)
@given(st.integers(2, 4), st.data(), *[st.floats(1e-4, 1.0)] * 2, st.integers(0, 1000))
def test_projector_reaches_the_optimum_and_no_other_projection_is_better(
    qubits, data, signal, noise, seed
):
    size = 2**qubits
    chosen = {"kind": "synthetic", "qubits": qubits, "generator_seed": seed}
    chosen |= {"signal_variance": signal, "noise_variance": noise}
    chosen["rank"] = data.draw(st.integers(1, 4 * size))
    covariance, projector = true_covariance(chosen), optimal_projector(chosen)
    np.testing.assert_allclose(projector.T @ projector, np.eye(size), atol=1e-10)

    def expected_error(basis):
        # E|x - xPP'|^2 / D = tr((I - PP') covariance) / D
        return (np.trace(covariance) - np.trace(basis.T @ covariance @ basis)) / (4 * size)

    optimum = optimal_mse(covariance, size)
    assert expected_error(projector) == pytest.approx(optimum, rel=1e-8)
    other = np.linalg.qr(np.random.default_rng(seed).standard_normal((4 * size, size)))[0]
    assert expected_error(other) >= optimum * (1 - 1e-9)


def test_sample_covariance_agrees_with_the_true_one(written):
    chosen = json.loads(written.metadata["settings"])
    _, rows = splits_of(written)
    covariance = true_covariance(chosen)
    sample = rows.T @ rows / len(rows)
    relative = np.linalg.norm(sample - covariance) / np.linalg.norm(covariance)
    # A Wishart matrix's expected squared distance is (tr(C)^2 + tr(C^2)) / rows.
    expected = np.sqrt((np.trace(covariance) ** 2 + np.trace(covariance @ covariance)) / len(rows))
    assert relative < 1.5 * expected / np.linalg.norm(covariance)


def test_mixing_has_the_variance_that_its_name_says():
    mixing = mixing_matrix(resolve_dataset("synthetic-6q"))
    assert mixing.shape == (16, 256)
    assert mixing.var() * 16 == pytest.approx(1, abs=4 * np.sqrt(2 / mixing.size))


def test_more_rows_leave_the_first_ones_and_the_other_splits_unchanged(tmp_path):
    few, many = load(tmp_path), load(tmp_path, train=90)
    first = many.features[many.positions("train")[:60]]
    np.testing.assert_array_equal(few.features[few.positions("train")], first)
    heldout = [one.features[one.positions("heldout")] for one in (few, many)]
    np.testing.assert_array_equal(*heldout)
    assert len(np.unique(many.features, axis=0)) == len(many.features)  # nor do splits share any


def test_another_generator_seed_gives_another_problem(tmp_path):
    one, two = (load(tmp_path, generator_seed=seed) for seed in (1, 2))
    assert not np.allclose(one.features, two.features)
    assert one.metadata["configuration_digest"] != two.metadata["configuration_digest"]


def test_pca_floor_is_the_truncated_decomposition_of_all_training_rows(written):
    train, heldout = splits_of(written)
    mean = train.mean(axis=0)
    basis = np.linalg.svd(train - mean, full_matrices=False)[2][:16]
    residual = (heldout - mean) - (heldout - mean) @ basis.T @ basis
    floor = float(written.metadata["pca_floor_mse"])
    assert floor == pytest.approx(np.square(residual).mean(), rel=1e-10)


def test_pca_floor_with_fewer_training_rows_than_components(tmp_path):
    latents = load(tmp_path, train=5)
    train, heldout = splits_of(latents)
    floor = pca_floor_mse(train, heldout, 16)
    assert floor == float(latents.metadata["pca_floor_mse"])
    # Four directions hold all that five rows differ by.
    coefficients = np.linalg.lstsq((train - train[0])[1:].T, (heldout - train[0]).T, rcond=None)[0]
    nearest = train[0] + coefficients.T @ (train - train[0])[1:]
    assert floor == pytest.approx(np.square(nearest - heldout).mean(), rel=1e-8)
