"""Numba's engine as functions that autograd can differentiate."""

from typing import Any

import torch
from torch import Tensor

from qdistill.circuits.angle_kernel import pull_expectations, push_inputs
from qdistill.circuits.encoding import refuse_zero_vectors
from qdistill.circuits.kernel import (
    adjoint_of_probabilities,
    adjoint_of_states,
    pull_adjoint,
    pull_to_vectors,
    push_states,
    push_vectors,
    read_probabilities,
    read_states,
)


class _Circuit(torch.autograd.Function):
    """|U psi|**2, or the parts of U psi side by side (S, N, 2 B), pulled back by adjoint states."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool, of_states: bool
    ) -> Tensor:
        ctx.angles, ctx.entangled, ctx.of_states = angles.detach().numpy(), entangled, of_states
        ctx.middles = push_states(ctx.angles, amplitudes.detach().numpy(), entangled)
        read = read_states if of_states else read_probabilities
        return torch.from_numpy(read(ctx.middles, entangled))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        if ctx.of_states:
            adjoints = adjoint_of_states(gradient.numpy(), ctx.entangled)
        else:
            adjoints = adjoint_of_probabilities(gradient.numpy(), ctx.middles, ctx.entangled)
        found = pull_adjoint(ctx.angles, adjoints, ctx.middles, ctx.entangled)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1]), None, None


class _EncodedProbabilities(torch.autograd.Function):
    """|U psi|**2 of vectors of any norm, scaled to unit norm on the way."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, vectors: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        ctx.angles, ctx.entangled = angles.detach().numpy(), entangled
        ctx.vectors = vectors.detach().numpy()
        ctx.middles, ctx.norms = push_vectors(ctx.angles, ctx.vectors, entangled)
        if not ctx.norms.all():
            refuse_zero_vectors(torch.from_numpy(ctx.norms))
        return torch.from_numpy(read_probabilities(ctx.middles, entangled))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        adjoints = adjoint_of_probabilities(gradient.numpy(), ctx.middles, ctx.entangled)
        of_angles, found = pull_adjoint(ctx.angles, adjoints, ctx.middles, ctx.entangled)
        pull_to_vectors(ctx.vectors, ctx.norms, found)
        return torch.from_numpy(of_angles), torch.from_numpy(found), None


def probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.circuit.circuit_probabilities`."""
    return _Circuit.apply(angles, amplitudes, entangled, False)


def encoded_probabilities(angles: Tensor, vectors: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.circuit.encoded_probabilities`."""
    return _EncodedProbabilities.apply(angles, vectors, entangled)


def final_states(angles: Tensor, amplitudes: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of U psi, (S, N, B), differentiable by both arguments."""
    real, imaginary = _Circuit.apply(angles, amplitudes, entangled, True).chunk(2, dim=2)
    return real, imaginary


class _AngleExpectations(torch.autograd.Function):
    """<Z> of every wire of circuits that encode inputs as angles, pulled back in the same way."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, inputs: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        found, ctx.pushed = push_inputs(angles.detach().numpy(), inputs.detach().numpy(), entangled)
        return torch.from_numpy(found)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        of_angles, of_inputs = pull_expectations(gradient.numpy(), ctx.pushed)
        return torch.from_numpy(of_angles), torch.from_numpy(of_inputs), None


def angle_expectations(angles: Tensor, inputs: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.angle_circuit.angle_expectations`."""
    return _AngleExpectations.apply(angles, inputs, entangled)
