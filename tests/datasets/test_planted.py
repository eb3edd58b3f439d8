"""Maps whose answer is known, against PennyLane and against linear algebra."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.datasets.latents import load_latents
from qdistill.datasets.planted import (
    circuit_targets,
    draw_rows,
    draw_teacher,
    ring_cycles,
    write_planted,
)
from qdistill.study.datasets import resolve_dataset

ROWS = {"train": 40, "unlabelled": 30, "heldout": 50}


def teacher(**changes):
    return resolve_dataset({"name": "teacher-circuit", "qubits": 3, **ROWS, **changes})


def squares(**changes):
    return resolve_dataset({"name": "squares-null", "qubits": 3, **ROWS, **changes})


def load(chosen, tmp_path):
    write_planted(chosen, tmp_path / "latents.parquet")
    return load_latents(tmp_path / "latents.parquet")


def test_splits_are_normal_inputs_with_probabilities_as_targets(tmp_path):
    chosen = teacher()
    latents = load(chosen, tmp_path)
    assert {name: len(latents.positions(name)) for name in ROWS} == ROWS
    assert latents.features.shape == latents.targets.shape == (120, 8)
    assert len(np.unique(latents.features, axis=0)) == 120
    assert stats.kstest(latents.features.ravel(), "norm").pvalue > 1e-3
    assert latents.targets.min() >= 0
    np.testing.assert_allclose(latents.targets.sum(axis=1), 1, atol=1e-5)
    assert json.loads(latents.metadata["settings"]) == chosen
    np.testing.assert_array_equal(latents.rows, np.arange(120))


@settings(max_examples=15)
@given(st.integers(2, 4), st.integers(1, 4), st.floats(0.1, 3.0), st.integers(0, 1000))
def test_targets_of_the_teacher_are_those_of_its_circuit(qubits, layers, angle_range, seed):
    chosen = teacher(qubits=qubits, layers=layers, angle_range=angle_range, generator_seed=seed)
    angles, (inputs, targets) = draw_teacher(chosen), draw_rows(chosen, "train", 5)
    assert angles.shape == (layers, qubits, 2)
    assert np.abs(angles).max() <= np.float32(angle_range)
    expected = build_qnode(qubits, "numpy")(angles.astype(float), inputs.astype(float))
    np.testing.assert_allclose(targets, expected, atol=2e-6)


def test_angles_are_uniform_within_their_range():
    angles = draw_teacher(teacher(layers=400, angle_range=0.5)).ravel()
    assert stats.kstest(angles, "uniform", args=(-0.5, 1.0)).pvalue > 1e-3


@settings(max_examples=15)
@given(qubits=st.integers(2, 5), layers=st.integers(1, 5), seed=st.integers(0, 1000))
def test_the_null_is_reached_by_squares_and_by_a_circuit_of_any_depth(qubits, layers, seed):
    """What is left is the noise, whether squared or sent through PennyLane's gates."""
    chosen = squares(qubits=qubits, noise=1e-6, generator_seed=seed)
    inputs, targets = draw_rows(chosen, "heldout", 6)
    for row, target in zip(inputs.astype(float), targets, strict=True):
        np.testing.assert_allclose((row / np.linalg.norm(row)) ** 2, target, atol=1e-5)
    circuit = build_qnode(qubits, "numpy")(np.zeros((layers, qubits, 2)), inputs.astype(float))
    np.testing.assert_allclose(circuit, targets, atol=1e-5)


def test_the_null_has_random_signs_noise_of_its_size_and_targets_that_vary():
    inputs, targets = draw_rows(squares(qubits=6), "train", 2000)
    assert np.unique(ring_cycles(6), return_counts=True)[1].tolist() == [1, 21, 21, 21]
    assert np.abs(np.corrcoef(np.sign(inputs).T) - np.eye(64)).max() < 0.1
    assert len(np.unique(np.abs(inputs[0]))) == 4
    assert stats.kstest(np.abs(inputs[:, 5]), "halfnorm").pvalue > 1e-3
    exact = inputs.astype(float) ** 2 / np.square(inputs.astype(float)).sum(1, keepdims=True)
    assert (targets - exact).std() == pytest.approx(0.25 / 64, rel=0.02)
    assert (targets - exact).var() < 0.1 * targets.var(axis=0).mean()  # the mean errs far more


@pytest.mark.parametrize("make", [teacher, squares])
def test_more_rows_leave_the_others_unchanged_and_another_seed_changes_all(make, tmp_path):
    few, many = load(make(), tmp_path), load(make(train=60), tmp_path)
    for values in ("features", "targets"):
        one, two = getattr(few, values), getattr(many, values)
        first = many.positions("train")[:40]
        np.testing.assert_array_equal(one[few.positions("train")], two[first])
        np.testing.assert_array_equal(one[few.positions("heldout")], two[many.positions("heldout")])
    one, two = make(generator_seed=1), make(generator_seed=2)
    (inputs, targets), (others, _) = draw_rows(one, "train", 20), draw_rows(two, "train", 20)
    assert np.abs(inputs - others).min() > 0
    assert np.abs(inputs - draw_rows(one, "heldout", 20)[0]).min() > 0
    if make is teacher:  # other circuits, besides other rows
        assert not np.allclose(circuit_targets(inputs, draw_teacher(two)), targets, atol=0.01)
