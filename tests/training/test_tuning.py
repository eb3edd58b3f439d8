"""The circuit's search against its parts, one by one; the files of both tuned models."""

import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from helpers.files import SEEDS, files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import Clock, write_problem
from qdistill.datasets.examples import load_examples
from qdistill.storage.weights import read_weights
from qdistill.training import tuning
from qdistill.training.crossvalidation import (
    LengthSettings,
    best_check,
    steps_between_checks,
    train_to_checks,
    validation_curve,
)
from qdistill.training.linear_tuning import tune_linear
from qdistill.training.protocols import start_model
from qdistill.training.tuning import tune_model

SEARCH = {
    "folds": 3,
    "rows": 15,
    "max_steps": 150,
    "patience": 2,
    "learning_rates": [0.003, 0.03],
    "layers": [1, 3],
}
GRID = list(product(SEARCH["layers"], SEARCH["learning_rates"]))
CIRCUIT = {**SETTINGS, "batch_size": 6, "tuning": SEARCH}
LINEAR = {"projections": "trained", "folds": 5}
SIZES = (10, 15, 40)  # below, at and above the rows that are searched


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="module")
def latents(folder):
    return write_problem(folder, "noisy map")


def tune(folder, latents, name, chosen, place="tuned", seeds=SEEDS, sizes=SIZES):
    problem, files = make_problem(latents, sizes, seeds), files_of(folder / place, name, seeds)
    tune_model(name, problem, chosen, files)
    return files


@pytest.fixture(scope="module")
def circuits(folder, latents):
    return tune(folder, latents, "quantum_tuned", CIRCUIT)


def choices_of(files, n):
    frame = rows_at(files, "choices", n)
    return [json.loads(choice) for choice in frame["choice"]], frame


def examples_at(latents, n):
    return load_examples(latents, make_problem(latents, SIZES).subsets, n)


def of_seed(examples, place, n):
    """The first rows of one seed."""
    one = slice(place, place + 1)
    rows, labelled = examples.rows[one, :n], examples.labelled[one, :n]
    return replace(examples, seeds=examples.seeds[one], rows=rows, labelled=labelled)


def search_alone(examples, rows):
    """For each seed by itself: its curves over the grid, on its first rows."""
    found = []
    for place in range(len(examples.seeds)):
        own = of_seed(examples, place, rows)
        curves = []
        for layers, rate in GRID:
            model, parameters, _ = start_model("quantum", {**CIRCUIT, "layers": layers}, 3, own)
            curves.append(validation_curve(model, parameters, own, length_of(rate), "tuning")[0])
        found.append(curves)
    return found


def length_of(rate):
    return LengthSettings(6, rate, SEARCH["folds"], SEARCH["max_steps"], SEARCH["patience"])


# ---- quantum_tuned ----


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
def test_each_seed_has_the_setting_of_its_lowest_validation_error(circuits, latents, n):
    """Found again by searching for each seed alone, in the first rows of its subset."""
    chosen, frame = choices_of(circuits, n)
    improving = rows_at(circuits, "metrics", n)["still_improving"]
    rows = min(n, SEARCH["rows"])
    curves = search_alone(examples_at(latents, n), rows)
    for place in range(3):
        best = [best_check(curve[None], SEARCH["patience"])[0] for curve in curves[place]]
        lowest = [curve[k] for curve, k in zip(curves[place], best, strict=True)]
        winner = int(np.argmin(lowest))
        found = chosen[place]
        assert (found["layers"], found["learning_rate"]) == GRID[winner]
        assert frame["validation_mse"][place] == pytest.approx(lowest[winner], rel=1e-3)
        after = len(curves[place][winner]) - 1 - best[winner]
        assert improving[place] == (after < SEARCH["patience"])
        # alone, a search ends where its seed stops, so every measurement is a candidate
        assert frame["candidates"][place] == sum(len(curve) for curve in curves[place])
        if n <= rows:
            interval = steps_between_checks(n, length_of(0.1))
            assert found["steps"] == best[winner] * interval
    assert frame["seed"].tolist() == [0, 1, 2]
    assert len({(each["layers"], each["learning_rate"]) for each in chosen}) > 1
    assert len(set(frame["candidates"])) > 1


