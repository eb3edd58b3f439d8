"""The model with a slot: linear encoder, a bottleneck, linear decoder, all seeds at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from qdistill.models.bottlenecks.base import Bottleneck, draw_linear
from qdistill.models.losses import row_losses
from qdistill.randomness import generator_for

PROJECTIONS = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")

_EXAMPLES_AT_ONCE = 2048

T = TypeVar("T", np.ndarray, Tensor)


class SlotModel:
    """y = W_up bottleneck(W_down x + b_down) + b_up, for S seeds at once.

    The bottleneck's prepared constants go by their plain names. Projections are an encoder and a
    decoder that stay as they are; by default they are among the weights. The scale is what codes
    are multiplied by on their way to the decoder, in training alone: it belongs to the decoder
    that is kept (see :meth:`kept_weights`).
    """

    def __init__(
        self,
        bottleneck: Bottleneck,
        prepared: Mapping[str, Tensor] | None = None,
        projections: Mapping[str, Tensor] | None = None,
        scale: float = 1.0,
    ):
        self.bottleneck, self.scale = bottleneck, scale
        self.prepared = dict(prepared or {})
        self.projections = dict(projections or {})

    def of_replicas(self, seeds: Tensor) -> SlotModel:
        """Set each replica's fixed tensors to those of its seed: int64 positions, shape (R,)."""
        prepared = {name: tensor[seeds] for name, tensor in self.prepared.items()}
        projections = {name: tensor[seeds] for name, tensor in self.projections.items()}
        return SlotModel(self.bottleneck, prepared, projections, self.scale)

    def all_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return trained weights, and the encoder and decoder where those stay as they are."""
        return {**self.projections, **weights}

    def kept_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return all weights, for which the same model with a scale of 1 is the same function."""
        kept = self.all_weights(weights)
        return {**kept, "decoder.weight": self.scale * kept["decoder.weight"]}

    def encode(self, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Encode (S, B, D) inputs to (S, B, N)."""
        weights = self.all_weights(weights)
        return torch.baddbmm(
            weights["encoder.bias"].unsqueeze(1), x, weights["encoder.weight"].transpose(1, 2)
        )

    def decode(self, weights: Mapping[str, Tensor], z: Tensor) -> Tensor:
        """Decode (S, B, N) codes to (S, B, E) outputs."""
        weights = self.all_weights(weights)
        return torch.baddbmm(
            weights["decoder.bias"].unsqueeze(1), z, weights["decoder.weight"].transpose(1, 2)
        )

    def squeeze(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the bottleneck to (S, B, N) encoder outputs, and the scale to its codes."""
        z = self.bottleneck.forward({**self.prepared, **slot_weights(weights)}, h, progress)
        return z if self.scale == 1 else self.scale * z

    def codes(self, weights: Mapping[str, Tensor], x: Tensor, progress: float = 1.0) -> Tensor:
        """Compute the codes (S, B, N) that rows of (S, B, D) are compared by.

        A linear model's are linear maps of x: the code of the zero vector is subtracted, since
        cosines depend on the origin.
        """
        weights = self.all_weights(weights)
        if self.bottleneck.is_linear:
            weights["encoder.bias"] = torch.zeros_like(weights["encoder.bias"])
        return self.squeeze(weights, self.encode(weights, x), progress)

    def predict(self, weights: Mapping[str, Tensor], x: Tensor, progress: float = 1.0) -> Tensor:
        """Predict (S, B, E) outputs from (S, B, D) inputs."""
        return self.decode(weights, self.squeeze(weights, self.encode(weights, x), progress))

    @torch.no_grad()
    def predict_rows(
        self, weights: Mapping[str, Tensor], x: Tensor, progress: float = 1.0
    ) -> Tensor:
        """Predict (S, M, E) outputs without gradients, in pieces that fit in memory.

        Inputs are each seed's own, (S, M, D), or shared by all, (M, D).
        """
        seeds = self.all_weights(weights)["encoder.weight"].shape[0]
        rows = x if x.ndim == 3 else x.expand(seeds, -1, -1)
        pieces = rows.split(_EXAMPLES_AT_ONCE, dim=1)
        return torch.cat([self.predict(weights, piece, progress) for piece in pieces], dim=1)

    def row_losses(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss of every row by what it is asked for: (S, M, E) outputs to (S, M).

        Targets are each seed's own, (S, M, E), or shared by all, (M, E).
        """
        return row_losses(task, outputs, targets)


def slot_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Select the bottleneck's own weights, by their plain names."""
    prefix = "bottleneck."
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def in_slot(weights: Mapping[str, T]) -> dict[str, T]:
    """Return the bottleneck's own weights by the names that they have in a model."""
    return {f"bottleneck.{name}": values for name, values in weights.items()}


def draw_start(
    bottleneck: Bottleneck, inputs: int, outputs: int, seeds: Sequence[int], n: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw the start of all seeds: encoder and decoder the same for every bottleneck of a width.

    Inputs and outputs are D and E, the numbers of features and targets; draws are derived from the
    number n of labelled examples too. Returned are parameters and constants, with a leading axis S;
    their names start with ``encoder.``, ``decoder.`` or ``bottleneck.``.
    """
    parameters, constants = [], []
    for seed in seeds:
        projections = generator_for(seed, n, "projections")
        down = draw_linear(projections, inputs, bottleneck.width)
        up = draw_linear(projections, bottleneck.width, outputs)
        slot = generator_for(seed, n, "bottleneck")
        own = in_slot(bottleneck.draw_parameters(slot))
        parameters.append({**dict(zip(PROJECTIONS, (*down, *up), strict=True)), **own})
        constants.append(in_slot(bottleneck.draw_constants(slot)))
    return stack_seeds(parameters), stack_seeds(constants)


def stack_seeds(drawn: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Tensor]:
    """Combine the arrays of each seed into tensors with a leading axis S, by their names."""
    return {name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]}
