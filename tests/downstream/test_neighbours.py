"""Recall of nearest neighbours, against scikit-learn and against closed cases."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from qdistill.downstream.neighbours import METRICS, TrueNeighbours, place


def draw(seed, rows=60, width=7, offset=0.0):
    generator = np.random.default_rng(seed)
    return torch.tensor(generator.normal(offset, 1, (rows, width)), dtype=torch.float32)


def recall_by_library(vectors, codes, count, metric):
    """Recall by scikit-learn's exact search, a row's own entry left out."""
    found = [
        NearestNeighbors(n_neighbors=count, metric=metric, algorithm="brute")
        .fit(rows.double().numpy())
        .kneighbors(return_distance=False)
        for rows in (vectors, codes)
    ]
    both = [len(np.intersect1d(one, other)) for one, other in zip(*found, strict=True)]
    return np.mean(both) / count


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("offset", [0.0, 3.0])
@pytest.mark.parametrize("count", [1, 10])
def test_recall_is_that_of_exact_search(metric, offset, count):
    vectors = draw(0, offset=offset)
    codes = vectors[:, :3] + 0.2 * draw(1, width=3)
    found = TrueNeighbours(vectors, count, metric).recall(codes)
    assert found == pytest.approx(recall_by_library(vectors, codes, count, metric), abs=1e-9)
    assert 0.1 < found < 0.9


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3])
@pytest.mark.parametrize("metric", METRICS)
def test_codes_that_are_all_the_same_find_what_chance_finds(value, metric):
    """Whatever the order of the rows: neighbours here stand beside each other."""
    vectors = torch.arange(1, 41.0)[:, None] ** torch.tensor([[1.0, 1.5]])
    recall = TrueNeighbours(vectors, 4, metric).recall(torch.full((40, 8), value))
    assert recall == pytest.approx(4 / 39)


def test_ties_count_by_their_mean():
    vectors = torch.tensor([[0.0], [1.0], [2.1], [10.0], [11.0], [12.1]])
    truth = TrueNeighbours(vectors, 2, "euclidean")
    # one code for each half: the two others of a half are found, and nothing else is needed
    assert truth.recall(torch.tensor([0.0, 0, 0, 5, 5, 5])[:, None]) == 1.0
    # rows 0 and 3 stand aside: of row 1's three candidates for two places, one is wrong
    codes = torch.tensor([[0.0, 9], [0, 0], [0, 0], [9, 9], [0, 0], [0, 0]])
    permuted = torch.tensor([5, 3, 1, 0, 2, 4])
    expected = truth.recall(codes)
    other = TrueNeighbours(vectors[permuted], 2, "euclidean").recall(codes[permuted])
    assert other == pytest.approx(expected)
    # row 1: candidates 2, 4, 5 for two places, 2 is right with probability 2/3; so for row 2,
    # for 4 and 5. Row 0: of 3 (81 away), 1, 2, 4, 5 (81 away), all tie for two places: 2 right
    # of 5. Row 3: 0 at 81, the others at 162: half of the value is one sure wrong place and one
    # of four, two of which are right.
    assert expected * 2 == pytest.approx((4 * 2 / 3 + 2 * 2 / 5 + 2 / 4) / 6)


def test_equally_near_true_neighbours_all_count():
    vectors = torch.tensor([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [9, 9]])
    truth = TrueNeighbours(vectors, 1, "euclidean")
    only_third = torch.tensor([[0.0], [5], [6], [0.1], [9], [20]])
    only_far = torch.tensor([[0.0], [5], [6], [9], [14], [0.1]])
    assert truth.recall(only_third) - truth.recall(only_far) == pytest.approx(2 / 6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_codes_that_are_not_finite_have_no_recall(bad):
    codes = draw(7)
    codes[3, 2] = bad
    assert np.isnan(TrueNeighbours(draw(8), 3, "cosine").recall(codes))


def test_too_few_rows_and_other_metrics_are_refused():
    TrueNeighbours(draw(0, rows=5), 3, "cosine")
    with pytest.raises(ValueError, match="4 rows, and 3 neighbours need 5"):
        TrueNeighbours(draw(0, rows=4), 3, "cosine")
    with pytest.raises(ValueError, match="'manhattan', expected one of cosine, euclidean"):
        place(draw(0), "manhattan")
