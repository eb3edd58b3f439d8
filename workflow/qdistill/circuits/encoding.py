"""Amplitude encoding: vectors scaled to unit norm."""

from typing import Any

import torch
from torch import Tensor


def refuse_zero_vectors(norms: Tensor) -> None:
    """Raise a ValueError that names the first of the norms (S, B) that is zero."""
    seed, example = (norms == 0).nonzero()[0].tolist()
    raise ValueError(
        f"cannot encode a zero vector as amplitudes (seed index {seed}, example {example}): the "
        "bottleneck input must be non-zero"
    )


class _UnitNorm(torch.autograd.Function):
    """Scaling to unit norm, with the backward pass written out: it is part of every step."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:  # type: ignore[override]
        norms = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
        if not norms.all():
            refuse_zero_vectors(norms.squeeze(-1))
        units = vectors / norms
        ctx.save_for_backward(units, norms)
        return units

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        units, norms = ctx.saved_tensors
        along = torch.linalg.vecdot(gradient, units).unsqueeze(-1)
        return torch.addcmul(gradient, along, units, value=-1).div_(norms)


def encode_amplitudes(vectors: Tensor) -> Tensor:
    """Scale each vector of (S, B, N) to unit Euclidean norm, which encodes it as amplitudes.

    Raises ValueError if a vector is exactly zero, because no quantum state corresponds to it.
    """
    return _UnitNorm.apply(vectors)
