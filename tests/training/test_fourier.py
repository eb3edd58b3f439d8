"""Fourier features against circuits, closed forms and scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from helpers.configuration import DEFAULT
from helpers.files import files_of, make_problem, rows_at
from helpers.training import draw_problem, write_problem
from qdistill.circuits.angle_circuit import angle_expectations
from qdistill.datasets.subsets import load_subsets
from qdistill.randomness import generator_for
from qdistill.training.fourier import (
    BLOCKS,
    STRENGTHS,
    FourierFeatures,
    FourierRegression,
    list_frequencies,
)
from qdistill.training.references import fit_references


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), entangled=st.booleans())
def test_they_span_what_a_circuit_on_the_same_angles_computes(seed, entangled):
    """And those of one block less do not: frequencies reach the number of blocks."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(120, 5))
    features = FourierFeatures(2, 2).fit(x)
    angles = torch.tensor(generator.uniform(-np.pi, np.pi, (1, 2, 1, 2, 2)))
    outputs = angle_expectations(angles, torch.tensor(features.encode(x))[None], entangled)[0]
    for blocks, spans in ((2, True), (1, False)):
        own = FourierFeatures(2, blocks).fit_transform(x)
        left = outputs.numpy() - LinearRegression().fit(own, outputs).predict(own)
        assert (np.abs(left).max() < 1e-9) == spans


def test_features_are_cosines_and_sines_of_the_scaled_scores():
    x = np.random.default_rng(0).normal(size=(50, 6)) @ np.diag([5, 4, 3, 2, 1, 1])
    features = FourierFeatures(3, 2).fit(x[:30])
    middle = x[:30].mean(axis=0)
    components = np.linalg.svd(x[:30] - middle)[2][:3]
    scores = (x - middle) @ components.T
    angles = np.pi * np.tanh(scores / scores[:30].std(axis=0, ddof=1))
    signs = np.sign((features.encode(x) * angles).sum(axis=0))
    np.testing.assert_allclose(features.encode(x), signs * angles, atol=1e-9)
    phases = features.encode(x) @ list_frequencies(3, 2).T
    expected = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
    np.testing.assert_allclose(features.transform(x), expected)


@given(wires=st.integers(1, 5), largest=st.integers(1, 4), most=st.integers(1, 300))
def test_frequencies_are_those_of_the_lowest_degrees_one_of_each_pair(wires, largest, most):
    everything = itertools.product(range(-largest, largest + 1), repeat=wires)
    degrees = {k: sum(map(abs, k)) for k in everything if any(k)}
    found = [tuple(k) for k in list_frequencies(wires, largest, most).tolist()]
    both = [*found, *(tuple(-x for x in k) for k in found)]
    top = max(degrees[k] for k in found)
    assert len(set(both)) == len(both)
    assert set(both) == {k for k, degree in degrees.items() if degree <= top}
    assert [degrees[k] for k in found] == sorted(degrees[k] for k in found)
    further = [k for k, degree in degrees.items() if degree <= top + 1]
    assert len(found) <= most or top == 1
    assert len(further) == len(both) or len(further) > 2 * most


@pytest.mark.parametrize("kind", ["noisy map", "reconstruct"])
def test_its_rows_of_metrics_are_those_of_a_search_by_scikit_learn(tmp_path, kind):
    problem = make_problem(write_problem(tmp_path, kind, 12), (20,), (0, 1), "article")
    files = files_of(tmp_path, "fourier", (0, 1))
    fit_references(["fourier"], problem, {}, files.metrics)
    x, y = (each.astype(float) for each in draw_problem(kind, 12))
    frame = rows_at(files, "metrics", 20)
    assert (frame["family"] == "reference").all()
    for seed, own in enumerate(load_subsets(problem.subsets, 20)[1]):
        state = int(generator_for(seed, 20, "fourier").integers(2**32))
        folds = KFold(5, shuffle=True, random_state=state)
        pipeline = make_pipeline(FourierFeatures(3, BLOCKS), Ridge())
        grid, scoring = {"ridge__alpha": STRENGTHS}, "neg_mean_squared_error"
        search = GridSearchCV(pipeline, grid, scoring=scoring, cv=folds).fit(x[own], y[own])
        expected = np.square(search.predict(x[140:]) - y[140:]).mean()
        assert frame["heldout_loss"][seed] == pytest.approx(expected, rel=1e-9)
        strength = search.best_params_["ridge__alpha"]
        assert frame["choice_at_edge"][seed] == (strength in (STRENGTHS[0], STRENGTHS[-1]))
        width = y.shape[1]
        fitted = 3 * 12 + 12 + 3 + (2 * len(list_frequencies(3, BLOCKS)) + 1) * width
        assert frame["n_parameters"][seed] == fitted


def test_a_map_of_low_frequency_is_learned_and_noise_is_not():
    generator = np.random.default_rng(1)
    x = generator.normal(size=(600, 2)) * [2, 1]
    phases = FourierFeatures(2, BLOCKS).fit(x[:200]).encode(x)
    planted = np.stack([np.cos(phases.sum(axis=1)), np.sin(2 * phases[:, 0])], axis=1)
    noise = generator.normal(size=(600, 2))
    for y, low, high in ((planted, 0, 1e-3), (noise, 0.8, 1.1)):
        fitted = FourierRegression(x[:200], y[:200], 0, 5, 2)
        error = np.square(fitted.predict(x[200:]) - y[200:]).mean() / y[200:].var()
        assert low <= error < high


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_rows_and_equal_rows_give_their_mean(n):
    x, y = np.ones((n, 3)), np.full((n, 2), 7.0)
    fitted = FourierRegression(x, y, 0, n, 3)
    np.testing.assert_allclose(fitted.predict(x + 1), 7.0 + np.zeros((n, 2)))
    assert fitted.count_parameters() >= 2


def test_a_classifier_takes_them_in_a_pipeline():
    x = np.random.default_rng(0).normal(size=(300, 2))
    angles = FourierFeatures(2, 2).fit(x).encode(x)
    labels = np.cos(angles).prod(axis=1) > 0
    pipeline = make_pipeline(FourierFeatures(2, 2), LogisticRegression(C=100, max_iter=1000))
    assert pipeline.fit(x, labels).score(x, labels) > 0.95
    assert LogisticRegression().fit(x, labels).score(x, labels) < 0.7


def test_blocks_are_those_of_the_default_study():
    assert DEFAULT["training"]["blocks"] == BLOCKS