def test_above_its_rows_the_search_is_the_same_and_training_as_many_epochs(circuits):
    few, searched = choices_of(circuits, 15)
    many, reused = choices_of(circuits, 40)
    for column in ("validation_mse", "candidates"):
        assert searched[column].tolist() == reused[column].tolist()
    for here, there in zip(few, many, strict=True):
        assert here["layers"] == there["layers"]
        assert here["learning_rate"] == there["learning_rate"]
        epochs = here["steps"] / math.ceil(15 / 6), there["steps"] / math.ceil(40 / 6)
        interval = steps_between_checks(40, length_of(0.1)) / math.ceil(40 / 6)
        assert epochs[0] <= epochs[1] < epochs[0] + interval
    assert any(each["steps"] for each in many)


@pytest.mark.slow
def test_a_larger_n_alone_gives_the_same(circuits, folder, latents):
    """The search that a smaller n made is only reused, never needed."""
    alone = tune(folder, latents, "quantum_tuned", CIRCUIT, "large", sizes=(40,))
    for kind in ("choices", "metrics"):
        frames = [rows_at(files, kind, 40) for files in (circuits, alone)]
        frames = [frame.drop(columns="train_seconds", errors="ignore") for frame in frames]
        assert frames[0].equals(frames[1])


@pytest.mark.parametrize("n", SIZES)
def test_the_weights_are_those_of_the_chosen_training(circuits, latents, n):
    """Trained again for each seed alone; angles beyond the chosen layers are zero."""
    chosen, _ = choices_of(circuits, n)
    weights = read_weights(circuits.weights, n)
    examples = examples_at(latents, n)
    assert weights["bottleneck.layers"].tolist() == [each["layers"] for each in chosen]
    assert weights["bottleneck.angles"].shape == (3, 3, 3, 2)
    assert n < 15 or set(weights["bottleneck.layers"]) == {1, 3}
    metrics = rows_at(circuits, "metrics", n)
    assert (metrics["family"] == "quantum").all() and not metrics["diverged"].any()
    assert (metrics["n_parameters"] == 144 + 6 * weights["bottleneck.layers"]).all()
    for place, each in enumerate(chosen):
        own = of_seed(examples, place, n)
        settings = {**CIRCUIT, "layers": each["layers"]}
        model, parameters, _ = start_model("quantum", settings, 3, own)
        length = length_of(each["learning_rate"])
        checks = np.array([each["steps"] // steps_between_checks(n, length)])
        trained = train_to_checks(
            model, parameters, own, length, checks, "batches", lambda *_: None
        )
        for name, tensor in trained.items():
            found = weights[name][place]
            if name == "bottleneck.angles":
                assert (found[each["layers"] :] == 0).all()
                found = found[: each["layers"]]
            np.testing.assert_allclose(found, tensor[0], rtol=1e-2, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(0,), (1, 2)])
def test_a_search_does_not_depend_on_the_block(circuits, folder, latents, seeds):
    apart = tune(folder, latents, "quantum_tuned", CIRCUIT, "apart", seeds)
    for n in SIZES:
        chosen, frame = choices_of(circuits, n)
        again, other = choices_of(apart, n)
        places = list(seeds)
        assert again == [chosen[place] for place in places]
        assert other["candidates"].tolist() == frame["candidates"][places].tolist()
        np.testing.assert_allclose(
            other["validation_mse"], frame["validation_mse"][places], rtol=1e-3
        )
        errors = [rows_at(files, "metrics", n)["heldout_mse"] for files in (circuits, apart)]
        np.testing.assert_allclose(errors[1], errors[0][places], rtol=1e-3)


def test_fixed_projections_are_written_and_only_angles_trained(folder, latents):
    chosen = {**CIRCUIT, "projections": "identity"}
    files = tune(folder, latents, "quantum_tuned", chosen, "identity", sizes=(15,))
    weights = read_weights(files.weights, 15)
    for part in ("encoder", "decoder"):
        np.testing.assert_array_equal(weights[f"{part}.weight"], [np.eye(8)] * 3)
        assert not weights[f"{part}.bias"].any()
    layers = weights["bottleneck.layers"]
    metrics = rows_at(files, "metrics", 15)
    assert metrics["n_parameters"].tolist() == (layers * 6).tolist()


def test_rates_that_break_are_not_chosen(folder, latents):
    """And where nothing is better than the start, it is kept and the run is no failure."""
    broken = {**CIRCUIT, "tuning": {**SEARCH, "learning_rates": [1e30, 0.01], "layers": [1]}}
    files = tune(folder, latents, "quantum_tuned", broken, "broken", sizes=(15,))
    chosen, frame = choices_of(files, 15)
    assert {each["learning_rate"] for each in chosen if each["steps"]} == {0.01}
    assert frame["validation_mse"].notna().all()
    only = {**CIRCUIT, "tuning": {**SEARCH, "learning_rates": [1e30], "layers": [1]}}
    files = tune(folder, latents, "quantum_tuned", only, "only", sizes=(15,))
    chosen, frame = choices_of(files, 15)
    assert [each["steps"] for each in chosen] == [0, 0, 0]
    assert not rows_at(files, "metrics", 15)["diverged"].any()


def test_time_counts_the_search_wherever_it_was_made(monkeypatch, folder, latents):
    clock, searches = Clock(monkeypatch, tuning), []

    def search(*arguments):
        searches.append(arguments)
        return np.array([[3.0, 2.0, 4.0]] * 3)

    monkeypatch.setattr(tuning, "validation_curve", clock.slowed(search, 100))
    files = tune(folder, latents, "quantum_tuned", CIRCUIT, "timed", sizes=(15, 20, 40))
    for n in (15, 20, 40):
        seconds = rows_at(files, "metrics", n)["train_seconds"] * 3
        np.testing.assert_allclose(seconds, 402)  # four settings, and one second each for both
    assert len(searches) == len(GRID)


@pytest.mark.parametrize(
    ("checks", "rows", "n", "max_steps", "found"),
    [
        ([0, 3], 20, 20, 100, [0, 3]),  # 28 steps, 7 epochs, a measurement
        ([3], 20, 40, 100, [6]),  # 21 epochs, now of 7 steps each
        ([40], 20, 20, 100, [18]),  # no more than five times the most steps
    ],
)
def test_lengths_are_carried_over_as_epochs(checks, rows, n, max_steps, found):
    length = LengthSettings(6, 0.1, 5, max_steps, 3)
    assert tuning._same_epochs(np.array(checks), rows, n, length).tolist() == found


# ---- linear_tuned ----


def test_files_of_the_tuned_linear_model(folder, latents):
    """What is written is what :func:`tune_linear` found."""
    files = tune(folder, latents, "linear_tuned", LINEAR)
    for n in SIZES:
        examples = examples_at(latents, n)
        weights, evaluation, found = tune_linear(examples, 3, LINEAR)
        metrics, choices = rows_at(files, "metrics", n), rows_at(files, "choices", n)
        for frame in (metrics, choices):
            about = frame[["dataset", "qubits", "protocol", "n", "model"]].drop_duplicates()
            assert about.values.tolist() == [["small", 3, "article", n, "linear_tuned"]]
            assert frame["seed"].tolist() == [0, 1, 2]
        np.testing.assert_array_equal(metrics["heldout_mse"], evaluation.heldout_mse)
        assert (metrics["family"] == "classical").all()
        for column, values in found.items():
            assert choices[column].tolist() == values
        written = read_weights(files.weights, n)
        assert written.keys() == weights.keys()
        assert all(np.array_equal(written[name], tensor) for name, tensor in weights.items())
