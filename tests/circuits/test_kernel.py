from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.circuits import numba_engine, torch_engine
from qdistill.circuits.kernel import (
    adjoint_of_probabilities,
    pull_adjoint,
    push_states,
    read_probabilities,
)


def draw(seeds, layers, qubits, examples, dtype=np.float64, seed=0):
    generator = np.random.default_rng(seed)
    angles = generator.uniform(-np.pi, np.pi, (seeds, layers, qubits, 2)).astype(dtype)
    vectors = generator.standard_normal((seeds, examples, 2**qubits))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    weights = generator.standard_normal(vectors.shape)
    return angles, vectors.astype(dtype), weights.astype(dtype)


def run(angles, amplitudes, entangled=True):
    """Probabilities, and what the gradient needs."""
    middles = push_states(angles, amplitudes, entangled)
    return read_probabilities(middles, entangled), middles


def pull_gradient(angles, weights, middles, entangled=True):
    """Gradients of the weighted sum of the probabilities."""
    adjoints = adjoint_of_probabilities(weights, middles, entangled)
    return pull_adjoint(angles, adjoints, middles, entangled)


SIZES = st.tuples(*(st.integers(*ends) for ends in ((1, 3), (1, 4), (2, 7), (1, 5))))


@settings(max_examples=25)
@given(sizes=SIZES, entangled=st.booleans(), seed=st.integers(0, 1000))
def test_agrees_with_the_torch_engine_in_float64(sizes, entangled, seed):
    angles, amplitudes, weights = draw(*sizes, seed=seed)
    probabilities, middles = run(angles, amplitudes, entangled)
    of_angles, of_amplitudes = pull_gradient(angles, weights, middles, entangled)
    leaves = [torch.tensor(array, requires_grad=True) for array in (angles, amplitudes)]
    expected = torch_engine.probabilities(*leaves, entangled)
    (expected * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(probabilities, expected.detach().numpy(), atol=1e-13)
    np.testing.assert_allclose(of_angles, leaves[0].grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(of_amplitudes, leaves[1].grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("entangled", [True, False])
@pytest.mark.parametrize("qubits", [3, 4])
def test_gradients_are_central_differences(qubits, entangled):
    leaves = [torch.tensor(array, requires_grad=True) for array in draw(2, 2, qubits, 3)[:2]]
    probabilities = partial(numba_engine.probabilities, entangled=entangled)
    assert torch.autograd.gradcheck(probabilities, leaves, eps=1e-5, atol=1e-8, rtol=1e-7)


def test_the_norm_is_kept_over_a_thousand_layers():
    angles, amplitudes, _ = draw(2, 1000, 6, 4, np.float32)
    assert np.abs(run(angles, amplitudes)[0].sum(-1) - 1).max() < 1e-4


def test_what_is_not_finite_stays_so():
    angles, amplitudes, weights = draw(2, 2, 4, 3)
    angles[0, 0, 0, 0] = np.nan
    probabilities, middles = run(angles, amplitudes)
    of_angles, of_amplitudes = pull_gradient(angles, weights, middles)
    assert np.isnan(probabilities[0]).all() and np.isfinite(probabilities[1]).all()
    assert np.isnan(of_angles[0]).any() and np.isnan(of_amplitudes[0]).all()
    assert np.isfinite(of_angles[1]).all()
