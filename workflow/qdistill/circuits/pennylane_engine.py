"""The same circuit in PennyLane, the reference that every engine is held against.

As an engine it computes one seed after another, and is slow.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pennylane as qml
import torch
from torch import Tensor


def build_qnode(
    qubits: int, interface: str = "torch", entangled: bool = True, measured: str = "probs"
) -> Callable[[Any, Any], Any]:
    """Build the ansatz as a PennyLane QNode on ``default.qubit``.

    ``circuit(angles (L, q, 2), vectors (B, 2**q))`` gives probabilities where ``probs`` are
    measured, complex amplitudes for ``state``: (B, 2**q). The vectors are normalised; the last
    axis of the angles is (RZ, RY), in radians. The interface is PennyLane's name of the array
    library to differentiate with.
    """
    device = qml.device("default.qubit", wires=qubits)

    @qml.qnode(device, interface=interface, diff_method="backprop")
    def circuit(angles: Any, vectors: Any) -> Any:
        qml.AmplitudeEmbedding(vectors, wires=range(qubits), normalize=True)
        apply_layers(angles, entangled)
        return qml.probs(wires=range(qubits)) if measured == "probs" else qml.state()

    return circuit


def apply_layers(angles: Any, entangled: bool) -> None:
    """Apply the ansatz with angles (L, q, 2)."""
    layers, qubits, _ = angles.shape
    for layer in range(layers):
        for wire in range(qubits):
            qml.RZ(angles[layer, wire, 0], wires=wire)
            qml.RY(angles[layer, wire, 1], wires=wire)
        for wire in range(qubits if entangled else 0):
            qml.CNOT(wires=[wire, (wire + 1) % qubits])


_circuit = lru_cache(maxsize=16)(build_qnode)


def probabilities(angles: Tensor, amplitudes: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.circuit.circuit_probabilities`."""
    circuit = _circuit(angles.shape[2], entangled=entangled)
    found = [circuit(own, vectors) for own, vectors in zip(angles, amplitudes, strict=True)]
    return torch.stack(found).to(amplitudes.dtype)


def final_states(angles: Tensor, amplitudes: Tensor, entangled: bool) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of U psi, (S, N, B), differentiable by both arguments."""
    circuit = _circuit(angles.shape[2], entangled=entangled, measured="state")
    found = [circuit(own, vectors) for own, vectors in zip(angles, amplitudes, strict=True)]
    columns = torch.stack(found).transpose(1, 2)
    return columns.real.to(angles.dtype), columns.imag.to(angles.dtype)


@lru_cache(maxsize=16)
def build_angle_qnode(
    qubits: int,
    entangled: bool = True,
    interface: str = "torch",
    device: str = "default.qubit",
    method: str = "backprop",
) -> Callable[[Any, Any], Any]:
    """Build the circuit of :mod:`qdistill.circuits.angle_circuit` as a PennyLane QNode.

    ``circuit(angles (R, L, q, 2), inputs (B, q))`` gives a list of q arrays (B,), the expectation
    values of Z. Interface, device and method of differentiation are PennyLane's names.
    """

    @qml.qnode(qml.device(device, wires=qubits), interface=interface, diff_method=method)
    def circuit(angles: Any, inputs: Any) -> Any:
        for block in angles:
            for wire in range(qubits):
                qml.RY(inputs[:, wire], wires=wire)
            apply_layers(block, entangled)
        return [qml.expval(qml.Z(wire)) for wire in range(qubits)]

    return circuit


def angle_expectations(angles: Tensor, inputs: Tensor, entangled: bool) -> Tensor:
    """Compute :func:`qdistill.circuits.angle_circuit.angle_expectations`."""
    circuit = build_angle_qnode(angles.shape[3], entangled)
    found = [torch.stack(circuit(*each), -1) for each in zip(angles, inputs, strict=True)]
    return torch.stack(found).to(inputs.dtype)
