"""The quantum engine: the ansatz as one batched ``torch.autograd.Function``.

The circuit is U = prod_l C · RY(angles_l) · RZ(angles_l), with C the ring of CNOTs
i -> i+1 and wire 0 the most significant bit, in PennyLane's gate conventions.

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

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qdistill.ansatz import Layers, constant
from qdistill.engine import current_engine


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

    ``middles`` (L, S, N, B) receives the states between RZ and RY of each layer; with a
    first axis of length 1 one place is used over and over, and nothing is kept.
    """
    n_high = layers.high.shape[-1]
    current, buffer = states, torch.empty_like(states)
    rotated = current if layers.source is None else torch.empty_like(states)
    current_whole = _real_views(current, n_high)[2]
    buffer_high, buffer_low, _ = _real_views(buffer, n_high)
    rotated_high, _, rotated_whole = _real_views(rotated, n_high)
    middles = middles.expand(len(layers.phases), *states.shape)
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
        overlaps.append(products @ constant("generators", wires, products.dtype, products.device))
    # Im <adjoint_i | middle_i>, summed over the examples
    weights = torch.linalg.vecdot(adjoints, middles).imag
    signs = constant("signs", qubits, weights.dtype, weights.device)
    gradients = torch.stack([0.5 * weights @ signs, torch.cat(overlaps, -1)], -1)
    return gradients.transpose(0, 1)


class _CircuitProbabilities(torch.autograd.Function):
    """|U psi|**2 with a hand-written backward pass (adjoint method)."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool
    ) -> Tensor:
        layers = Layers.from_angles(angles, entangled)
        states = _as_states(amplitudes)
        middles = states.new_empty((len(layers.phases), *states.shape))
        final = _push_states(layers, states, middles)
        ctx.layers = layers
        ctx.save_for_backward(middles, final)
        return _squared_modulus(final).transpose(1, 2)

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        middles, final = ctx.saved_tensors
        adjoint = ((2 * gradient.transpose(1, 2)) * final).contiguous()
        adjoints = torch.empty_like(middles)
        first = _pull_adjoint(ctx.layers, adjoint, adjoints)
        return _angle_gradients(ctx.layers, middles, adjoints), first.real.transpose(1, 2), None


class _CompiledProbabilities(torch.autograd.Function):
    """The same by the compiled engine; see :mod:`qdistill.kernel`."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        from qdistill.kernel import push_states

        ctx.angles, ctx.entangled = angles.detach().numpy(), entangled
        probabilities, ctx.middles = push_states(ctx.angles, amplitudes.detach().numpy(), entangled)
        return torch.from_numpy(probabilities)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        from qdistill.kernel import pull_gradient

        of_angles, of_amplitudes = pull_gradient(
            ctx.angles, gradient.numpy(), ctx.middles, ctx.entangled
        )
        return torch.from_numpy(of_angles), torch.from_numpy(of_amplitudes), None


def _as_states(amplitudes: Tensor) -> Tensor:
    """Real or complex (S, B, N) amplitudes as contiguous complex (S, N, B) states."""
    states = amplitudes.detach().transpose(1, 2)
    if not states.is_complex():
        states = torch.complex(states, torch.zeros_like(states))
    return states.clone(memory_format=torch.contiguous_format)


def _squared_modulus(states: Tensor) -> Tensor:
    return torch.view_as_real(states).square().sum(-1)


