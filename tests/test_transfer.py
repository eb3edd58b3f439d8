"""Unitaries, soft targets and students against the circuits they come from."""

import numpy as np
import pytest
import torch

from qdistill.circuit import apply_circuit
from qdistill.errors import DataError
from qdistill.examples import load_examples
from qdistill.pennylane_circuit import build_qnode
from qdistill.registry import STUDENTS
from qdistill.students import fit_student
from qdistill.tables import frame_of, matrix_of, read_frame, read_table
from qdistill.training import train_model
from qdistill.transfer import (
    collect_soft_targets,
    distillation_positions,
    extract_unitaries,
    load_soft_targets,
    load_teacher,
    load_unitaries,
)
from qdistill.weights import read_weights, write_weights

SETTINGS = {"epochs": 12, "batch_size": 8, "learning_rate": 0.01, "layers": 2}
SEEDS = [0, 1, 2]


@pytest.fixture(scope="module")
def taught(small_study):
    runs = small_study.runs("quantum")
    train_model("quantum", "small", 3, small_study.latents, runs, SETTINGS)
    extract_unitaries(runs, SEEDS, SETTINGS)
    collect_soft_targets(small_study.latents, runs, SETTINGS)
    return small_study


def test_unitary_is_the_trained_circuit(taught):
    run = taught.runs("quantum")[0]
    unitaries = load_unitaries(run.unitary, SEEDS)
    _, weights = load_teacher(run.teacher)
    amplitudes = torch.nn.functional.normalize(torch.randn(3, 5, 8), dim=-1)
    states = apply_circuit(weights["bottleneck.angles"], amplitudes).numpy()
    np.testing.assert_allclose(np.einsum("srk,sbk->sbr", unitaries, amplitudes), states, atol=1e-6)
    identity = np.einsum("srk,stk->srt", unitaries, unitaries.conj())
    np.testing.assert_allclose(identity, np.eye(8)[None].repeat(3, 0), atol=1e-5)


def test_soft_targets_are_the_teachers_codes(taught):
    run = taught.runs("quantum")[0]
    table = read_table("soft_targets", run.soft_targets)
    frame, targets = frame_of(table), matrix_of(table, "target")
    assert frame.groupby("seed").size().tolist() == [run.n + 25] * 3
    assert set(frame["split"]) == {"train", "unlabelled"}
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-5)
    examples = load_examples(taught.latents, run.subset)
    weights = read_weights(run.teacher)
    circuit = build_qnode(3)
    positions = distillation_positions(examples)[1]
    h = examples.inputs[positions].numpy() @ weights["encoder.weight"][1].T
    h = torch.from_numpy(h + weights["encoder.bias"][1])
    expected = circuit(torch.from_numpy(weights["bottleneck.angles"][1]), h)
    found = load_soft_targets(run.soft_targets, examples)[1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", STUDENTS)
def test_students(taught, name):
    runs = taught.runs(name)
    fit_student(name, "small", 3, taught.latents, runs, SETTINGS)
    for run in runs:
        metrics = read_frame("metrics", run.metrics)
        assert metrics["stage"].unique().tolist() == list(STUDENTS[name].stages)
        assert (metrics["teacher"] == "quantum").all()
        assert (metrics["family"] == "student").all()
        assert metrics["teacher_r2"].notna().all()
        teacher, student = read_weights(run.teacher), read_weights(run.weights)
        copied = np.array_equal(teacher["encoder.weight"], student["encoder.weight"])
        assert copied == (STUDENTS[name].method != "fine_tune")
        if name == "compiled":
            quantum = read_frame("metrics", taught.runs("quantum")[runs.index(run)].metrics)
            np.testing.assert_allclose(metrics["heldout_mse"], quantum["heldout_mse"], rtol=1e-5)
            np.testing.assert_allclose(metrics["teacher_r2"], 1, atol=1e-5)
        if STUDENTS[name].method == "distil":
            history = read_frame("history", run.history)
            last = history[history["epoch"] == SETTINGS["epochs"]]
            np.testing.assert_array_equal(last["heldout_mse"], metrics["heldout_mse"])


def test_unitary_re_starts_from_the_real_part(taught):
    run = taught.runs("unitary_re")[0]
    fit_student(
        "unitary_re", "small", 3, taught.latents, [run], {**SETTINGS, "learning_rate": 1e-9}
    )
    weights = read_weights(run.weights)
    real = load_unitaries(run.unitary, SEEDS).real
    np.testing.assert_allclose(weights["bottleneck.weight"], real, atol=1e-6)


def test_a_file_without_angles_is_no_teacher(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_weights(path, {"encoder.weight": np.ones((1, 2, 3), np.float32)}, {})
    with pytest.raises(DataError, match=r"no 'bottleneck\.angles'"):
        load_teacher(path)


def test_soft_targets_of_other_rows_are_refused(taught):
    first, second = taught.runs("quantum")
    examples = load_examples(taught.latents, second.subset)
    with pytest.raises(DataError, match="its rows are not those of the subset"):
        load_soft_targets(first.soft_targets, examples)


def test_an_incomplete_unitary_is_refused(taught):
    with pytest.raises(DataError, match="seed 9 has 0 entries"):
        load_unitaries(taught.runs("quantum")[0].unitary, [9])
