"""Simulators of other projects: which are installed, and whether they agree with ours.

One is timed only after its outputs, and its gradients where it gives them, have agreed with
ours on the very problem that is timed. Each is used as its documentation shows, on the CPU and
in float32 (complex64); how is in :mod:`qdistill.cost.other_simulators`.
"""

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch

from qdistill.circuits.ansatz import wire_signs
from qdistill.circuits.circuit import circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.cost.problems import CircuitProblem
from qdistill.cost.steps import Gradients, Prepared, targets_of

# float32 through hundreds of gates
OUTPUT_TOLERANCE = 1e-5  # absolute
GRADIENT_TOLERANCE = 1e-3  # relative to the largest


@dataclass(frozen=True)
class Simulator:
    """How a simulator is found and used."""

    modules: tuple[str, ...]  # what must be importable
    distributions: tuple[str, ...]  # whose versions are recorded
    adapter: str  # the function of `qdistill.cost.other_simulators` that prepares it
    expectations: bool = False  # of Z on every wire, in place of probabilities

    def is_installed(self) -> bool:
        """Return whether everything that it needs can be imported."""
        return all(find_spec(module) is not None for module in self.modules)

    def prepare(self, problem: CircuitProblem) -> Prepared:
        """Prepare it for the first seed of a problem."""
        adapters = import_module("qdistill.cost.other_simulators")
        return getattr(adapters, self.adapter)(problem)


REGISTRY: dict[str, Simulator] = {
    "pennylane": Simulator(("pennylane",), ("pennylane",), "pennylane_backprop"),
    "lightning-expectations": Simulator(
        ("pennylane_lightning",), ("pennylane_lightning",), "lightning_adjoint", expectations=True
    ),
    "tensorcircuit-torch": Simulator(
        ("tensorcircuit",), ("tensorcircuit-ng",), "tensorcircuit_torch"
    ),
    "tensorcircuit-jax": Simulator(
        ("tensorcircuit", "jax"), ("tensorcircuit-ng", "jax"), "tensorcircuit_jax"
    ),
    "torchquantum": Simulator(("torchquantum",), ("torchquantum-ng",), "torchquantum"),
    "deepquantum": Simulator(("deepquantum",), ("deepquantum",), "deepquantum"),
    "pyqtorch": Simulator(("pyqtorch",), ("pyqtorch",), "pyqtorch"),
    "qulacs": Simulator(("qulacs",), ("qulacs",), "qulacs"),
}


def installed_simulators(names: Iterable[str], log: logging.Logger) -> list[str]:
    """Select those of ``REGISTRY`` that are installed; the log is told of the others."""
    found = []
    for name in names:
        if REGISTRY[name].is_installed():
            found.append(name)
        else:
            log.info("%s is left out: it is not installed", name)
    return found


def import_simulators(names: Iterable[str]) -> None:
    """Import what simulators need; what fails, :func:`prepare_simulators` tells."""
    for module in (module for name in names for module in REGISTRY[name].modules):
        with contextlib.suppress(Exception):
            import_module(module)


def prepare_simulators(
    names: Iterable[str], problem: CircuitProblem, log: logging.Logger
) -> dict[str, Prepared]:
    """Prepare those installed simulators that agree with ours on the first seed of a problem.

    The log is told, in a sentence each, which are left out and why.
    """
    found = {}
    for name in names:
        simulator = REGISTRY[name]
        for module in simulator.modules:  # a line of log a gate would be timed too
            logging.getLogger(module).setLevel(logging.ERROR)
        # Whatever another package raises, it must not cost the others their figures.
        try:
            prepared = simulator.prepare(problem)
            fault = find_disagreement(prepared, problem, simulator.expectations)
        except Exception as error:
            fault = f"it fails with {type(error).__name__}: {error}"
        if fault:
            log.warning("%s is left out at %d qubits: %s", name, problem.qubits, fault)
        else:
            found[name] = prepared
    return found


def find_disagreement(
    prepared: Prepared, problem: CircuitProblem, expectations: bool = False
) -> str | None:
    """Describe where a simulator and ours, in float64, differ by more than float32 explains.

    The first seed of the problem is used, and None returned where they agree.
    """
    wanted, gradients = reference(problem, expectations)
    with torch.no_grad():
        found = prepared.forward(problem.vectors[0]).numpy()
    if found.shape != wanted.shape:
        return f"its outputs have the shape {found.shape}, not {wanted.shape}"
    error = float(np.abs(found - wanted).max())
    if not error <= OUTPUT_TOLERANCE:
        return f"its outputs differ from ours by {error:.2g}"
    if prepared.gradients is None:
        return None
    given = prepared.gradients()
    pairs = {"angles": (given.angles, gradients.angles)}
    if given.vectors is not None and gradients.vectors is not None:
        pairs["vectors"] = (given.vectors, gradients.vectors)
    for name, (own, ours) in pairs.items():
        error = float(np.abs(own - ours).max() / np.abs(ours).max())
        if not error <= GRADIENT_TOLERANCE:
            return f"its gradients by the {name} differ from ours by {error:.2g} of the largest"
    return None


def reference(problem: CircuitProblem, expectations: bool = False) -> tuple[np.ndarray, Gradients]:
    """Compute outputs and gradients of our circuit in float64, for the first seed of a problem."""
    angles = problem.angles[:1].double().requires_grad_()
    vectors = problem.vectors[:1].double().requires_grad_()
    outputs = circuit_probabilities(angles, encode_amplitudes(vectors))[0]
    targets = targets_of(problem, expectations).double()
    if expectations:
        outputs = outputs @ torch.from_numpy(wire_signs(problem.qubits))
    (outputs - targets).square().mean().backward()
    assert angles.grad is not None and vectors.grad is not None
    return outputs.detach().numpy(), Gradients(angles.grad[0].numpy(), vectors.grad[0].numpy())