class _UnitNorm(torch.autograd.Function):
    """Scaling to unit norm, with the backward pass written out: it is part of every step."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:  # type: ignore[override]
        norms = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
        if not norms.all():
            seed, example, _ = (norms == 0).nonzero()[0].tolist()
            raise ValueError(
                f"cannot encode a zero vector as amplitudes (seed index {seed}, example "
                f"{example}): the bottleneck input must be non-zero"
            )
        units = vectors / norms
        ctx.save_for_backward(units, norms)
        return units

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        units, norms = ctx.saved_tensors
        along = torch.linalg.vecdot(gradient, units).unsqueeze(-1)
        return torch.addcmul(gradient, along, units, value=-1).div_(norms)


def encode_amplitudes(vectors: Tensor) -> Tensor:
    """Amplitude encoding: scale each vector to unit Euclidean norm.

    Parameters
    ----------
    vectors : Tensor, shape (S, B, N)
        Bottleneck inputs of S seeds and B examples.

    Returns
    -------
    Tensor, shape (S, B, N)
        ``vectors / ||vectors||``.

    Raises
    ------
    ValueError
        If a vector is exactly zero, because no quantum state corresponds to it.
    """
    return _UnitNorm.apply(vectors)


def circuit_probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool = True) -> Tensor:
    """Probabilities of the basis states after the circuit, |U_angles psi|**2.

    Differentiable with respect to both arguments, by the adjoint method. The result is
    that of the same gates in PennyLane, to the accuracy of the dtype.

    Parameters
    ----------
    angles : Tensor, shape (S, L, q, 2)
        Angles in radians of S circuits of L layers on q wires; last axis (RZ, RY).
    amplitudes : Tensor, shape (S, B, 2**q)
        Real input amplitudes, of unit norm (see :func:`encode_amplitudes`); same dtype
        as the angles, float32 or float64.
    entangled : bool
        Whether a ring of CNOTs ends each layer; without it no wire ever meets another.

    Returns
    -------
    Tensor, shape (S, B, 2**q)
        Probabilities; wire 0 is the most significant bit of the index.
    """
    needs_gradient = torch.is_grad_enabled() and (angles.requires_grad or amplitudes.requires_grad)
    if needs_gradient or amplitudes.shape[1] <= amplitudes.shape[2]:
        compiled = angles.device.type == "cpu" and current_engine() == "compiled"
        engine = _CompiledProbabilities if compiled else _CircuitProbabilities
        return engine.apply(angles, amplitudes, entangled)
    unitary = build_unitary(angles, entangled)
    return compiled_probabilities(unitary.real, unitary.imag, amplitudes)


@torch.no_grad()
def apply_circuit(angles: Tensor, amplitudes: Tensor, entangled: bool = True) -> Tensor:
    """State after the circuit, U_angles psi, without gradients.

    Parameters
    ----------
    angles : Tensor, shape (S, L, q, 2)
        Angles in radians; last axis (RZ, RY).
    amplitudes : Tensor, shape (S, B, 2**q)
        Real or complex input amplitudes.
    entangled : bool
        Whether a ring of CNOTs ends each layer.

    Returns
    -------
    complex Tensor, shape (S, B, 2**q)
    """
    layers = Layers.from_angles(angles, entangled)
    states = _as_states(amplitudes)
    return _push_states(layers, states, torch.empty_like(states)[None]).transpose(1, 2)


@torch.no_grad()
def build_unitary(angles: Tensor, entangled: bool = True) -> Tensor:
    """Matrix of the circuit: psi_out[row] = sum_column U[row, column] psi_in[column].

    Parameters
    ----------
    angles : Tensor, shape (S, L, q, 2)
        Angles in radians; last axis (RZ, RY).
    entangled : bool
        Whether a ring of CNOTs ends each layer.

    Returns
    -------
    complex Tensor, shape (S, 2**q, 2**q)
    """
    seeds, _, qubits, _ = angles.shape
    identity = torch.eye(2**qubits, dtype=angles.dtype, device=angles.device)
    columns = apply_circuit(angles, identity.expand(seeds, -1, -1), entangled)
    return columns.transpose(1, 2).contiguous()


def compiled_probabilities(real: Tensor, imaginary: Tensor, amplitudes: Tensor) -> Tensor:
    """Probabilities by two real matrix products, (Re U psi)**2 + (Im U psi)**2.

    Exactly the circuit's probabilities; cheaper than the gates when there are many more
    examples than amplitudes, or when U is given once and for all.

    Parameters
    ----------
    real, imaginary : Tensor, shape (S, N, N)
        Parts of the unitary, see :func:`build_unitary`.
    amplitudes : Tensor, shape (S, B, N)
        Real input amplitudes.

    Returns
    -------
    Tensor, shape (S, B, N)
    """
    first = amplitudes @ real.transpose(1, 2)
    second = amplitudes @ imaginary.transpose(1, 2)
    return first.square() + second.square()
