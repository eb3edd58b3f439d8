"""Generators are independent streams, each fixed by (seed, n, purpose)."""

from hypothesis import given
from hypothesis import strategies as st

from qdistill.randomness import generator_for

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
