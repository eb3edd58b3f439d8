"""The sweep of the pool: nested pools, equal steps, and its agreement with distillation."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from helpers.files import SEEDS, rows_at
from helpers.students import SETTINGS, fit, teach, write_map_task
from qdistill.datasets.examples import load_examples
from qdistill.downstream.codes import load_encoder
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights
from qdistill.students import pool_sweep
from qdistill.students.pool_sweep import nested_pools, sweep_pool
from qdistill.students.teachers import load_teacher

MEASURED = ["train_loss", "heldout_loss", "teacher_r2", "teacher_r2_train"]
ON_POOL = "teacher_r2_pool"


def sweep(study, pools, seeds=SEEDS, **settings):
    files = study.files("quantum", seeds)
    sources = (study.problem(seeds), files.weights, files.soft_targets)
    sweep_pool(*sources, pools, SETTINGS | settings, files.sweep)
    return {n: rows_at(files, "sweep", n) for n in study.sizes}


def test_one_row_for_each_seed_and_pool(taught):
    for n, frame in sweep(taught, ["all", 10, 0, 25, 10]).items():
        assert frame["seed"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
        assert frame["pool"].tolist() == [0, 10, 25] * 3
        assert len(frame) == 9 and set(frame["n"]) == {n}
        assert set(frame["dataset"]) == {"small"} and set(frame["protocol"]) == {"article"}
        assert not frame["diverged"].any()
        assert frame[MEASURED].notna().all(axis=None)
        assert (frame[ON_POOL].isna() == (frame["pool"] == 0)).all()


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
    frame = sweep(taught, [0, "all"])[20]
    found = frame[frame["pool"] == 25].reset_index()
    expected = rows_at(fit(taught, "distilled_pool"), "metrics", 20)
    for column in ("train_loss", "heldout_loss", "teacher_r2"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-3)
    examples = load_examples(taught.latents, taught.problem().subsets, 20)
    pool = examples.unlabelled.expand(len(SEEDS), -1)
    for column, rows in (("teacher_r2_train", examples.labelled), (ON_POOL, pool)):
        expected = agreement_on(taught, examples.inputs[rows])
        np.testing.assert_allclose(found[column], expected, rtol=1e-3)


def test_a_part_of_the_pool_is_measured_on_the_rows_that_it_was_fitted_to(taught, monkeypatch):
    monkeypatch.setattr(pool_sweep, "teacher_r2", lambda _, theirs: theirs.sum((1, 2)))
    frame, (rows,) = sweep(taught, [0, 4])[12], nested_pools(SEEDS, 25, [4])
    examples = load_examples(taught.latents, taught.problem().subsets, 12)
    inputs = torch.stack([examples.inputs[examples.unlabelled[own]] for own in rows])
    teacher, weights = load_teacher(taught.files("quantum").weights, 12)
    expected = teacher.predict(weights, inputs).sum((1, 2))
    np.testing.assert_allclose(frame[ON_POOL][frame["pool"] == 4], expected, rtol=1e-4)


def agreement_on(study, x):
    """R² of distilled_pool against the circuit on rows (S, M, D), both decoded in numpy."""
    paths = {name: study.files(name).weights for name in ("distilled_pool", "quantum")}
    decoder = read_weights(paths["quantum"], 20)["decoder.weight"]
    ours, theirs = (
        np.einsum("sdn,sbn->sbd", decoder, load_encoder(name, 20, paths, 8, SETTINGS)(x))
        for name in paths
    )
    spread = np.square(theirs - theirs.mean(1, keepdims=True)).sum((1, 2))
    return 1 - np.square(ours - theirs).sum((1, 2)) / spread


def test_a_pool_does_not_depend_on_the_others(taught):
    whole, fewer = sweep(taught, [0, 6, 25]), sweep(taught, [6, 25])
    for n, together in whole.items():
        expected = together[together["pool"] > 0][MEASURED]
        np.testing.assert_allclose(fewer[n][MEASURED], expected, rtol=1e-3)


def test_results_do_not_depend_on_the_block(taught):
    teach(taught, (1, 2))
    whole, apart = sweep(taught, [0, 10]), sweep(taught, [0, 10], seeds=(1, 2))
    for n, together in whole.items():
        expected = together[together["seed"] > 0][MEASURED]
        np.testing.assert_allclose(apart[n][MEASURED], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_more_rows_agree_better_with_the_teacher_and_the_training_rows_are_learned_first(taught):
    for frame in sweep(taught, [0, "all"], epochs=300).values():
        by_pool = frame.groupby("pool")[MEASURED].mean()
        assert by_pool.loc[25, "teacher_r2"] > by_pool.loc[0, "teacher_r2"]
        assert (by_pool["teacher_r2_train"] > by_pool["teacher_r2"]).all()


def test_maps_and_frozen_projections(tmp_path):
    problem, files = write_map_task(tmp_path)
    sweep_pool(problem, files.weights, files.soft_targets, [0, "all"], SETTINGS, files.sweep)
    frame = read_frame("sweep", files.sweep)
    assert frame["pool"].tolist() == [0, 30] * 3
    assert frame[MEASURED].notna().all(axis=None)


@pytest.mark.parametrize("pools", [[0, 26], [-1, 10], []])
def test_pools_that_are_not_there_are_refused(taught, pools):
    with pytest.raises(DataError, match="it has 25 unlabelled rows; 0 to 25 and 'all'"):
        sweep(taught, pools)
