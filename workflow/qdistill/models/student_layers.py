"""The layers of students, and the matrices from which fine-tuned ones start."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.circuit import compiled_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.bottlenecks.base import Bottleneck, draw_linear, draw_orthogonal
from qdistill.models.slot_model import stack_seeds
from qdistill.randomness import generator_for

READOUTS = ("linear", "softmax", "squared")
UNITARY_PARTS = ("re", "im", "abs", "abs2")


class Compiled(Bottleneck):
    """z = (Re U ĥ)² + (Im U ĥ)²: the circuit as two real matrices."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Return the circuit's probabilities."""
        return compiled_probabilities(weights["re"], weights["im"], encode_amplitudes(h))


class StudentLayer(Bottleneck):
    """One classical layer, N wide, behind the teacher's normalisation, ĥ = h/||h||.

    The read-out is ``linear``: A ĥ + c, ``softmax`` of that, or ``squared``: (A ĥ)², without c.
    """

    def __init__(self, width: int, readout: str) -> None:
        if readout not in READOUTS:
            raise ValueError(f"read-out '{readout}', expected one of {', '.join(READOUTS)}")
        super().__init__(width)
        self.readout = readout

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw A and c as a linear layer's; A is the same for every read-out."""
        weight, bias = draw_linear(generator, self.width, self.width)
        return {"weight": weight} if self.readout == "squared" else {"weight": weight, "bias": bias}

    def start_from(self, matrix: Tensor) -> dict[str, Tensor]:
        """Return parameters with A given, of shape (S, N, N), and c = 0."""
        if self.readout == "squared":
            return {"weight": matrix}
        return {"weight": matrix, "bias": matrix.new_zeros(matrix.shape[:2])}

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the layer to the normalised input, and read out."""
        amplitudes, transposed = encode_amplitudes(h), weights["weight"].transpose(1, 2)
        if self.readout == "squared":
            return torch.bmm(amplitudes, transposed).square()
        outputs = torch.baddbmm(weights["bias"].unsqueeze(1), amplitudes, transposed)
        return outputs.softmax(-1) if self.readout == "softmax" else outputs

    def unit_of(self, targets: Tensor) -> Tensor:
        """Find the unit in which codes are learned: N times their mean size; for a softmax 1.

        A circuit's codes are probabilities and their unit is 1. A LayerNorm's are about N
        times as large, which a layer drawn for probabilities would take most of its training
        to grow to. (A softmax gives nothing but probabilities.) Of a teacher's codes (S, M, N)
        the unit is of shape (S, 1, 1).
        """
        if self.readout == "softmax":
            return targets.new_ones(len(targets), 1, 1)
        return self.width * targets.abs().mean((1, 2), keepdim=True)

    def scale_outputs(self, weights: Mapping[str, Tensor], unit: Tensor) -> dict[str, Tensor]:
        """Scale the outputs by ``unit`` (S, 1, 1), by parameters; a softmax keeps its."""
        factor = unit.sqrt() if self.readout == "squared" else unit
        if self.readout == "softmax":
            return dict(weights)
        return {k: v * factor.reshape(-1, *[1] * (v.ndim - 1)) for k, v in weights.items()}


def draw_layers(
    layer: StudentLayer, seeds: Sequence[int], n: int, purpose: str
) -> dict[str, Tensor]:
    """Draw a layer's parameters for each seed, with a leading axis S."""
    return stack_seeds([layer.draw_parameters(generator_for(seed, n, purpose)) for seed in seeds])


def part_of(unitary: np.ndarray, part: str) -> Tensor:
    """Return one of ``UNITARY_PARTS``, Re U, Im U, |U| or |U|², of (S, N, N) unitaries: float32."""
    if part in ("re", "im"):
        return torch.from_numpy((unitary.real if part == "re" else unitary.imag).copy())
    size = np.abs(unitary)
    return torch.from_numpy(size if part == "abs" else size**2)


def draw_matrices(start: str, width: int, seeds: Sequence[int], n: int) -> Tensor:
    """Draw start matrices that know nothing of a teacher: (S, N, N).

    ``dense`` ones are uniform within ±1/sqrt N, ``orthogonal`` ones by the Haar measure.
    """
    generators = [generator_for(seed, n, f"random_{start}") for seed in seeds]
    if start == "orthogonal":
        return torch.from_numpy(np.stack([draw_orthogonal(g, width) for g in generators]))
    return torch.from_numpy(np.stack([draw_linear(g, width, width)[0] for g in generators]))
