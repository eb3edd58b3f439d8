"""The torch engine: the ansatz as one batched ``torch.autograd.Function``.

What the ansatz gives, and this module exploits:

* RZ on all wires is one diagonal: an elementwise complex product.
* RY on all wires is one *real* Kronecker product. It is applied as two factors, one for
  the first half of the wires and one for the second, as real batched matrix products on
  the real view of the state.
* The CNOT ring is one fixed permutation of the amplitudes; the entanglement-free twin of
  the circuit leaves it out.
* RZs commute with each other, and so do RYs, so all angle gradients of a layer follow
  from one stored state (after RZ, before RY) and one adjoint state at the same place.

States are kept as (S, N, B), amplitudes first and examples innermost, so that the real
view (S, N, 2B) is contiguous. S counts seeds, B examples, N = 2**qubits amplitudes.
"""

from typing import Any

import torch
from torch import Tensor

from qdistill.circuits.ansatz import Layers, constant


def _real_views(states: Tensor, high: int) -> tuple[Tensor, Tensor, Tensor]:
    """Real views of (..., S, N, B) complex states: by high half, by low half, whole."""
    *leading, seeds, size, examples = states.shape
    real = torch.view_as_real(states)
    low = size // high
    return (
        real.view(*leading, seeds, high, low * 2 * examples),
        real.view(*leading, seeds * high, low, 2 * examples),
        real.view(*leading, seeds, size, 2 * examples),
    )


def _push_states(layers: Layers, states: Tensor, middles: Tensor) -> Tensor:
    """Apply all layers to (S, N, B) states.

    ``middles`` (L, S, N, B) receives the states between RZ and RY of each layer.
    """
    n_high = layers.high.shape[-1]
    current, buffer = states, torch.empty_like(states)
    rotated = current if layers.source is None else torch.empty_like(states)
    current_whole = _real_views(current, n_high)[2]
    buffer_high, buffer_low, _ = _real_views(buffer, n_high)
    rotated_high, _, rotated_whole = _real_views(rotated, n_high)
    for middle, middle_low, phase, low, high in zip(
        middles.unbind(),
        _real_views(middles, n_high)[1].unbind(),
        layers.phases.unbind(),
        layers.low.unbind(),
        layers.high.unbind(),
        strict=True,
    ):
        torch.mul(current, phase, out=middle)
        torch.bmm(low, middle_low, out=buffer_low)
        torch.bmm(high, buffer_high, out=rotated_high)
        if layers.source is not None:
            torch.index_select(rotated_whole, 1, layers.source, out=current_whole)
    return current


def _pull_adjoint(layers: Layers, adjoint: Tensor, middles: Tensor) -> Tensor:
    """Pull (S, N, B) adjoint states back to the input; fill the adjoint mid-states."""
    n_high = layers.high.shape[-1]
    current, buffer = adjoint, torch.empty_like(adjoint)
    moved, rotated = (current, buffer) if layers.inverse is None else (buffer, current)
    current_whole = _real_views(current, n_high)[2]
    moved_high, _, moved_whole = _real_views(moved, n_high)
    rotated_high, rotated_low, _ = _real_views(rotated, n_high)
    for middle, middle_low, phase, low, high in zip(
        reversed(middles.unbind()),
        reversed(_real_views(middles, n_high)[1].unbind()),
        reversed(layers.phases.conj().resolve_conj().unbind()),
        reversed(layers.low.transpose(-1, -2).unbind()),
        reversed(layers.high.transpose(-1, -2).unbind()),
        strict=True,
    ):
        if layers.inverse is not None:
            torch.index_select(current_whole, 1, layers.inverse, out=moved_whole)
        torch.bmm(high, moved_high, out=rotated_high)
        torch.bmm(low, rotated_low, out=middle_low)
        torch.mul(middle, phase, out=current)
    return current


