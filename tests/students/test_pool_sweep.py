"""The sweep of the pool: nested pools, equal steps, and its agreement with distillation."""

from itertools import pairwise

import numpy as np
import pytest

from helpers.students import SEEDS, SETTINGS, student_runs, teach, write_map_task
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights
from qdistill.students.fitting import fit_student
from qdistill.students.pool_sweep import nested_pools, sweep_pool

MEASURED = ["train_mse", "heldout_mse", "teacher_r2", "teacher_r2_train"]


@pytest.fixture(scope="module")
def taught(small_study):
    return teach(small_study)


def sweep(study, pools, seeds=SEEDS, **settings):
    runs = student_runs(study, "sweep", seeds)
    sweep_pool("small", 3, "article", study.latents, runs, pools, SETTINGS | settings)
    return [read_frame("sweep", run.sweep) for run in runs]


def test_one_row_for_each_seed_and_pool(taught):
    for run, frame in zip(taught.runs("sweep"), sweep(taught, ["all", 10, 0, 25, 10]), strict=True):
        assert frame["seed"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
        assert frame["pool"].tolist() == [0, 10, 25] * 3
        assert set(frame["n"]) == {run.n}
        assert set(frame["dataset"]) == {"small"} and set(frame["protocol"]) == {"article"}
        assert not frame["diverged"].any()
        assert frame[MEASURED].notna().all(axis=None)


def test_pools_are_nested_and_each_seeds_own():
    pools = nested_pools([3, 5], 25, [0, 4, 11, 25])
    for place in (0, 1):
        sets = [set(pool[place].tolist()) for pool in pools]
        assert [len(one) for one in sets] == [0, 4, 11, 25]
        assert all(small < large for small, large in pairwise(sets))
    assert set(pools[2][0]) != set(pools[2][1])
    np.testing.assert_array_equal(nested_pools([5], 25, [11])[0][0], pools[2][1])


def test_the_whole_pool_is_distilled_pool(taught):
    """At n = 20 an epoch over 45 rows is five batches of nine, so the steps are the same."""
    frame = sweep(taught, [0, "all"])[1]
    found = frame[frame["pool"] == 25].reset_index()
    run = student_runs(taught, "distilled_pool")[1]
    fit_student("distilled_pool", "small", 3, "article", taught.latents, [run], SETTINGS)
    expected = read_frame("metrics", run.metrics)
    for column in ("train_mse", "heldout_mse", "teacher_r2"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-3)
    np.testing.assert_allclose(
        found["teacher_r2_train"], agreement_on_training_rows(taught, run), rtol=1e-3
    )


def agreement_on_training_rows(study, run):
    """R² of distilled_pool against the circuit on the n rows, in numpy."""
    examples = load_examples(study.latents, run.subset)
    x = examples.inputs[examples.labelled].numpy()
    student, compiled = read_weights(run.weights), student_runs(study, "compiled")[1]
    fit_student("compiled", "small", 3, "article", study.latents, [compiled], SETTINGS)
    circuit = read_weights(compiled.weights)
    h = np.einsum("snd,sbd->sbn", student["encoder.weight"], x) + student["encoder.bias"][:, None]
    h /= np.linalg.norm(h, axis=-1, keepdims=True)

    def apply(matrix):
        return np.einsum("sij,sbj->sbi", matrix, h)

    def decode(z):
        return np.einsum("sdn,sbn->sbd", student["decoder.weight"], z)

    theirs = decode(apply(circuit["bottleneck.re"]) ** 2 + apply(circuit["bottleneck.im"]) ** 2)
    ours = decode(apply(student["bottleneck.weight"]) + student["bottleneck.bias"][:, None])
    spread = np.square(theirs - theirs.mean(1, keepdims=True)).sum((1, 2))
    return 1 - np.square(ours - theirs).sum((1, 2)) / spread


def test_a_pool_does_not_depend_on_the_others(taught):
    for together, fewer in zip(sweep(taught, [0, 6, 25]), sweep(taught, [6, 25]), strict=True):
        expected = together[together["pool"] > 0][MEASURED]
        np.testing.assert_allclose(fewer[MEASURED], expected, rtol=1e-3)


def test_results_do_not_depend_on_the_block(taught):
    teach(taught, (1, 2))
    for together, apart in zip(
        sweep(taught, [0, 10]), sweep(taught, [0, 10], seeds=(1, 2)), strict=True
    ):
        expected = together[together["seed"] > 0][MEASURED]
        np.testing.assert_allclose(apart[MEASURED], expected, rtol=1e-3, atol=1e-4)


def test_more_rows_agree_better_with_the_teacher_and_the_training_rows_are_learned_first(taught):
    for frame in sweep(taught, [0, "all"], epochs=300):
        by_pool = frame.groupby("pool")[MEASURED].mean()
        assert by_pool.loc[25, "teacher_r2"] > by_pool.loc[0, "teacher_r2"]
        assert (by_pool["teacher_r2_train"] > by_pool["teacher_r2"]).all()


def test_maps_and_frozen_projections(tmp_path):
    latents, run = write_map_task(tmp_path)
    sweep_pool("map", 3, "converged", latents, [run], [0, "all"], SETTINGS)
    frame = read_frame("sweep", run.sweep)
    assert frame["pool"].tolist() == [0, 30] * 3
    assert frame[MEASURED].notna().all(axis=None)


@pytest.mark.parametrize("pools", [[0, 26], [-1, 10], []])
def test_pools_that_are_not_there_are_refused(taught, pools):
    with pytest.raises(DataError, match="it has 25 unlabelled rows; 0 to 25 and 'all'"):
        sweep(taught, pools)
