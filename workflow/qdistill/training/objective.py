"""What models are trained for: outputs near their targets, or codes that keep neighbours."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, take_rows
from qdistill.errors import DataError
from qdistill.models.code_model import CodeModel, spread
from qdistill.models.neighbours import NeighbourLoss, principal_directions
from qdistill.models.slot_model import SlotModel
from qdistill.training.evaluation import Evaluation
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import GradientFunction

_DECODER = ("decoder.weight", "decoder.bias")


def set_task(examples: Examples, settings: Mapping[str, Any]) -> Examples:
    """Return examples with the task that a track's settings set, and the rows to train on.

    Settings may have ``neighbours``, of which ``rows`` are used. Raises DataError if they ask for
    unlabelled rows and there are none.
    """
    asked = settings.get("neighbours")
    if not asked:
        return examples
    return replace(examples, task="neighbours", chosen=_choose_rows(examples, asked["rows"]))


def _choose_rows(examples: Examples, rows: str) -> Tensor | None:
    """Positions (S, F) of ``labelled``, ``pool`` or ``both``; None for the labelled rows."""
    if rows == "labelled":
        return None
    if not len(examples.unlabelled):
        raise DataError(f"'training.rows: {rows}' asks for unlabelled rows, and there are none")
    pool = examples.unlabelled.expand(len(examples.seeds), -1)
    return pool if rows == "pool" else torch.cat([examples.labelled, pool], dim=1)


def start_for_neighbours(
    parameters: Mapping[str, Tensor], examples: Examples, settings: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what is trained of drawn parameters, and the decoder, which stays as it was drawn.

    With ``start: pca`` the encoder starts at the principal directions of each seed's rows, without
    a bias. Where those span fewer than its outputs the others keep their draws, made orthogonal.
    """
    trained = {name: value for name, value in parameters.items() if name not in _DECODER}
    if settings["start"] == "pca":
        width = trained["encoder.weight"].shape[1]
        found = [
            _completed(principal_directions(examples.inputs[rows], width), drawn)
            for rows, drawn in zip(examples.fitted, trained["encoder.weight"], strict=True)
        ]
        trained["encoder.weight"] = torch.stack(found)
        trained["encoder.bias"] = torch.zeros_like(trained["encoder.bias"])
    return trained, {name: parameters[name] for name in _DECODER}


def _completed(directions: Tensor, drawn: Tensor) -> Tensor:
    """Add to orthonormal directions (rank, D) those of drawn rows (N, D) that are new: (N, D)."""
    rank, exact = len(directions), torch.cat([directions, drawn[len(directions) :]]).double()
    if rank == len(drawn):
        return directions
    basis, _ = torch.linalg.qr(exact.T)
    return torch.cat([directions, basis.T[rank:].float()])


def measure_directions(examples: Examples, width: int, settings: Mapping[str, Any]) -> Evaluation:
    """Evaluate coordinates along the principal directions of each seed's rows as codes."""
    losses, sizes = zip(*_losses_along(examples, width, settings), strict=True)
    train, heldout = np.array([[rows.mean() for rows in pair] for pair in losses]).T
    return Evaluation(train, heldout, np.zeros(len(train), dtype=bool), np.array(sizes))


def direction_losses(examples: Examples, width: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Compute each held-out row's loss of the same codes: float64, (S, H)."""
    found = [heldout for (_, heldout), _ in _losses_along(examples, width, settings)]
    return np.stack(found)


def _losses_along(
    examples: Examples, width: int, settings: Mapping[str, Any]
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], int]]:
    """Yield each seed's losses of rows trained on and held out, and how many numbers it fits."""
    loss = NeighbourLoss.of(settings)
    for rows in examples.fitted:
        directions = principal_directions(examples.inputs[rows], width)
        train, heldout = (
            loss.row_losses(x @ directions.T, x).clamp_min(0).double().numpy()
            for x in (examples.inputs[spread(each)] for each in (rows, examples.heldout))
        )
        yield (train, heldout), directions.numel()


def gradients_of(model: SlotModel, examples: Examples) -> GradientFunction:
    """Return what adds the gradients of each seed's loss on a batch to its weights' ``grad``."""
    if isinstance(model, CodeModel):
        return _neighbour_gradients(model, examples)
    return ExampleLoss(model, examples).add_gradients


def _neighbour_gradients(model: CodeModel, examples: Examples) -> GradientFunction:
    def add_gradients(weights: Mapping[str, Tensor], positions: Tensor, progress: float) -> None:
        if positions.shape[1] < 2:  # the last row of an epoch, alone, has no neighbours
            return
        inputs = take_rows(examples.inputs, examples.fitted.gather(1, positions))
        codes = model.codes(weights, inputs, progress)
        # Seeds do not share weights, so the sum's gradient is each one's own.
        model.loss.row_losses(codes, inputs).mean(-1).sum().backward()

    return add_gradients
