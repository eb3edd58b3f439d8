"""Time circuits that encode inputs as angles against the same in PennyLane's fastest settings.

A step is forward and backward, gradients by angles and by inputs, of one seed at 6 wires, 3 blocks
and batch 32, in float32 and on one thread, as far as JAX obeys its flags. Each setting's gradients
are compared with ours before it is timed; rounds of all are interleaved. What is not installed is
left out. With JAX the whole step is compiled, which takes half a minute or more before it is timed.

    python workflow/benchmarks/compare_angle_circuits.py
"""

import os

# Read as JAX starts.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import torch

from qdistill.circuits.angle_circuit import angle_expectations
from qdistill.circuits.engine import select_engine
from qdistill.circuits.pennylane_engine import build_angle_qnode
from qdistill.circuits.threads import prepare_torch
from qdistill.cost.timing import time_interleaved
from qdistill.cost.versions import versions_json

_QUBITS, _BLOCKS, _EXAMPLES = 6, 3, 32
_LAYERS = (1, 2)
_ROUNDS = 15
_OURS = "ours, numba"

Gradients = tuple[np.ndarray, np.ndarray]  # flat
Step = Callable[[], Gradients]


def torch_step(forward: Callable, arrays: list[np.ndarray]) -> Step:
    """Prepare a step of what torch differentiates: angles (R, L, q, 2) and inputs (B, q)."""
    angles, inputs, gradient = (torch.from_numpy(array) for array in arrays)
    leaves = [angles.requires_grad_(), inputs.requires_grad_()]

    def step() -> Gradients:
        found = torch.autograd.grad(forward(*leaves), leaves, gradient)
        return found[0].numpy().ravel(), found[1].numpy().ravel()

    return step


def our_step(engine: str, arrays: list[np.ndarray]) -> Step:
    """Prepare a step of one of our engines; its gradients have a seed axis of length 1."""

    def forward(angles: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        select_engine(engine)
        return angle_expectations(angles, inputs)

    return torch_step(forward, [array[None] for array in arrays])


def pennylane_step(device: str, method: str, arrays: list[np.ndarray]) -> Step:
    """Prepare a step of PennyLane with torch."""
    circuit = build_angle_qnode(_QUBITS, device=device, method=method)
    return torch_step(lambda *leaves: torch.stack(circuit(*leaves), -1).to(torch.float32), arrays)


def jax_step(arrays: list[np.ndarray]) -> Step:
    """Prepare a step of PennyLane with JAX, compiled as a whole."""
    import jax
    import jax.numpy as jnp

    circuit = build_angle_qnode(_QUBITS, interface="jax")
    angles, inputs, gradient = map(jnp.asarray, arrays)

    def weighted(angles: jax.Array, inputs: jax.Array) -> jax.Array:
        return (jnp.stack(circuit(angles, inputs), -1) * gradient).sum()

    compiled = jax.jit(jax.value_and_grad(weighted, argnums=(0, 1)))

    def step() -> Gradients:
        _, found = jax.block_until_ready(compiled(angles, inputs))
        return np.ravel(found[0]), np.ravel(found[1])

    return step


def prepare_steps(layers: int) -> dict[str, Step]:
    """Prepare all that is installed, and check that gradients agree to float32."""
    generator = np.random.default_rng(layers)
    shapes = (_BLOCKS, layers, _QUBITS, 2), (_EXAMPLES, _QUBITS), (_EXAMPLES, _QUBITS)
    arrays = [generator.uniform(-3, 3, shape).astype(np.float32) for shape in shapes]
    steps = {_OURS: our_step("numba", arrays), "ours, torch": our_step("torch", arrays)}
    steps["default.qubit, torch, backprop"] = pennylane_step("default.qubit", "backprop", arrays)
    if find_spec("pennylane_lightning"):
        steps["lightning.qubit, torch, adjoint"] = pennylane_step(
            "lightning.qubit", "adjoint", arrays
        )
    if find_spec("jax"):
        steps["default.qubit, JAX, jit"] = jax_step(arrays)
    wanted = steps[_OURS]()
    for step in steps.values():
        for own, ours in zip(step(), wanted, strict=True):
            np.testing.assert_allclose(own, ours, atol=1e-4 * np.abs(ours).max())
    return steps


def main() -> None:
    """Print milliseconds of each setting, and how many of our steps fit into one."""
    warnings.filterwarnings("ignore", "Explicitly requested dtype")  # JAX computes in complex64
    prepare_torch(threads=1)
    for layers in _LAYERS:
        print(f"{_QUBITS} wires, {_BLOCKS} blocks, layers a block {layers}, batch {_EXAMPLES}")
        times = time_interleaved(prepare_steps(layers), _ROUNDS, budget=8)
        for name, milliseconds in times.items():
            ratio = milliseconds / times[_OURS]
            print(f"    {name:34s}{milliseconds:10.3f} ms   ratio of medians {ratio:8.1f}")
    print(versions_json(("pennylane-lightning", "jax")))


if __name__ == "__main__":
    main()
