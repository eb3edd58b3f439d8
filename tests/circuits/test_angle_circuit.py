"""Circuits that encode inputs as angles, against PennyLane, shift rules, and closed forms."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.circuits import numba_engine, torch_engine
from qdistill.circuits.angle_circuit import angle_expectations
from qdistill.circuits.engine import select_engine
from qdistill.circuits.pennylane_engine import build_angle_qnode

ENGINES = {"numba": numba_engine, "torch": torch_engine}
SHAPES = st.tuples(*(st.integers(*ends) for ends in ((1, 3), (1, 4), (1, 3), (2, 6), (1, 9))))


def draw(seeds, blocks, layers, qubits, examples, seed=0, dtype=torch.float64):
    """Angles, inputs and weights of the outputs."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (seeds, blocks, layers, qubits, 2), (seeds, examples, qubits)
    angles, inputs = (
        (2 * np.pi * torch.rand(shape, generator=generator, dtype=dtype) - np.pi).requires_grad_()
        for shape in shapes
    )
    return angles, inputs, torch.randn(shapes[1], generator=generator, dtype=dtype)


def differentiate(expectations, angles, inputs, weights):
    return torch.autograd.grad((expectations * weights).sum(), [angles, inputs])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=20)
@given(sizes=SHAPES, entangled=st.booleans(), seed=st.integers(0, 10**6))
def test_agrees_with_pennylane(engine, sizes, entangled, seed):
    """In float64, and in float32 to its accuracy: values absolutely, gradients relatively."""
    drawn = draw(*sizes, seed)
    circuit = build_angle_qnode(sizes[3], entangled)
    pairs = zip(*drawn[:2], strict=True)
    expected = torch.stack([torch.stack(circuit(*pair), -1) for pair in pairs])
    gradients = differentiate(expected, *drawn)
    for dtype, accuracy in ((torch.float64, 1e-11), (torch.float32, 3e-5)):
        *leaves, weights = (each.detach().to(dtype) for each in drawn)
        leaves = [leaf.requires_grad_() for leaf in leaves]
        found = ENGINES[engine].angle_expectations(*leaves, entangled)
        assert found.dtype == dtype
        assert (found - expected).abs().max() < accuracy
        scale = max(1.0, *(each.abs().max() for each in gradients))
        for mine, theirs in zip(differentiate(found, *leaves, weights), gradients, strict=True):
            assert (mine - theirs).abs().max() < accuracy * scale


def test_all_engines_are_taken_and_agree():
    drawn, found = draw(2, 3, 2, 5, 6), {}
    try:
        for name in ("numba", "torch", "pennylane"):
            select_engine(name)
            expectations = angle_expectations(*drawn[:2])
            found[name] = [expectations, *differentiate(expectations, *drawn)]
            made_by = expectations.grad_fn.name()
            assert ("_AngleExpectations" in made_by) == (name == "numba")
    finally:
        select_engine("auto")
    for name in ("torch", "pennylane"):
        torch.testing.assert_close(found[name], found["numba"], atol=1e-12, rtol=0)


def shift_rule(function, values, degree):
    """Derivative of a trigonometric polynomial of a degree by each value, from its values alone.

    The general rule of Wierichs et al., Quantum 6, 677 (2022); of degree 1 it is the usual one.
    """
    found = torch.zeros_like(values)
    for place in np.ndindex(*values.shape):
        for number in range(1, 2 * degree + 1):
            shift = (2 * number - 1) * np.pi / (2 * degree)
            shifted = values.clone()
            shifted[place] += shift
            factor = (-1) ** (number - 1) / (4 * degree * np.sin(shift / 2) ** 2)
            found[place] += factor * function(shifted)
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("entangled", [True, False])
def test_gradients_are_those_of_the_shift_rule(engine, entangled):
    """An angle stands in one gate, an input in one gate a block."""
    blocks = 3
    angles, inputs, weights = draw(2, blocks, 1, 3, 2)
    compute = partial(ENGINES[engine].angle_expectations, entangled=entangled)
    found = differentiate(compute(angles, inputs), angles, inputs, weights)
    angles, inputs = angles.detach(), inputs.detach()
    expected = (
        shift_rule(lambda each: (compute(each, inputs) * weights).sum(), angles, 1),
        shift_rule(lambda each: (compute(angles, each) * weights).sum(), inputs, blocks),
    )
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("qubits", [2, 3, 4])
def test_gradients_are_central_differences(engine, qubits):
    leaves = draw(2, 2, 2, qubits, 3)[:2]
    compute = partial(ENGINES[engine].angle_expectations, entangled=True)
    assert torch.autograd.gradcheck(compute, leaves, eps=1e-5, atol=1e-8, rtol=1e-7)


