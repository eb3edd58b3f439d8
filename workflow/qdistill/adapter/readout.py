"""The read-out of codes that were trained to keep neighbours, which is fitted after them.

Nothing decodes such codes while they are trained. So that outputs can be had of them all the same,
they are decoded by least squares, fitted to the rows that the codes were trained on.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from qdistill.adapter.conversion import build
from qdistill.adapter.layout import AdapterWeights
from qdistill.adapter.numerics import decode, encode
from qdistill.datasets.examples import Examples
from qdistill.models.code_model import spread
from qdistill.models.neighbours import NeighbourLoss, principal_directions
from qdistill.training.objective import set_task

# Directions in which codes vary less than this share of the most are rounding: the numbers of a
# LayerNorm and of a circuit have a known sum.
_NEGLIGIBLE = 1e-5


def from_directions(
    examples: Examples, seed: int, width: int, objective: Mapping[str, Any]
) -> AdapterWeights:
    """Return the reference ``pca`` of codes that keep neighbours, without a read-out.

    Its codes are coordinates along the principal directions of the rows that the objective, as a
    track has it, trains on. Raises DataError if it asks for unlabelled rows and there are none.
    """
    rows = _rows_of(examples, seed, objective)
    axes = principal_directions(rows, width).numpy()
    nothing = np.zeros((examples.targets.shape[1], len(axes)))
    encoder = {"encoder.weight": axes, "encoder.bias": np.zeros(len(axes))}
    decoder = {"decoder.weight": nothing, "decoder.bias": np.zeros(len(nothing))}
    return build("linear", encoder | decoder, {})


def with_readout(
    adapter: AdapterWeights, examples: Examples, seed: int, objective: Mapping[str, Any]
) -> tuple[AdapterWeights, dict[str, Any]]:
    """Fit an adapter's decoder to the rows that its codes were trained on, no held-out one.

    It is that of least squares, the shortest where codes depend on each other. Returned besides,
    for JSON: how many ``rows`` and which, ``of``; and of the outputs on held-out
    rows the mean squared error, ``heldout_mse``, and the share of variance, ``heldout_share``.
    Raises DataError as :func:`from_directions` does.
    """
    rows = _rows_of(examples, seed, objective)
    codes, wanted = encode(adapter, rows.numpy()).astype(float), rows.double().numpy()
    middle, mean = codes.mean(0), wanted.mean(0)
    slopes, *_ = np.linalg.lstsq(codes - middle, wanted - mean, rcond=_NEGLIGIBLE)
    decoder = {"decoder.weight": slopes.T, "decoder.bias": mean - middle @ slopes}
    found = {name: value.astype(np.float32) for name, value in decoder.items()}
    adapter = replace(adapter, tensors=adapter.tensors | found)
    heldout = examples.inputs[examples.heldout].numpy()
    outputs = decode(adapter, encode(adapter, heldout)).astype(float)
    error = float(np.square(outputs - heldout).mean())
    variance = float(np.square(heldout - mean).mean())
    return adapter, {
        "rows": len(rows),
        "of": objective["rows"],
        "heldout_mse": error,
        "heldout_share": 1 - error / variance if variance else 0.0,
    }


def code_loss(adapter: AdapterWeights, examples: Examples, objective: Mapping[str, Any]) -> float:
    """Compute how far codes of held-out rows are from keeping neighbours, as metrics have it."""
    inputs = examples.inputs[spread(examples.heldout)]
    codes = torch.from_numpy(encode(adapter, inputs.numpy()))
    losses = NeighbourLoss.of(objective).row_losses(codes, inputs)
    return float(losses.clamp_min(0).double().mean())


def _rows_of(examples: Examples, seed: int, objective: Mapping[str, Any]) -> torch.Tensor:
    """Return the rows that a seed's codes were trained on: float32, (F, D)."""
    chosen = set_task(examples, {"neighbours": objective})
    return examples.inputs[chosen.fitted[examples.seeds.index(seed)]]
