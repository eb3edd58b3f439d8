"""The circuit as the field trains it: inputs encoded as angles, again in every block.

The wires start in the state zero. Each block is RY(input_w) on every wire w and then the layers of
:mod:`qdistill.circuits.ansatz`. Data re-uploading is that of Perez-Salinas et al., Quantum 4, 226
(2020), with an angle for each wire as in PennyLane's ``AngleEmbedding``.
"""

from importlib import import_module

import torch
from torch import Tensor

from qdistill.circuits.engine import current_engine

_EXAMPLES_AT_ONCE = 64  # without gradients: an engine keeps every layer's states


def angle_expectations(angles: Tensor, inputs: Tensor, entangled: bool = True) -> Tensor:
    """Compute the expectation values of Z on every wire after all blocks.

    Differentiable with respect to both arguments. The result is that of the same gates in
    PennyLane, to the accuracy of the dtype.

    Parameters
    ----------
    angles : Tensor, shape (S, R, L, q, 2)
        Angles in radians of S circuits of R blocks with L layers on q wires; last axis (RZ, RY).
    inputs : Tensor, shape (S, B, q)
        What is encoded, in radians; same dtype as the angles, float32 or float64.
    entangled : bool
        Whether a ring of CNOTs ends each layer; without it no wire ever meets another.

    Returns
    -------
    Tensor, shape (S, B, q)
        Expectation values between -1 and 1.

    Raises
    ------
    ValueError
        If there are no blocks, no layers or fewer than two wires.
    """
    _, blocks, layers, qubits, _ = angles.shape
    if min(blocks, layers) < 1 or qubits < 2:
        raise ValueError(
            f"a circuit needs a block, a layer and 2 wires at least, found {blocks}, {layers} and "
            f"{qubits}"
        )
    engine = import_module(f"qdistill.circuits.{current_engine()}_engine")
    if torch.is_grad_enabled() and (angles.requires_grad or inputs.requires_grad):
        return engine.angle_expectations(angles, inputs, entangled)
    pieces = inputs.split(_EXAMPLES_AT_ONCE, dim=1)
    return torch.cat([engine.angle_expectations(angles, piece, entangled) for piece in pieces], 1)
