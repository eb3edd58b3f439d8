"""What is particular to each bottleneck, and what all of them have in common."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.circuits.circuit import build_unitary
from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.models.bottlenecks import build_bottleneck, load_bottleneck
from qdistill.models.bottlenecks.base import draw_angles, draw_orthogonal
from qdistill.models.bottlenecks.orthogonal import Orthogonal
from qdistill.models.bottlenecks.quantum_scrambled import SCRAMBLER_LAYERS
from qdistill.study.registry import BOTTLENECKS, ENTRIES
from qdistill.training.optimiser import FlatAdam

CIRCUITS = [name for name, entry in BOTTLENECKS.items() if entry.is_circuit]


def draw_weights(bottleneck, seeds=1, dtype=torch.float32):
    """Parameters and prepared constants of a block of seeds, apart."""
    drawn = []
    for draw in (bottleneck.draw_parameters, bottleneck.draw_constants):
        each = [draw(np.random.default_rng(seed)) for seed in range(seeds)]
        drawn.append(
            {k: torch.tensor(np.stack([d[k] for d in each]), dtype=dtype) for k in each[0]}
        )
    return drawn[0], bottleneck.prepare_constants(drawn[1])


def draw_inputs(seeds, batch, width, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(seeds, batch, width, generator=generator, dtype=dtype)


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_a_block_gives_the_same_as_its_seeds_alone(name):
    bottleneck = build_bottleneck(name, 8, {"layers": 2})
    parameters, constants = draw_weights(bottleneck, seeds=3)
    for value in parameters.values():
        value += 0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
    h = draw_inputs(3, 5, bottleneck.width)
    pull = torch.rand(h.shape)

    def run(seeds):
        leaves = {"h": h[seeds]} | {k: v[seeds] for k, v in parameters.items()}
        leaves = {key: value.clone().requires_grad_() for key, value in leaves.items()}
        weights = leaves | {key: value[seeds] for key, value in constants.items()}
        z = bottleneck.forward(weights, leaves["h"], 0.5)
        gradients = torch.autograd.grad((z * pull[seeds]).sum(), list(leaves.values()))
        return [z.detach(), *gradients]

    apart = zip(*(run([seed]) for seed in range(3)), strict=True)
    for together, alone in zip(run([0, 1, 2]), apart, strict=True):
        torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


PARAMETERS = {
    **{"linear": 0, "square": 0, "frozen_circuit": 0},
    **{"classical": 2 * 8, "classical_dense": 64 + 3 * 8, "orthogonal": 8 * 7 // 2},
    **{"quantum": 2 * 3 * 2, "quantum_scrambled": 2 * 3 * 2},
    **{"separable": 2 * 3 * 2, "real_circuit": 2 * 3},
    **{"quantum_angle": 4 * 3 * 2, "angle_separable": 4 * 3 * 2, "angle_frozen": 0},
}


@given(name=st.sampled_from(sorted(BOTTLENECKS)), width=st.integers(2, 40))
def test_what_is_no_circuit_has_any_width_and_a_circuit_powers_of_two(name, width):
    if name in CIRCUITS and width not in (4, 8, 16, 32):
        with pytest.raises(ValueError, match=f"'{name}' is a circuit, and {width} is no power"):
            build_bottleneck(name, width, {"layers": 1})
        return
    bottleneck = build_bottleneck(name, width, {"layers": 1})
    assert bottleneck.width == ENTRIES[name].code_width(width)
    if name not in CIRCUITS:
        parameters, constants = draw_weights(bottleneck, seeds=2)
        h = draw_inputs(2, 3, width)
        assert bottleneck.forward(parameters | constants, h).shape == h.shape


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameters_are_counted_as_they_are_drawn(name, count):
    built = build_bottleneck(name, 8, {"layers": 2, "blocks": 4})
    assert built.count_parameters() == count


@given(angle_range=st.floats(0.01, math.pi), seed=st.integers(0, 10**6))
def test_angles_fill_their_range(angle_range, seed):
    angles = draw_angles(np.random.default_rng(seed), 40, 6, angle_range)
    assert (angles.shape, angles.dtype) == ((40, 6, 2), np.float32)
    assert 0.9 * angle_range < np.abs(angles).max() <= angle_range * (1 + 1e-6)
    # 5 standard errors of the mean of 480 uniform numbers
    assert abs(angles.mean()) < 5 * angle_range / math.sqrt(3 * 480)


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_start_within_the_range_of_angles(name):
    narrow, whole = (load_bottleneck(name)(3, 5, *given) for given in ((0.2,), ()))
    for draw in ("draw_parameters", "draw_constants"):
        small, large = (getattr(each, draw)(np.random.default_rng(0)) for each in (narrow, whole))
        if "angles" in small:
            assert np.abs(small["angles"]).max() <= 0.2
            scaled = small["angles"] * (math.pi / 0.2)
            np.testing.assert_allclose(scaled, large["angles"], rtol=1e-5)


def test_the_scrambler_keeps_the_whole_circle():
    narrow = load_bottleneck("quantum_scrambled")(3, 2, 0.2)
    angles = narrow.draw_constants(np.random.default_rng(0))["scrambler_angles"]
    assert angles.shape == (SCRAMBLER_LAYERS, 3, 2) and np.abs(angles).max() > 3


def test_the_circuits_start_from_the_same_draws():
    def draw(name):
        bottleneck = load_bottleneck(name)(4, 3)
        return bottleneck.draw_parameters(np.random.default_rng(5))["angles"]

    np.testing.assert_array_equal(draw("separable"), draw("quantum"))
    np.testing.assert_array_equal(draw("real_circuit"), draw("quantum")[..., 1])


def test_separable_is_the_circuit_without_cnots():
    bottleneck = load_bottleneck("separable")(3, 2)
    parameters, _ = draw_weights(bottleneck)
    h = draw_inputs(1, 4, 8)
    expected = build_qnode(3, entangled=False)(parameters["angles"][0].double(), h[0].double())
    found = bottleneck.forward(parameters, h)[0].double()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@settings(max_examples=15)
@given(qubits=st.integers(2, 5), layers=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_real_circuit_agrees_with_pennylane_without_phases(qubits, layers, seed):
    """Probabilities and gradients of the RY angles, with every RZ at zero."""
    bottleneck = load_bottleneck("real_circuit")(qubits, layers)
    drawn = bottleneck.draw_parameters(np.random.default_rng(seed))["angles"]
    rotations = torch.tensor(drawn[None], requires_grad=True)
    h = draw_inputs(1, 3, 2**qubits, seed=seed)
    pull = torch.rand(3, 2**qubits)
    found = bottleneck.forward({"angles": rotations}, h)[0]
    (gradient,) = torch.autograd.grad((found * pull).sum(), rotations)
    reference = rotations[0].detach().double().requires_grad_()
    angles = torch.stack([torch.zeros_like(reference), reference], -1)
    expected = build_qnode(qubits)(angles, h[0].double())
    (expected_gradient,) = torch.autograd.grad((expected * pull).sum(), reference)
    assert (found - expected).abs().max() < 1e-6
    assert (gradient[0] - expected_gradient).abs().max() < 1e-4 * expected_gradient.abs().max()
    assert build_unitary(angles.detach()[None]).imag.abs().max() < 1e-14


def matrices(bottleneck, weights):
    """Q of each seed: what the rotation makes of the basis vectors."""
    identity = torch.eye(bottleneck.width, dtype=weights["start"].dtype)
    return bottleneck.rotate(weights, identity.expand(len(weights["start"]), -1, -1)).mT


def test_orthogonal_starts_at_its_drawn_matrix_and_stays_orthogonal():
    bottleneck = Orthogonal(16)
    parameters, constants = draw_weights(bottleneck, seeds=3)
    start = matrices(bottleneck, {**parameters, **constants})
    torch.testing.assert_close(start, constants["start"])
    optimiser = FlatAdam(parameters, learning_rate=0.05)
    h, targets = draw_inputs(3, 20, 16), torch.rand(3, 20, 16)
    losses = []
    for _ in range(50):
        z = bottleneck.forward({**optimiser.parameters, **constants}, h)
        loss = (z - targets).square().sum()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    with torch.no_grad():
        trained = matrices(bottleneck, {**optimiser.parameters, **constants})
    assert (trained.mT @ trained - torch.eye(16)).abs().max() < 1e-5
    assert (trained - constants["start"]).abs().max() > 0.1
    determinants = torch.linalg.det(trained) * torch.linalg.det(constants["start"])
    torch.testing.assert_close(determinants, torch.ones(3), rtol=0, atol=1e-4)


@settings(max_examples=15)
@given(qubits=st.integers(1, 3), seeds=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_gradients_of_orthogonal_are_those_of_finite_differences(qubits, seeds, seed):
    bottleneck = Orthogonal(2**qubits)
    parameters, constants = draw_weights(bottleneck, seeds, torch.float64)
    generator = torch.Generator().manual_seed(seed)
    skew = torch.randn(parameters["skew"].shape, generator=generator, dtype=torch.float64)
    h = draw_inputs(seeds, 3, 2**qubits, torch.float64, seed)

    def outputs(skew, h):
        return bottleneck.forward({"skew": skew, **constants}, h)

    leaves = (skew.requires_grad_(), h.requires_grad_())
    assert torch.autograd.gradcheck(outputs, leaves, atol=1e-7, rtol=1e-4)
    assert (outputs(skew, h).sum(-1) - 1).abs().max() < 1e-6  # the start is drawn in float32


@given(seed=st.integers(0, 10**6), reflect=st.booleans())
def test_orthogonal_reaches_every_orthogonal_matrix_up_to_signs_of_rows(seed, reflect):
    """Whatever Q is, some choice of its rows' signs is a Cayley transform beside the start."""
    generator = np.random.default_rng(seed)
    wanted = draw_orthogonal(generator, 4).astype(float)
    if reflect:
        wanted[0] *= -1
    start = draw_orthogonal(generator, 4).astype(float)
    signs = itertools.product([1, -1], repeat=4)
    rotations = [start.T @ np.diag(each) @ wanted for each in signs]
    rotation = max(rotations, key=lambda each: abs(np.linalg.det(np.eye(4) + each)))
    skew = (np.eye(4) - rotation) @ np.linalg.inv(np.eye(4) + rotation)
    np.testing.assert_allclose(skew, -skew.T, atol=1e-5)
    weights = {"skew": skew[np.triu_indices(4, 1)], "start": start}
    weights = {name: torch.tensor(array)[None] for name, array in weights.items()}
    h = draw_inputs(1, 5, 4, torch.float64, seed)
    unit = (h / h.norm(dim=-1, keepdim=True))[0].numpy()
    found = Orthogonal(4).forward(weights, h)[0].numpy()
    np.testing.assert_allclose(found, (unit @ wanted.T) ** 2, atol=1e-5)


def test_a_diverged_seed_does_not_stop_the_others():
    bottleneck = Orthogonal(4)
    parameters, constants = draw_weights(bottleneck, seeds=2)
    parameters["skew"][0] = math.nan
    z = bottleneck.forward({**parameters, **constants}, draw_inputs(2, 3, 4))
    assert z[0].isnan().all() and z[1].isfinite().all()


def test_orthogonal_matrices_are_drawn_uniformly():
    """Haar measure: entries have mean 0 and variance 1/N, and determinants both signs."""
    drawn = np.stack([draw_orthogonal(np.random.default_rng(seed), 4) for seed in range(2000)])
    products = drawn @ drawn.transpose(0, 2, 1)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(4), products.shape), atol=1e-6)
    # five standard errors
    assert np.abs(drawn.mean(0)).max() < 5 * 0.5 / math.sqrt(2000)
    assert np.abs((drawn**2).mean(0) - 0.25).max() < 5 * 0.25 / math.sqrt(2000)
    assert 0.4 < (np.linalg.det(drawn) > 0).mean() < 0.6