@settings(max_examples=20)
@given(sizes=SHAPES, seed=st.integers(0, 10**6))
def test_without_cnots_each_wire_is_a_qubit_of_its_own(sizes, seed):
    """Its output follows from 2 x 2 matrices of its own input and angles alone."""
    angles, inputs = (each.detach().numpy() for each in draw(*sizes, seed)[:2])

    def y(angle):
        c, s = np.cos(angle / 2), np.sin(angle / 2)
        return np.array([[c, -s], [s, c]])

    def z(angle):
        return np.diag(np.exp([-0.5j * angle, 0.5j * angle]))

    found = angle_expectations(torch.tensor(angles), torch.tensor(inputs), entangled=False).numpy()
    for seed, example, wire in np.ndindex(*inputs.shape):
        state = np.array([1, 0])
        for block in angles[seed, ..., wire, :]:
            state = y(inputs[seed, example, wire]) @ state
            for of_z, of_y in block:
                state = y(of_y) @ z(of_z) @ state
        expected = abs(state[0]) ** 2 - abs(state[1]) ** 2
        np.testing.assert_allclose(found[seed, example, wire], expected, atol=1e-12)


@settings(max_examples=20)
@given(qubits=st.integers(2, 7), seed=st.integers(0, 10**6))
def test_with_angles_of_zero_an_output_is_a_product_of_cosines(qubits, seed):
    """A wire behind the ring holds the parity of those before it, and of its own."""
    angles, inputs = draw(1, 1, 1, qubits, 4, seed)[:2]
    zero, cosines = torch.zeros_like(angles), inputs.cos()
    torch.testing.assert_close(angle_expectations(zero, inputs, entangled=False), cosines)
    parities = cosines.cumprod(-1)
    first = cosines[..., 1:].prod(-1, keepdim=True)
    expected = torch.cat([first, parities[..., 1:]], -1)
    torch.testing.assert_close(angle_expectations(zero, inputs), expected)


@settings(max_examples=25)
@given(
    sizes=SHAPES,
    entangled=st.booleans(),
    scale=st.floats(0, 1e3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_outputs_are_expectation_values(sizes, entangled, scale, dtype):
    angles, inputs, _ = draw(*sizes, dtype=dtype)
    found = angle_expectations(scale * angles, scale * inputs, entangled)
    assert found.abs().max() <= 1 + 64 * torch.finfo(dtype).eps


@settings(max_examples=20)
@given(sizes=SHAPES, entangled=st.booleans(), seed=st.integers(0, 10**6))
def test_seeds_and_examples_are_alone_what_they_are_together(sizes, entangled, seed):
    drawn = draw(*sizes, seed, torch.float32)
    together = angle_expectations(*drawn[:2], entangled)
    of_angles, of_inputs = differentiate(together, *drawn)
    for place in range(sizes[0]):
        own = [each[place : place + 1].detach().requires_grad_() for each in drawn]
        alone = angle_expectations(*own[:2], entangled)
        gradients = differentiate(alone, *own)
        for one, other in zip((together, of_angles, of_inputs), (alone, *gradients), strict=True):
            assert torch.equal(one[place], other[0])
    for place in range(sizes[4]):
        own = [drawn[0], *(each[:, place : place + 1] for each in drawn[1:])]
        alone = angle_expectations(*own[:2], entangled)
        tolerance = {"atol": 1e-6, "rtol": 0}
        torch.testing.assert_close(together[:, place], alone[:, 0], **tolerance)
        of_own = differentiate(alone, *own)[1][:, 0]
        torch.testing.assert_close(of_inputs[:, place], of_own, **tolerance)


def test_without_gradients_many_examples_give_the_same():
    angles, inputs, _ = draw(2, 2, 1, 3, 150)
    with torch.no_grad():
        found = angle_expectations(angles, inputs)
    torch.testing.assert_close(found, angle_expectations(angles, inputs).detach())


def test_what_is_not_finite_stays_in_its_example():
    angles, inputs, weights = draw(2, 2, 2, 4, 3)
    with torch.no_grad():
        inputs[1, 2, 0] = np.nan
    found = angle_expectations(angles, inputs)
    of_angles, of_inputs = differentiate(found, angles, inputs, weights)
    diverged = torch.zeros(2, 3, dtype=torch.bool)
    diverged[1, 2] = True
    for each in (found, of_inputs):
        assert torch.equal(each.isnan().all(-1), diverged)
        assert torch.equal(each.isnan().any(-1), diverged)
    assert of_angles[0].isfinite().all() and of_angles[1].isnan().any()


@pytest.mark.parametrize("shape", [(1, 0, 1, 2, 2), (1, 1, 0, 2, 2), (1, 1, 1, 1, 2)])
def test_a_circuit_of_nothing_is_an_error(shape):
    with pytest.raises(ValueError, match="a block, a layer and 2 wires"):
        angle_expectations(torch.zeros(shape), torch.zeros(1, 4, shape[3]))