def _angle_gradients(layers: Layers, middles: Tensor, adjoints: Tensor) -> Tensor:
    """Gradients of all angles (S, L, q, 2) from mid-states and adjoint mid-states."""
    n_layers, seeds, size, _ = middles.shape
    qubits = size.bit_length() - 1
    n_high = layers.high.shape[-1]
    middle_high, middle_low, _ = _real_views(middles, n_high)
    adjoint_high, adjoint_low, _ = _real_views(adjoints, n_high)
    overlaps = []
    for left, right, wires in (
        (adjoint_high, middle_high, qubits // 2),
        (adjoint_low, middle_low, qubits - qubits // 2),
    ):
        # Re <adjoint_i | middle_j>, summed over the examples and the other wires
        products = torch.bmm(left.flatten(0, 1), right.flatten(0, 1).transpose(1, 2))
        products = products.view(n_layers, seeds, -1, 4**wires)
        products = products.sum(2) if products.shape[2] > 1 else products.squeeze(2)
        generators = constant("generators", wires, products.dtype, products.device)
        overlaps.append(products @ generators)
    # Im <adjoint_i | middle_i>, summed over the examples
    weights = torch.linalg.vecdot(adjoints, middles).imag
    signs = constant("signs", qubits, weights.dtype, weights.device)
    return torch.stack([0.5 * weights @ signs, torch.cat(overlaps, -1)], -1).transpose(0, 1)


class _FinalStates(torch.autograd.Function):
    """U psi, with a hand-written backward pass (adjoint method)."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        layers = Layers.from_angles(angles, entangled)
        states = _as_states(amplitudes)
        middles = states.new_empty((len(layers.phases), *states.shape))
        final = _push_states(layers, states, middles)
        ctx.layers, ctx.complex = layers, amplitudes.is_complex()
        ctx.save_for_backward(middles)
        return final

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        (middles,) = ctx.saved_tensors
        adjoints = torch.empty_like(middles)
        adjoint = gradient.clone(memory_format=torch.contiguous_format)  # overwritten
        first = _pull_adjoint(ctx.layers, adjoint, adjoints)
        of_amplitudes = first if ctx.complex else first.real
        return _angle_gradients(ctx.layers, middles, adjoints), of_amplitudes.transpose(1, 2), None


def _as_states(amplitudes: Tensor) -> Tensor:
    """Real or complex (S, B, N) amplitudes as contiguous complex (S, N, B) states."""
    states = amplitudes.detach().transpose(1, 2)
    if not states.is_complex():
        states = torch.complex(states, torch.zeros_like(states))
    return states.clone(memory_format=torch.contiguous_format)


def probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.circuit.circuit_probabilities`."""
    final = _FinalStates.apply(angles, amplitudes, entangled)
    return torch.view_as_real(final).square().sum(-1).transpose(1, 2)


def final_states(angles: Tensor, amplitudes: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of U psi, (S, N, B), differentiable by both arguments."""
    final = _FinalStates.apply(angles, amplitudes, entangled)
    return final.real, final.imag


def angle_expectations(angles: Tensor, inputs: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.angle_circuit.angle_expectations`."""
    seeds, examples, qubits = inputs.shape
    cosines, sines = (0.5 * inputs).cos(), (0.5 * inputs).sin()
    zero = inputs.new_zeros(seeds, examples, 2**qubits)
    zero[..., 0] = 1.0
    states = torch.complex(zero, torch.zeros_like(zero))
    for block in angles.unbind(1):
        for wire in range(qubits):
            states = _turn_wire(states, cosines[..., wire], sines[..., wire], wire)
        states = _FinalStates.apply(block, states, entangled).transpose(1, 2)
    probabilities = torch.view_as_real(states).square().sum(-1)
    return probabilities @ constant("signs", qubits, inputs.dtype, inputs.device)


def _turn_wire(states: Tensor, cosines: Tensor, sines: Tensor, wire: int) -> Tensor:
    """RY on one wire of (S, B, N) states, by an angle (S, B) for each example."""
    pairs = states.unflatten(2, (2**wire, 2, -1))
    zero, one = pairs.unbind(3)
    cosine, sine = cosines[..., None, None], sines[..., None, None]
    turned = torch.stack([cosine * zero - sine * one, sine * zero + cosine * one], 3)
    return turned.flatten(2)
