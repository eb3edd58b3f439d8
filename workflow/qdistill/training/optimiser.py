"""Mini-batch Adam for all seeds of a block at once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from qdistill.randomness import generator_for

_BATCHES_AHEAD = 32  # of a stream, drawn at once

LossFunction = Callable[[Mapping[str, Tensor], Tensor, float], Tensor]
GradientFunction = Callable[[Mapping[str, Tensor], Tensor, float], None]


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to train; see ``training`` in config/README.md."""

    epochs: int
    batch_size: int
    learning_rate: float
    constant: bool = True  # or falling to zero by half a cosine (Loshchilov & Hutter, ICLR 2017)

    def share(self, progress: float) -> float:
        """Return the share of the learning rate when this share of the training is done."""
        return 1.0 if self.constant else 0.5 * (1 + math.cos(math.pi * progress))


class FlatAdam:
    """Adam (Kingma & Ba, 2015), with decoupled weight decay, over one flat buffer.

    The update is elementwise, so one buffer for all tensors and all replicas gives the same
    numbers as one optimiser a replica, in one pass over memory. It calls the kernel behind
    ``torch.optim.AdamW(fused=True)`` itself: constructing an optimiser of ``torch.optim`` loads
    torch's compiler stack, which costs every job more than a second. Start values are copied;
    :attr:`parameters` holds the trained leaves, whose ``grad`` are views of one buffer and stay so.

    Parameters
    ----------
    parameters : mapping of str to Tensor
        Start values, each with a leading axis R of replicas.
    learning_rate : float or sequence of R floats
        Step size, of all or of each replica.
    weight_decay : float or sequence of R floats
        Decay of the matrices of encoder and decoder (AdamW; Loshchilov & Hutter, ICLR 2019): in
        each step they lose this share of themselves, times the learning rate.
    """

    _BETAS = (0.9, 0.999)
    _EPSILON = 1e-8
    _DECAYED = ("encoder.weight", "decoder.weight")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float | Sequence[float],
        weight_decay: float | Sequence[float] = 0.0,
    ) -> None:
        values = {name: tensor.detach() for name, tensor in parameters.items()}
        replicas = len(next(iter(values.values())))
        rates = np.broadcast_to(learning_rate, replicas)
        decays = np.broadcast_to(weight_decay, replicas)
        self._steps = torch.zeros((), device=next(iter(values.values())).device)
        self._values = torch.cat([x.reshape(-1) for x in values.values()])
        moments = torch.zeros_like(self._values), torch.zeros_like(self._values)
        self._gradients = torch.zeros_like(self._values)
        shapes = {name: tensor.shape for name, tensor in values.items()}
        self.parameters = {
            name: piece.requires_grad_() for name, piece in _views(self._values, shapes).items()
        }
        for name, piece in _views(self._gradients, shapes).items():
            self.parameters[name].grad = piece
        buffers = (self._values, self._gradients, *moments)
        self._groups = {(float(rates[0]), 0.0): [[buffer] for buffer in buffers]}
        if decays.any() or len(set(rates)) > 1:
            self._groups = self._group(rates, decays, [_views(each, shapes) for each in buffers])

    def _group(
        self, rates: np.ndarray, decays: np.ndarray, buffers: Sequence[Mapping[str, Tensor]]
    ) -> dict[tuple[float, float], list[list[Tensor]]]:
        """Gather what is updated alike, by rate and decay: pieces of each of the four buffers."""
        groups: dict[tuple[float, float], list[list[Tensor]]] = {}
        for first, end in _runs(list(zip(rates, decays, strict=True))):
            for name in buffers[0]:
                decay = decays[first] if name in self._DECAYED else 0.0
                pieces = groups.setdefault((float(rates[first]), float(decay)), [[], [], [], []])
                for own, buffer in zip(pieces, buffers, strict=True):
                    own.append(buffer[name][first:end].reshape(-1))
        return groups

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update the parameters from their gradients, at this share of the rates; clear those."""
        self._steps += 1
        for (rate, decay), (values, gradients, first, second) in self._groups.items():
            torch._fused_adamw_(
                values,
                gradients,
                first,
                second,
                [],
                [self._steps] * len(values),
                lr=rate * factor,
                beta1=self._BETAS[0],
                beta2=self._BETAS[1],
                weight_decay=decay,
                eps=self._EPSILON,
                amsgrad=False,
                maximize=False,
            )
        self._gradients.zero_()


def _runs(keys: Sequence[object]) -> list[tuple[int, int]]:
    """Cut a sequence into runs of equal items: the first place of each, and the one after it."""
    ends = [place for place in range(1, len(keys)) if keys[place] != keys[place - 1]]
    return list(pairwise([0, *ends, len(keys)]))


def _views(buffer: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Cut a flat buffer into tensors of these shapes, one after the other."""
    pieces = buffer.detach().split([shape.numel() for shape in shapes.values()])
    return {name: piece.view(shapes[name]) for name, piece in zip(shapes, pieces, strict=True)}


