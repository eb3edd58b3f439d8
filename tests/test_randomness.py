"""Generators are independent streams, each fixed by (seed, n, purpose)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from qdistill.randomness import generator_for, split_folds

keys = st.tuples(
    st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["subset", "batches", "slot"])
)


@given(keys)
def test_same_key_same_draws(key):
    assert generator_for(*key).random() == generator_for(*key).random()


@given(keys, keys)
def test_other_key_other_draws(one, other):
    draws = [generator_for(*key).integers(2**62) for key in (one, other)]
    assert (one == other) == (draws[0] == draws[1])


@given(
    st.integers(0, 10**6),
    st.integers(2, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(2, n))),
)
def test_folds_are_those_of_scikit_learn(seed, sizes):
    n, folds = sizes
    state = int(generator_for(seed, n, "folds").integers(2**32))
    wanted = KFold(folds, shuffle=True, random_state=state).split(np.arange(n))
    for ours, theirs in zip(split_folds(seed, n, "folds", folds), wanted, strict=True):
        assert list(map(list, ours)) == list(map(list, theirs))
