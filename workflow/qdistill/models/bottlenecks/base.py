"""The interface of a bottleneck: parameters from a generator, forward, count."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from torch import Tensor


class Bottleneck(ABC):
    """The part of the model that differs between conditions: z = bottleneck(h).

    It has N inputs and outputs, its width.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def draw_parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the start values of what is trained, for one seed. By default nothing."""
        return {}

    def draw_constants(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw what stays fixed but belongs to the model, for one seed. By default nothing."""
        return {}

    def prepare_constants(self, constants: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Derive from the constants, with a leading seed axis S, what every forward pass needs."""
        return dict(constants)

    @abstractmethod
    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the bottleneck for all seeds at once: (S, B, N).

        The weights are parameters and prepared constants, each with a leading seed axis S; h are
        bottleneck inputs, (S, B, N). Progress is how much of the training is done, 0 to 1; only a
        curriculum looks at it.
        """

    def count_parameters(self) -> int:
        """Count the trained numbers of one seed."""
        parameters = self.draw_parameters(np.random.default_rng(0))
        return sum(array.size for array in parameters.values())


class Circuit(Bottleneck):
    """A bottleneck with a circuit, N = 2**qubits wide: one number for each amplitude.

    It starts from angles drawn uniformly within ± ``angle_range`` radians, and has layers or, where
    it encodes inputs as angles, blocks.
    """

    def __init__(
        self, qubits: int, layers: int = 0, angle_range: float = math.pi, blocks: int = 1
    ) -> None:
        super().__init__(2**qubits)
        self.qubits = qubits
        self.layers = layers
        self.angle_range = angle_range
        self.blocks = blocks


def draw_linear(
    generator: np.random.Generator, inputs: int, outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a linear layer's start: weight (outputs, inputs) and bias (outputs,).

    Uniform within ±1/sqrt(inputs), as ``torch.nn.Linear`` does (He et al., 2015, with the
    gain of a leaky slope of sqrt 5).
    """
    bound = inputs**-0.5
    weight = generator.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)
    return weight, generator.uniform(-bound, bound, outputs).astype(np.float32)


def draw_angles(
    generator: np.random.Generator, layers: int, qubits: int, angle_range: float = math.pi
) -> np.ndarray:
    """Draw angles in radians, uniformly within ± ``angle_range``; pi gives the whole circle.

    They are float32, of shape (layers, qubits, 2); last axis (RZ, RY).
    """
    return generator.uniform(-angle_range, angle_range, (layers, qubits, 2)).astype(np.float32)


def draw_orthogonal(generator: np.random.Generator, size: int) -> np.ndarray:
    """Draw an orthogonal matrix uniformly (Haar measure): float32, shape (size, size).

    QR decomposition of a Gaussian matrix; the signs of R's diagonal, which QR leaves to the
    implementation, are moved into Q (Mezzadri, Notices of the AMS 54, 592, 2007).
    """
    orthogonal, upper = np.linalg.qr(generator.standard_normal((size, size)))
    return (orthogonal * np.sign(np.diag(upper))).astype(np.float32)
