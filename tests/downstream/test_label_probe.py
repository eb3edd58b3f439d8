"""The nearest-centroid probe, against scikit-learn and against closed cases."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import normalize

from qdistill.downstream.label_probe import find_probe_task, probe_accuracy


def clusters(spread):
    """Codes of 5 examples of each of 4 classes, of 80 rows asked about, and their classes."""
    generator = np.random.default_rng(0)
    centres = 3 * generator.normal(size=(4, 6))
    truth = generator.integers(4, size=80)
    shown = centres[:, None] + spread * generator.normal(size=(4, 5, 6))
    rows = centres[truth] + spread * generator.normal(size=(80, 6))
    as_tensor = (torch.tensor(array, dtype=torch.float32) for array in (shown, rows))
    return *as_tensor, torch.tensor(truth)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_accuracy_is_that_of_the_library(metric):
    examples, asked, truth = clusters(4.0)
    prepare = normalize if metric == "cosine" else np.asarray
    fit = prepare(examples.flatten(0, 1).numpy())
    model = NearestCentroid().fit(fit, np.repeat(np.arange(4), 5))
    if metric == "cosine":  # the smallest angle to the mean of unit vectors
        guessed = (prepare(asked.numpy()) @ normalize(model.centroids_).T).argmax(1)
    else:
        guessed = model.predict(asked.numpy())
    expected = (guessed == truth.numpy()).mean()
    assert probe_accuracy(examples, asked, truth, metric) == pytest.approx(expected, abs=1e-9)
    assert 0.3 < expected < 0.95


@pytest.mark.parametrize("value", [0.0, 0.1])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_codes_that_are_all_the_same_guess_at_random(value, metric):
    truth = torch.tensor([0, 0, 0, 1, 2])
    examples, asked = torch.full((4, 5, 3), value), torch.full((5, 3), value)
    assert probe_accuracy(examples, asked, truth, metric) == pytest.approx(1 / 4)


def test_codes_that_are_not_finite_have_no_accuracy():
    for spoiled in (0, 1):
        codes = list(clusters(1.0))
        codes[spoiled].view(-1)[4] = torch.nan
        assert np.isnan(probe_accuracy(*codes, "euclidean"))


LABELS = np.array([*"aaaabbbbcccd", *"abcde"])
TRAIN, HELDOUT = np.arange(12), np.arange(12, 17)


def test_classes_are_those_that_both_sides_share():
    task = find_probe_task(LABELS, TRAIN, HELDOUT, 3)
    assert task.classes == ("a", "b", "c")  # d has too few examples, e has none
    assert task.asked.tolist() == [0, 1, 2] and task.truth.tolist() == [0, 1, 2]
    assert task.chance == pytest.approx(1 / 3)
    assert find_probe_task(LABELS, TRAIN, HELDOUT, 4).classes == ("a", "b")


@pytest.mark.parametrize(
    ("labels", "examples", "reason"),
    [
        (None, 3, "no_labels"),
        (LABELS, 5, "few_classes"),
        (np.array(["a"] * 12 + ["a", "z", "z", "z", "z"]), 3, "few_classes"),
        (np.array(["a"] * 6 + ["b"] * 6 + ["y", "z", "z", "z", "z"]), 3, "few_classes"),
    ],
)
def test_without_two_shared_classes_there_is_a_reason(labels, examples, reason):
    assert reason == find_probe_task(labels, TRAIN, HELDOUT, examples)


def test_examples_are_of_their_class_from_the_train_rows_and_repeatable():
    task = find_probe_task(LABELS, TRAIN, HELDOUT, 2)
    drawn = task.draw_examples(2, seed=3, n=50)
    assert drawn.shape == (3, 2) and (drawn < 12).all()
    assert [set(LABELS[row]) for row in drawn] == [{"a"}, {"b"}, {"c"}]
    assert all(len(set(row)) == 2 for row in drawn.tolist())
    assert (task.draw_examples(2, 3, 50) == drawn).all()
    others = [task.draw_examples(2, seed, n) for seed, n in ((4, 50), (5, 50), (3, 51), (3, 52))]
    assert any((other != drawn).any() for other in others[:2])
    assert any((other != drawn).any() for other in others[2:])
