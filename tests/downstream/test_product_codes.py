"""Product quantisation, against faiss's own index and brute force."""

from itertools import product

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.downstream.product_codes import best_shape, train_product_quantisers

POOL = np.random.default_rng(0).normal(size=(700, 12)).astype(np.float32) + 1


def trained(pool=POOL, budgets=(2, 4), metric="euclidean"):
    return {each.size: each for each in train_product_quantisers(pool, budgets, metric)}


def test_codes_are_those_of_an_index_of_the_library():
    for size, own in trained().items():
        assert own.size == size and own.width * own.quantiser.nbits <= 8 * size
        index = faiss.IndexPQ(12, own.width, own.quantiser.nbits)
        index.train(POOL)
        index.add(POOL)
        np.testing.assert_array_equal(
            own.restore(own.store(POOL)), index.reconstruct_n(0, len(POOL))
        )


def test_training_gives_the_same_twice_and_by_cosine_no_heed_to_length():
    for metric in ("euclidean", "cosine"):
        one, two = trained(metric=metric), trained(metric=metric)
        for size in one:
            assert np.array_equal(one[size].store(POOL), two[size].store(POOL))
    scaled = POOL * np.random.default_rng(1).uniform(0.5, 2, size=(700, 1)).astype(np.float32)
    assert np.array_equal(one[3].restore(one[3].store(POOL)), one[3].restore(one[3].store(scaled)))


@pytest.mark.parametrize(("rows", "bits"), [(77, 0), (78, 1), (155, 1), (156, 2), (700, 4)])
def test_rows_must_be_enough_for_the_centroids(rows, bits):
    found = trained(POOL[:rows]).values()
    assert {each.quantiser.nbits for each in found} <= set(range(1, bits + 1))
    assert bool(found) == (bits > 0)


@given(features=st.integers(1, 40), budget=st.integers(1, 30), most=st.integers(1, 8))
def test_a_shape_holds_as_many_bits_as_any_that_fits(features, budget, most):
    fits = [
        parts * bits
        for parts, bits in product(range(1, features + 1), range(1, most + 1))
        if features % parts == 0 and parts * bits <= 8 * budget
    ]
    parts, bits = best_shape(features, budget, most)
    assert parts * bits == max(fits) and features % parts == 0 and 1 <= bits <= most


@given(features=st.integers(1, 40), budgets=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_other_shapes_are_of_other_sizes(features, budgets):
    """So that bytes tell rows of a table apart, though parts are as many: 64 of 2 bits, or of 3."""
    one, other = (best_shape(features, budget, 3) for budget in budgets)
    assert one == other or -(-np.prod(one) // 8) != -(-np.prod(other) // 8)
    assert best_shape(64, 16, 3) == (64, 2) and best_shape(64, 64, 3) == (64, 3)
