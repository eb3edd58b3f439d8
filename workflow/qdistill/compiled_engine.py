"""The compiled engine as functions that autograd can differentiate; see :mod:`qdistill.kernel`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qdistill.kernel import (
    adjoint_of_probabilities,
    adjoint_of_states,
    pull_adjoint,
    push_states,
    read_probabilities,
    read_states,
)


class _Probabilities(torch.autograd.Function):
    """|U psi|**2, pulled back by the adjoint method."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        ctx.angles, ctx.entangled = angles.detach().numpy(), entangled
        ctx.middles = push_states(ctx.angles, amplitudes.detach().numpy(), entangled)
        return torch.from_numpy(read_probabilities(ctx.middles, entangled))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        adjoints = adjoint_of_probabilities(gradient.numpy(), ctx.middles, ctx.entangled)
        found = pull_adjoint(ctx.angles, adjoints, ctx.middles, ctx.entangled)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1]), None


class _FinalStates(torch.autograd.Function):
    """Real and imaginary parts of U psi side by side, (S, N, 2 B)."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:  # type: ignore[override]
        ctx.angles, ctx.entangled = angles.detach().numpy(), entangled
        ctx.middles = push_states(ctx.angles, amplitudes.detach().numpy(), entangled)
        return torch.from_numpy(read_states(ctx.middles, entangled))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        adjoints = adjoint_of_states(gradient.numpy(), ctx.entangled)
        found = pull_adjoint(ctx.angles, adjoints, ctx.middles, ctx.entangled)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1]), None


def probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:
    """See :func:`qdistill.circuit.circuit_probabilities`."""
    return _Probabilities.apply(angles, amplitudes, entangled)


def final_states(angles: Tensor, amplitudes: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Real and imaginary parts of U psi, each (S, N, B), differentiable by both arguments."""
    real, imaginary = _FinalStates.apply(angles, amplitudes, entangled).chunk(2, dim=2)
    return real, imaginary