class _GivenGradient(torch.autograd.Function):
    """A scalar whose gradient is given, whatever its value."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, gradient: Tensor) -> Tensor:  # type: ignore[override]
        ctx.gradient = gradient
        return outputs.new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return ctx.gradient, None


def backpropagate(outputs: Tensor, gradient: Tensor) -> None:
    """Compute what ``outputs.backward(gradient)`` does, without what torch loads for that.

    Given a gradient, torch imports its symbolic shapes, a third of a second in each job.
    """
    with torch.enable_grad():
        scalar = _GivenGradient.apply(outputs, gradient)
    scalar.backward()


def by_autograd(loss: LossFunction) -> GradientFunction:
    """Add, by autograd, the gradients of each replica's loss to its parameters' ``grad``.

    ``loss(parameters, positions (S, B), progress)`` gives each replica's loss, (S,).
    """

    def add_gradients(parameters: Mapping[str, Tensor], positions: Tensor, progress: float) -> None:
        # Replicas do not share parameters, so the sum's gradient is each one's own.
        loss(parameters, positions, progress).sum().backward()

    return add_gradients


def draw_batches(
    generators: Sequence[np.random.Generator], n: int, batch_size: int
) -> list[Tensor]:
    """Draw one epoch's batches: every example once, in an order of each seed's own.

    Each is of int64 positions 0 to n - 1, shape (S, B); the last batch may be smaller.
    """
    order = torch.from_numpy(np.stack([generator.permutation(n) for generator in generators]))
    return list(order.split(batch_size, dim=1))


class BatchStream:
    """Endless mini-batches of each replica's own examples, epoch after epoch.

    Every example comes once before any comes again. Each of R replicas has a generator, and
    choices: the positions that it draws from. Their numbers may differ, as those of the folds of a
    cross-validation do, and still all share each step's shape: no batch is larger than the
    smallest of them.
    """

    def __init__(
        self,
        generators: Sequence[np.random.Generator],
        choices: Sequence[np.ndarray],
        batch_size: int,
    ) -> None:
        self._generators, self._choices = generators, choices
        self._size = min(batch_size, *(len(own) for own in choices))
        self._queues = [np.empty(0, dtype=np.int64) for _ in choices]
        self._drawn = torch.empty(len(choices), 0, dtype=torch.int64)  # that are still to come

    def draw(self) -> Tensor:
        """Draw the next batch of positions: int64, shape (R, B)."""
        if not self._drawn.shape[1]:
            self._draw_ahead(_BATCHES_AHEAD * self._size)
        batch, self._drawn = self._drawn.split((self._size, self._drawn.shape[1] - self._size), 1)
        return batch

    def _draw_ahead(self, count: int) -> None:
        """Draw as many positions of each replica; what an epoch has left stays in its queue."""
        for place, (generator, own) in enumerate(zip(self._generators, self._choices, strict=True)):
            parts, missing = [self._queues[place]], count - len(self._queues[place])
            while missing > 0:
                parts.append(generator.permutation(own))
                missing -= len(own)
            self._queues[place] = np.concatenate(parts)
        self._drawn = torch.from_numpy(np.stack([queue[:count] for queue in self._queues]))
        self._queues = [queue[count:] for queue in self._queues]


def minimise(
    add_gradients: GradientFunction,
    parameters: Mapping[str, Tensor],
    n: int,
    seeds: Sequence[int],
    purpose: str,
    settings: TrainingSettings,
    after_epoch: Callable[[int, Mapping[str, Tensor]], None] | None = None,
) -> dict[str, Tensor]:
    """Train the parameters of all seeds, each with a leading axis S, with Adam on mini-batches.

    ``add_gradients(parameters, positions (S, B), progress)`` leaves the gradient of each seed's
    loss in its parameters' ``grad``; see :func:`by_autograd`. The order of batches is drawn for
    (seed, n, purpose). ``after_epoch`` is called with the number of finished epochs and the
    parameters.
    """
    optimiser = FlatAdam(parameters, settings.learning_rate)
    generators = [generator_for(seed, n, purpose) for seed in seeds]
    epochs = tqdm(range(settings.epochs), desc=f"n={n}", unit="epoch", mininterval=5, leave=True)
    for epoch in epochs:
        progress = epoch / max(settings.epochs - 1, 1)
        batches = draw_batches(generators, n, settings.batch_size)
        for place, positions in enumerate(batches):
            add_gradients(optimiser.parameters, positions, progress)
            optimiser.step(settings.share((epoch + place / len(batches)) / settings.epochs))
        if after_epoch is not None:
            after_epoch(epoch + 1, optimiser.parameters)
    return {name: tensor.detach().clone() for name, tensor in optimiser.parameters.items()}
