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
    draw_inputs,
    draw_markov,
    draw_teacher,
    planted_targets,
    write_planted,
)
from qdistill.study.datasets import resolve_dataset

ROWS = {"train": 40, "unlabelled": 30, "heldout": 50}


def teacher(**changes):
    return resolve_dataset({"name": "teacher-circuit", "qubits": 3, **ROWS, **changes})


def markov(**changes):
    return resolve_dataset({"name": "markov-null", "qubits": 3, **ROWS, **changes})


def load(chosen, tmp_path):
    write_planted(chosen, tmp_path / "latents.parquet")
    return load_latents(tmp_path / "latents.parquet")


@pytest.mark.parametrize("chosen", [teacher(), markov()], ids=["teacher-circuit", "markov"])
def test_splits_are_normal_inputs_with_probabilities_as_targets(chosen, tmp_path):
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
@given(
    qubits=st.integers(2, 4),
    layers=st.integers(1, 4),
    angle_range=st.floats(0.1, 3.0),
    seed=st.integers(0, 1000),
)
def test_targets_of_the_teacher_are_those_of_its_circuit(qubits, layers, angle_range, seed):
    chosen = teacher(qubits=qubits, layers=layers, angle_range=angle_range, generator_seed=seed)
    angles, inputs = draw_teacher(chosen), draw_inputs(chosen, "train", 5)
    assert angles.shape == (layers, qubits, 2)
    assert np.abs(angles).max() <= np.float32(angle_range)
    expected = build_qnode(qubits, "numpy")(angles.astype(float), inputs.astype(float))
    np.testing.assert_allclose(planted_targets(inputs, chosen), expected, atol=2e-6)


def test_angles_are_uniform_within_their_range():
    angles = draw_teacher(teacher(layers=400, angle_range=0.5)).ravel()
    assert stats.kstest(angles, "uniform", args=(-0.5, 1.0)).pvalue > 1e-3


@settings(max_examples=25)
@given(qubits=st.integers(2, 5), concentration=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_targets_of_the_null_are_a_random_walk_of_the_squares(qubits, concentration, seed):
    chosen = markov(qubits=qubits, concentration=concentration, generator_seed=seed)
    matrix, inputs = draw_markov(chosen), draw_inputs(chosen, "heldout", 6)
    assert matrix.shape == (2**qubits,) * 2 and matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-12)
    targets = planted_targets(inputs, chosen)
    for row, target in zip(inputs.astype(float), targets, strict=True):
        np.testing.assert_allclose(target, matrix @ (row / np.linalg.norm(row)) ** 2, atol=1e-6)


def test_concentration_says_how_even_the_columns_are():
    """Entries of a symmetric Dirichlet column have variance (N - 1) / (N^2 (N a + 1))."""
    for concentration in (0.1, 1.0, 20.0):
        matrix = draw_markov(markov(qubits=7, concentration=concentration))
        size = len(matrix)
        expected = (size - 1) / (size**2 * (size * concentration + 1))
        assert matrix.var() == pytest.approx(expected, rel=0.15)


def test_squares_find_the_null_and_not_the_teacher():
    """What the controls rest on: M is found by least squares on the squares, U is not."""
    for chosen, found in ((markov(train=200), True), (teacher(train=200), False)):
        inputs = {split: draw_inputs(chosen, split, 200) for split in ("train", "heldout")}
        targets = {split: planted_targets(rows, chosen) for split, rows in inputs.items()}
        squares = {
            split: (rows / np.linalg.norm(rows, axis=1, keepdims=True)) ** 2
            for split, rows in inputs.items()
        }
        slopes = np.linalg.lstsq(squares["train"], targets["train"], rcond=None)[0]
        error = np.square(squares["heldout"] @ slopes - targets["heldout"]).mean()
        share = error / targets["heldout"].var(axis=0).mean()
        assert share < 1e-6 if found else share > 0.1


@pytest.mark.parametrize("make", [teacher, markov])
def test_more_rows_leave_the_others_unchanged_and_another_seed_changes_all(make, tmp_path):
    few, many = load(make(), tmp_path), load(make(train=60), tmp_path)
    for values in ("features", "targets"):
        one, two = getattr(few, values), getattr(many, values)
        first = many.positions("train")[:40]
        np.testing.assert_array_equal(one[few.positions("train")], two[first])
        np.testing.assert_array_equal(one[few.positions("heldout")], two[many.positions("heldout")])
    one, two = make(generator_seed=1), make(generator_seed=2)
    inputs = draw_inputs(one, "train", 20)
    assert np.abs(inputs - draw_inputs(two, "train", 20)).min() > 0
    assert not np.allclose(planted_targets(inputs, one), planted_targets(inputs, two), atol=0.01)
    assert np.abs(inputs - draw_inputs(one, "heldout", 20)).min() > 0
