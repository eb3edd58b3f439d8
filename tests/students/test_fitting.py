"""Every student: what it starts from, what it learns from, and what stays fixed."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.students import SEEDS, SETTINGS, student_runs, teach, write_map_task
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.models.bottlenecks.base import draw_orthogonal
from qdistill.randomness import generator_for
from qdistill.storage.tables import frame_of, matrix_of, read_frame, read_table, write_table
from qdistill.storage.weights import read_weights
from qdistill.students.fitting import fit_student
from qdistill.students.teachers import load_unitaries
from qdistill.study.registry import STUDENTS

PROJECTIONS = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
READ_OUT = {"linear": lambda z: z, "squared": np.square}
OF_UNITARY = {
    "re": np.real,
    "im": np.imag,
    "abs": np.abs,
    "abs2": lambda unitary: np.abs(unitary) ** 2,
}
FROM_UNITARY = [name for name, entry in STUDENTS.items() if entry.start in OF_UNITARY]


@pytest.fixture(scope="module")
def taught(small_study):
    return teach(small_study)


def fit(study, name, runs=None, seeds=SEEDS, **settings):
    runs = student_runs(study, name, seeds) if runs is None else runs
    fit_student(name, "small", 3, "article", study.latents, runs, SETTINGS | settings)
    return runs


def stage_of(run, stage):
    metrics = read_frame("metrics", run.metrics)
    return metrics[metrics["stage"] == stage]


@pytest.mark.parametrize("name", STUDENTS)
def test_what_is_written(taught, name):
    entry = STUDENTS[name]
    for run in fit(taught, name):
        metrics = read_frame("metrics", run.metrics)
        assert metrics["stage"].unique().tolist() == list(entry.stages)
        assert metrics["seed"].tolist() == [*SEEDS] * len(entry.stages)
        assert (metrics["teacher"] == entry.teacher).all()
        assert (metrics["protocol"] == "article").all()
        assert not metrics["diverged"].any()
        assert metrics["teacher_r2"].notna().all()
        teacher, student = read_weights(run.teacher), read_weights(run.weights)
        copied = np.array_equal(teacher["encoder.weight"], student["encoder.weight"])
        assert copied == (entry.method != "fine_tune")
        assert (metrics["n_parameters"] == sum(array[0].size for array in student.values())).all()
        assert ("bottleneck.bias" in student) == (
            entry.method != "compile" and entry.readout != "squared"
        )
        history = read_frame("history", run.history)
        last = history[history["epoch"] == history["epoch"].max()]
        np.testing.assert_array_equal(
            last["heldout_mse"], stage_of(run, entry.stages[-1])["heldout_mse"]
        )


def test_compiled_is_the_circuit(taught):
    for run, quantum in zip(fit(taught, "compiled"), taught.runs("quantum"), strict=True):
        metrics = read_frame("metrics", run.metrics)
        expected = read_frame("metrics", quantum.metrics)
        np.testing.assert_allclose(metrics["heldout_mse"], expected["heldout_mse"], rtol=1e-5)
        np.testing.assert_allclose(metrics["teacher_r2"], 1, atol=1e-5)


@pytest.mark.parametrize("name", FROM_UNITARY)
def test_zero_shot_is_the_teacher_with_part_of_its_unitary(taught, name):
    entry = STUDENTS[name]
    run = fit(taught, name, student_runs(taught, name)[:1])[0]
    examples, weights = load_examples(taught.latents, run.subset), read_weights(run.teacher)
    x = examples.inputs[examples.heldout].numpy()
    h = np.einsum("snd,bd->sbn", weights["encoder.weight"], x) + weights["encoder.bias"][:, None]
    h /= np.linalg.norm(h, axis=-1, keepdims=True)
    matrix = OF_UNITARY[entry.start](load_unitaries(run.unitary, SEEDS))
    z = READ_OUT[entry.readout](np.einsum("sij,sbj->sbi", matrix, h))
    predicted = np.einsum("sdn,sbn->sbd", weights["decoder.weight"], z)
    predicted += weights["decoder.bias"][:, None]
    expected = np.square(predicted - x).mean((1, 2))
    np.testing.assert_allclose(stage_of(run, "zero_shot")["heldout_mse"], expected, rtol=1e-4)


@pytest.mark.parametrize("name", FROM_UNITARY)
def test_fine_tuning_starts_there(taught, name):
    run = fit(taught, name, student_runs(taught, name)[:1], learning_rate=1e-9)[0]
    matrix = OF_UNITARY[STUDENTS[name].start](load_unitaries(run.unitary, SEEDS))
    np.testing.assert_allclose(read_weights(run.weights)["bottleneck.weight"], matrix, atol=1e-6)
    before, after = (stage_of(run, stage)["heldout_mse"] for stage in STUDENTS[name].stages)
    np.testing.assert_allclose(before.to_numpy(), after.to_numpy(), rtol=1e-4)


@pytest.mark.parametrize("name", ["unitary_re", "unitary_abs_squared", "random_orthogonal"])
def test_fine_tuning_lowers_the_training_error(taught, name):
    for run in fit(taught, name):
        before, after = (stage_of(run, stage)["train_mse"] for stage in STUDENTS[name].stages)
        assert (after.to_numpy() < before.to_numpy()).all()


def test_a_random_start_is_drawn_and_needs_no_unitary(taught, tmp_path):
    run = student_runs(taught, "random_orthogonal")[0]
    run = replace(run, unitary=tmp_path / "nowhere.parquet")
    fit(taught, "random_orthogonal", [run], learning_rate=1e-9)
    found = read_weights(run.weights)["bottleneck.weight"]
    drawn = [draw_orthogonal(generator_for(s, run.n, "random_orthogonal"), 8) for s in SEEDS]
    np.testing.assert_allclose(found, drawn, atol=1e-6)


def test_only_students_of_the_pool_learn_from_it(taught, tmp_path):
    run = student_runs(taught, "distilled_pool")[0]
    table = read_table("soft_targets", run.soft_targets)
    targets = matrix_of(table, "target").copy()
    targets[frame_of(table)["split"] == "unlabelled"] = 1 / 8
    other = replace(run, soft_targets=tmp_path / "soft_targets.parquet")
    columns = {**frame_of(table), "target": targets}
    write_table("soft_targets", other.soft_targets, columns, {})
    for name in ("distilled_train", "distilled_pool", "distilled_softmax", "distilled_squared"):
        found = []
        for version in (run, other):
            fit(taught, name, [version])
            found.append(read_weights(version.weights)["bottleneck.weight"])
        assert np.allclose(*found, atol=1e-6) != STUDENTS[name].pool


@pytest.mark.parametrize("name", [name for name in STUDENTS if STUDENTS[name].method == "distil"])
def test_distilled_students_come_near_their_teachers(taught, name):
    for run in fit(taught, name, epochs=1):
        hardly = read_frame("metrics", run.metrics)
        fit(taught, name, [run], epochs=150)
        longer = read_frame("metrics", run.metrics)
        assert (longer["teacher_r2"] > hardly["teacher_r2"]).all()
        if name in ("distilled_squared", "self_distilled"):
            assert (longer["teacher_r2"] > 0).all()


def test_another_teachers_weights_are_refused(taught):
    run = student_runs(taught, "distilled_pool")[0]
    with pytest.raises(DataError, match="'self_distilled' learns from 'classical', not from this"):
        fit(taught, "self_distilled", [run])


def test_students_do_not_depend_on_the_block(taught):
    teach(taught, (1, 2))
    for name in ("unitary_abs2", "random_orthogonal", "distilled_squared", "self_distilled"):
        together, apart = fit(taught, name), fit(taught, name, seeds=(1, 2))
        for one, other in zip(together, apart, strict=True):
            frame = read_frame("metrics", one.metrics)
            found = frame[frame["seed"] > 0]["heldout_mse"]
            expected = read_frame("metrics", other.metrics)["heldout_mse"]
            np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_the_protocol_is_recorded_and_the_training_is_by_epochs(taught):
    """A teacher that has seen all n rows leaves none to choose a length with."""
    run = student_runs(taught, "unitary_im")[0]
    settings = {"projections": "trained", "batch_size": 9, "learning_rate": 0.01, "epochs": 7}
    fit_student("unitary_im", "small", 3, "converged", taught.latents, [run], settings)
    history = read_frame("history", run.history)
    assert history["epoch"].max() == 7 and history["validation_mse"].isna().all()
    assert (stage_of(run, "fine_tuned")["protocol"] == "converged").all()


@pytest.fixture(scope="module")
def map_task(tmp_path_factory):
    return write_map_task(tmp_path_factory.mktemp("map"))


@pytest.mark.parametrize("name", [k for k, v in STUDENTS.items() if v.teacher == "quantum"])
def test_frozen_projections_stay_as_they_are(map_task, name):
    latents, run = map_task
    settings = SETTINGS | {"projections": "pca"}
    fit_student(name, "map", 3, "article", latents, [run], settings)
    teacher, student = read_weights(run.teacher), read_weights(run.weights)
    for key in PROJECTIONS:
        np.testing.assert_array_equal(student[key], teacher[key])
    layer = sum(array[0].size for key, array in student.items() if key not in PROJECTIONS)
    assert layer == {"compile": 128}.get(
        STUDENTS[name].method, 64 if STUDENTS[name].readout == "squared" else 72
    )
    metrics = read_frame("metrics", run.metrics)
    assert (metrics["n_parameters"] == layer).all()
    if STUDENTS[name].method == "fine_tune":
        before, after = (stage_of(run, stage)["train_mse"] for stage in STUDENTS[name].stages)
        assert (after.to_numpy() < before.to_numpy()).all()
