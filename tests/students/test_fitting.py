"""Every student: what it starts from, what it learns from, and what stays fixed."""

import numpy as np
import pytest

from helpers.files import SEEDS, files_of, rows_at
from helpers.metrics import rows_where
from helpers.names import STUDENTS
from helpers.students import SETTINGS, all_weights, fit, teach, write_map_task
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.models.bottlenecks.base import draw_orthogonal
from qdistill.randomness import generator_for
from qdistill.storage.tables import frame_of, matrix_of, read_frame, read_table, write_table
from qdistill.storage.weights import read_weights, read_weights_metadata
from qdistill.students.fitting import fit_student
from qdistill.students.teachers import load_unitaries

PROJECTIONS = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
READ_OUT = {"linear": lambda z: z, "squared": np.square}
OF_UNITARY = {"re": np.real, "im": np.imag, "abs": np.abs, "abs2": lambda u: np.abs(u) ** 2}
FROM_UNITARY = [name for name, entry in STUDENTS.items() if entry.start in OF_UNITARY]


def stage_of(files, n, stage):
    return rows_where(rows_at(files, "metrics", n), stage=stage)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDENTS)
def test_what_is_written(taught, name):
    entry, files = STUDENTS[name], fit(taught, name)
    about = read_weights_metadata(files.weights)
    assert (about["model"], about["teacher"]) == (name, entry.teacher)
    for n in taught.sizes:
        metrics = rows_at(files, "metrics", n)
        assert metrics["stage"].unique().tolist() == list(entry.stages)
        assert metrics["seed"].tolist() == [*SEEDS] * len(entry.stages)
        assert (metrics["teacher"] == entry.teacher).all()
        assert (metrics["protocol"] == "article").all()
        assert not metrics["diverged"].any()
        assert metrics["teacher_r2"].notna().all()
        own, student = read_weights(files.weights, n), all_weights(taught, name, n)
        trained_further = set(PROJECTIONS) if entry.method == "fine_tune" else set()
        assert own.keys() & set(PROJECTIONS) == trained_further
        used = {k: v for k, v in student.items() if k in own or k in PROJECTIONS}
        assert (metrics["n_parameters"] == sum(array[0].size for array in used.values())).all()
        biased = entry.method != "compile" and entry.readout != "squared"
        assert ("bottleneck.bias" in own) == biased
        history = rows_at(files, "history", n)
        found = history[history["epoch"] == history["epoch"].max()]["heldout_loss"]
        last = stage_of(files, n, entry.stages[-1])["heldout_loss"]
        np.testing.assert_array_equal(found, last)


def test_compiled_is_the_circuit(taught):
    metrics = read_frame("metrics", fit(taught, "compiled").metrics)
    expected = read_frame("metrics", taught.files("quantum").metrics)
    np.testing.assert_allclose(metrics["heldout_loss"], expected["heldout_loss"], rtol=1e-5)
    np.testing.assert_allclose(metrics["teacher_r2"], 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FROM_UNITARY)
def test_zero_shot_is_the_teacher_with_part_of_its_unitary_where_fine_tuning_starts(taught, name):
    entry, problem, n = STUDENTS[name], taught.problem(sizes=(12,)), 12
    files, teacher = fit(taught, name, problem, learning_rate=1e-9), taught.files(entry.teacher)
    examples = load_examples(taught.latents, problem.subsets, n)
    weights = read_weights(teacher.weights, n)
    x = examples.inputs[examples.heldout].numpy()
    h = np.einsum("snd,bd->sbn", weights["encoder.weight"], x) + weights["encoder.bias"][:, None]
    h /= np.linalg.norm(h, axis=-1, keepdims=True)
    matrix = OF_UNITARY[entry.start](load_unitaries(teacher.unitary, n, SEEDS))
    z = READ_OUT[entry.readout](np.einsum("sij,sbj->sbi", matrix, h))
    predicted = np.einsum("sdn,sbn->sbd", weights["decoder.weight"], z)
    predicted += weights["decoder.bias"][:, None]
    expected = np.square(predicted - x).mean((1, 2))
    for stage in entry.stages:
        np.testing.assert_allclose(stage_of(files, n, stage)["heldout_loss"], expected, rtol=1e-4)
    found = read_weights(files.weights, n)["bottleneck.weight"]
    np.testing.assert_allclose(found, matrix, atol=1e-6)


