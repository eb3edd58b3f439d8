"""References against their closed forms and against scikit-learn's pipelines."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from helpers.files import files_of, make_problem, rows_at
from helpers.training import draw_problem, write_problem
from qdistill.datasets.latents import load_latents
from qdistill.datasets.subsets import load_subsets
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_metadata, write_table
from qdistill.training.references import PrincipalRegression, choose_rank, fit_references


def principal_regression(rank):
    """Of rank 0, the mean of the targets."""
    pca = PCA(rank, svd_solver="full")
    return make_pipeline(pca, LinearRegression()) if rank else DummyRegressor()


def evaluate_on(problem, files, name, settings):
    fit_references([name], problem, settings, files.metrics)
    return {n: rows_at(files, "metrics", n) for n in problem.sizes}, problem


def evaluate_map(task, name, sizes=(6, 20), seeds=(0, 1), protocol="regularised"):
    folder, latents = task
    problem = make_problem(latents, sizes, seeds, protocol)
    return evaluate_on(problem, files_of(folder, name, seeds), name, {})


def labelled_of(problem, n, kind="noisy map"):
    """Inputs and targets of each seed's rows, and the held-out ones."""
    x, y = (array.astype(float) for array in draw_problem(kind, 12))
    _, rows = load_subsets(problem.subsets, n)
    return [(x[own], y[own]) for own in rows], (x[140:], y[140:])


@pytest.mark.parametrize("name", ["mean", "pca"])
@pytest.mark.parametrize("kind", ["noisy map", "reconstruct"])
def test_errors_are_those_of_principal_component_regression(tmp_path, kind, name):
    """To reconstruct, that is the truncated decomposition; of rank 0, the mean of the targets."""
    frames, problem = evaluate_map((tmp_path, write_problem(tmp_path, kind, 12)), name)
    for n, frame in frames.items():
        rank = min(8, n - 1) if name == "pca" else 0
        seeds, (inputs, targets) = labelled_of(problem, n, kind)
        for place, (x, y) in enumerate(seeds):
            for column, rows, truth in (("train", x, y), ("heldout", inputs, targets)):
                guess = principal_regression(rank).fit(x, y).predict(rows)
                expected = np.square(guess - truth).mean()
                assert frame[f"{column}_loss"][place] == pytest.approx(expected, rel=1e-6)
        fitted = 12 + rank * (12 + 12) if rank else 0
        assert (frame["n_parameters"] == 12 + fitted).all()


def test_oracle_is_near_the_closed_form_and_below_pca(small_study):
    oracle, pca = (
        evaluate_on(small_study.problem(), small_study.files(name), name, small_study.settings)[0]
        for name in ("oracle", "pca")
    )
    optimum = float(read_metadata(small_study.latents)["optimal_mse"])
    # 40 held-out rows of 24 noise dimensions: a relative standard error of about 5 %
    assert oracle[12]["heldout_loss"][0] == pytest.approx(optimum, rel=0.2)
    assert (oracle[12]["heldout_loss"] < pca[12]["heldout_loss"]).all()


@pytest.fixture(scope="module")
def map_task(tmp_path_factory):
    """Latents with targets, and what was drawn."""
    folder = tmp_path_factory.mktemp("map")
    return folder, write_problem(folder, "noisy map", features=12)


def test_the_protocol_is_written_and_changes_nothing(map_task):
    errors = []
    for protocol in ("article", "regularised"):
        frame = evaluate_map(map_task, "pca_cv", protocol=protocol)[0][6]
        assert (frame["protocol"] == protocol).all()
        errors.append(frame["heldout_loss"].tolist())
    assert errors[0] == errors[1]


@pytest.mark.slow
def test_the_rank_has_the_lowest_cross_validated_error(map_task):
    """By brute force with scikit-learn's own pipeline, and refitted on all rows."""
    frames, problem = evaluate_map(map_task, "pca_cv", seeds=range(8))
    ranks = set()
    for n, frame in frames.items():
        seeds, (inputs, truth) = labelled_of(problem, n)
        for seed, (x, y) in enumerate(seeds):
            state = int(generator_for(seed, n, "rank").integers(2**32))
            splits = list(KFold(5, shuffle=True, random_state=state).split(x))
            largest = min(8, min(len(kept) for kept, _ in splits) - 1)
            fits = map(principal_regression, range(largest + 1))
            guesses = [cross_val_predict(fit, x, y, cv=splits) for fit in fits]
            rank = int(np.argmin([np.square(guess - y).sum() for guess in guesses]))
            if 0 < rank == largest:  # all rows may allow more than any fold
                rank = min(8, len(x) - 1)
            assert choose_rank(x, y, seed, 8) == rank
            ranks.add(rank)
            predicted = principal_regression(rank).fit(x, y).predict(inputs)
            expected = np.square(predicted - truth).mean()
            assert frame["heldout_loss"][seed] == pytest.approx(expected, rel=1e-6)
    assert len(ranks) > 1  # else any constant would have passed


def test_a_planted_rank_is_found_and_noise_is_answered_with_the_mean():
    generator = np.random.default_rng(0)
    scale = np.array([3.0, 3.0, 3.0, *[0.1] * 9])
    x = generator.normal(size=(60, 12)) * scale
    noise = generator.normal(size=(60, 40))
    assert choose_rank(x, x[:, :3] @ generator.normal(size=(3, 40)) + noise, 0, 8) == 3
    assert choose_rank(x, noise, 0, 8) == 0


@pytest.mark.parametrize("count", [2, 3])
def test_the_fewest_rows_are_enough(count):
    x = np.random.default_rng(0).normal(size=(count, 12))
    assert 0 <= choose_rank(x, x, 0, 8) <= count - 1


def test_rows_that_repeat_add_no_component():
    """Components without variance are rounding; a regression on them would be arbitrary."""
    generator = np.random.default_rng(0)
    x, y = (np.repeat(generator.normal(size=(4, 12)), 5, axis=0) for _ in range(2))
    new = generator.normal(size=(30, 12))
    regression = PrincipalRegression(x, y, 8)
    expected = principal_regression(3).fit(x, y).predict(new)
    np.testing.assert_allclose(regression.predict(new), expected, atol=1e-9)
    by_rank = regression.errors_by_rank(new, truth := generator.normal(size=(30, 12)))
    assert by_rank[-1] == pytest.approx(np.square(expected - truth).sum())
    assert by_rank[2] != pytest.approx(by_rank[3])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mean", "pca", "pca_cv"])
def test_other_rows_are_only_measured(map_task, tmp_path, name):
    frames, _ = evaluate_map(map_task, name)
    x, y = draw_problem("noisy map", 12)
    split = load_latents(map_task[1]).split
    x[split != "train"] *= 3
    y[split != "train"] += 5
    columns = {"row": np.arange(len(x)), "split": split, "features": x, "targets": y}
    write_table("latents", tmp_path / "latents.parquet", columns, {})
    spoiled, _ = evaluate_map((tmp_path, tmp_path / "latents.parquet"), name)
    for n, frame in frames.items():
        for column in ("train_loss", "n_parameters"):
            assert frame[column].tolist() == spoiled[n][column].tolist()
        assert (frame["heldout_loss"] < spoiled[n]["heldout_loss"]).all()
