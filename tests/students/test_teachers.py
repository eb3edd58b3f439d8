"""Unitaries and soft targets against the teachers they come from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.files import SEEDS, rows_at
from helpers.students import SETTINGS
from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.circuits.torch_engine import final_states
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.storage.tables import frame_of, matrix_of, read_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.students.teachers import (
    distillation_positions,
    extract_unitary,
    load_soft_targets,
    load_teacher,
    load_unitaries,
    teacher_r2,
)
from qdistill.training.blocks import evaluate_errors


def examples_at(taught, n):
    return load_examples(taught.latents, taught.problem().subsets, n)


def test_unitary_is_the_trained_circuit(taught):
    files = taught.files("quantum")
    for n in taught.sizes:
        unitaries = load_unitaries(files.unitary, n, SEEDS)
        _, weights = load_teacher(files.weights, n)
        amplitudes = torch.nn.functional.normalize(torch.randn(3, 5, 8), dim=-1)
        parts = final_states(weights["bottleneck.angles"], amplitudes, entangled=True)
        states = torch.complex(*parts).transpose(1, 2).numpy()
        found = np.einsum("srk,sbk->sbr", unitaries, amplitudes)
        np.testing.assert_allclose(found, states, atol=1e-6)
        identity = np.einsum("srk,stk->srt", unitaries, unitaries.conj())
        np.testing.assert_allclose(identity, np.eye(8)[None].repeat(3, 0), atol=1e-5)


def test_soft_targets_are_the_teachers_codes(taught):
    files, circuit = taught.files("quantum"), build_qnode(3)
    table = read_table("soft_targets", files.soft_targets)
    frame, targets = frame_of(table), matrix_of(table, "target")
    assert frame.groupby(["n", "seed"]).size().tolist() == [37] * 3 + [45] * 3
    assert set(frame["split"]) == {"train", "unlabelled"} and set(frame["model"]) == {"quantum"}
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-5)
    for n in taught.sizes:
        examples, weights = examples_at(taught, n), read_weights(files.weights, n)
        positions = distillation_positions(examples)[1]
        h = examples.inputs[positions].numpy() @ weights["encoder.weight"][1].T
        h = torch.from_numpy(h + weights["encoder.bias"][1])
        expected = circuit(torch.from_numpy(weights["bottleneck.angles"][1]), h)
        found = load_soft_targets(files.soft_targets, examples)[1]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_soft_targets_of_the_classical_teacher_are_its_layer_norm(taught):
    files = taught.files("classical")
    examples, weights = examples_at(taught, 12), read_weights(files.weights, 12)
    x = examples.inputs[distillation_positions(examples)].numpy()
    h = np.einsum("snd,sbd->sbn", weights["encoder.weight"], x) + weights["encoder.bias"][:, None]
    centred = h - h.mean(-1, keepdims=True)
    normalised = centred / np.sqrt(centred.var(-1, keepdims=True) + 1e-5)
    scale, shift = (weights[f"bottleneck.{name}"][:, None] for name in ("scale", "shift"))
    found = load_soft_targets(files.soft_targets, examples)
    np.testing.assert_allclose(found, normalised * scale + shift, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["quantum", "classical"])
def test_a_loaded_teacher_gives_its_own_errors(taught, name):
    files = taught.files(name)
    for n in taught.sizes:
        errors = evaluate_errors(*load_teacher(files.weights, n), examples_at(taught, n))
        metrics = rows_at(files, "metrics", n)
        np.testing.assert_allclose(errors[1], metrics["heldout_loss"], rtol=1e-5)


def test_agreement():
    teacher = torch.randn(3, 50, 4)
    mean = teacher.mean(1, keepdim=True).expand_as(teacher)
    student = torch.stack([teacher[0], mean[1], torch.full_like(teacher[2], torch.nan)])
    found = teacher_r2(student, teacher)
    np.testing.assert_allclose(found, [1, 0, np.nan], atol=1e-6)
    constant = torch.ones_like(teacher)
    assert np.isnan(teacher_r2(constant, constant)).all()


@pytest.mark.parametrize(
    ("without", "model", "words"),
    [
        ("decoder.bias", "quantum", r"no 'decoder\.bias', so this is not a trained quantum model"),
        ("bottleneck.angles", "quantum", r"no 'bottleneck\.angles', so this is not a trained"),
        ("", "linear", "of model 'linear'; a teacher is quantum or class"),
        ("", None, "of model ''; a teacher is quantum or class"),
    ],
)
def test_other_files_are_no_teachers(taught, tmp_path, without, model, words):
    weights, path = read_weights(taught.files("quantum").weights, 12), tmp_path / "w.safetensors"
    weights.pop(without, None)
    write_weights(path, {12: weights}, SEEDS, {} if model is None else {"model": model})
    with pytest.raises(DataError, match=words):
        load_teacher(path, 12)


def test_a_classical_teacher_has_no_unitary(taught, tmp_path):
    weights = taught.files("classical").weights
    with pytest.raises(DataError, match="of the classical teacher, which has no unitary"):
        extract_unitary("small", "article", (12,), weights, SETTINGS, tmp_path / "unitary.parquet")


def test_soft_targets_of_other_rows_are_refused(taught):
    examples, files = examples_at(taught, 20), taught.files("quantum")
    with pytest.raises(DataError, match="its rows are not those of the subset"):
        load_soft_targets(files.soft_targets, replace(examples, rows=examples.rows[:, ::-1]))


def test_an_incomplete_unitary_is_refused(taught):
    with pytest.raises(DataError, match="the 0 entries of seed 9"):
        load_unitaries(taught.files("quantum").unitary, 12, [9])