def test_a_random_start_is_drawn_and_needs_no_unitary(taught, tmp_path):
    nowhere, problem = tmp_path / "nowhere.parquet", taught.problem(sizes=(12,))
    files = fit(taught, "random_orthogonal", problem, source=nowhere, learning_rate=1e-9)
    found = read_weights(files.weights, 12)["bottleneck.weight"]
    drawn = [draw_orthogonal(generator_for(s, 12, "random_orthogonal"), 8) for s in SEEDS]
    np.testing.assert_allclose(found, drawn, atol=1e-6)


@pytest.mark.slow
def test_only_students_of_the_pool_learn_from_it(taught, tmp_path):
    source = taught.files("quantum").soft_targets
    table = read_table("soft_targets", source)
    targets = matrix_of(table, "target").copy()
    targets[frame_of(table)["split"] == "unlabelled"] = 1 / 8
    other = tmp_path / "soft_targets.parquet"
    write_table("soft_targets", other, {**frame_of(table), "target": targets}, {})
    for name in ("distilled_train", "distilled_pool", "distilled_softmax", "distilled_squared"):
        found = []
        for version in (source, other):
            files = fit(taught, name, taught.problem(sizes=(12,)), source=version)
            found.append(read_weights(files.weights, 12)["bottleneck.weight"])
        assert np.allclose(*found, atol=1e-6) != STUDENTS[name].pool


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STUDENTS if STUDENTS[name].method == "distil"])
def test_distilled_students_come_near_their_teachers(taught, name):
    files = (fit(taught, name, epochs=epochs) for epochs in (1, 150))
    hardly, longer = (read_frame("metrics", each.metrics)["teacher_r2"] for each in files)
    assert (longer > hardly).all()
    if name in ("distilled_squared", "self_distilled"):
        assert (longer > 0).all()


def test_another_teachers_weights_are_refused(taught):
    files, teacher = taught.files("self_distilled"), taught.files("quantum")
    about = (taught.problem(), teacher.weights, teacher.soft_targets, SETTINGS, files)
    with pytest.raises(DataError, match="'self_distilled' learns from 'classical', not from this"):
        fit_student("self_distilled", *about)


@pytest.mark.slow
def test_students_do_not_depend_on_the_block(taught):
    teach(taught, (1, 2))
    for name in ("unitary_abs2", "random_orthogonal", "distilled_squared", "self_distilled"):
        frame = read_frame("metrics", fit(taught, name).metrics)
        found = frame[frame["seed"] > 0]["heldout_loss"]
        expected = read_frame("metrics", fit(taught, name, seeds=(1, 2)).metrics)["heldout_loss"]
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_the_protocol_is_recorded_and_the_training_is_by_epochs(taught):
    """A teacher that has seen all n rows leaves none to choose a length with."""
    problem = taught.problem(protocol="regularised", sizes=(12,))
    files = fit(taught, "unitary_im", problem, epochs=7)
    history = rows_at(files, "history", 12)
    assert history["epoch"].max() == 7 and history["validation_loss"].isna().all()
    assert (stage_of(files, 12, "fine_tuned")["protocol"] == "regularised").all()


@pytest.fixture(scope="module")
def map_task(tmp_path_factory):
    return write_map_task(tmp_path_factory.mktemp("map"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [k for k, v in STUDENTS.items() if v.teacher == "quantum"])
def test_frozen_projections_stay_the_teachers(map_task, tmp_path, name):
    problem, teacher = map_task
    entry, files = STUDENTS[name], files_of(tmp_path, name)
    source = teacher["soft_targets" if entry.method == "distil" else "unitary"]
    settings = SETTINGS | {"projections": "pca"}
    fit_student(name, problem, teacher.weights, source, settings, files)
    student = read_weights(files.weights, 20)
    assert not student.keys() & set(PROJECTIONS)
    layer = sum(array[0].size for array in student.values())
    assert layer == {"compile": 128}.get(entry.method, 64 if entry.readout == "squared" else 72)
    assert (read_frame("metrics", files.metrics)["n_parameters"] == layer).all()
    if entry.method == "fine_tune":
        before, after = (stage_of(files, 20, stage)["train_loss"] for stage in entry.stages)
        assert (after.to_numpy() < before.to_numpy()).all()
