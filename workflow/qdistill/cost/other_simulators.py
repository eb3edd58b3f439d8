"""The ansatz in other simulators, each set up for the first seed of a problem.

Every function takes a :class:`~qdistill.cost.problems.CircuitProblem` and returns a
:class:`~qdistill.cost.steps.Prepared`. Heavy packages are imported where they are used.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.cost.problems import CircuitProblem
from qdistill.cost.steps import LEARNING_RATE, Gradients, Prepared, targets_of, torch_step

Forward = Callable[[Tensor], Tensor]


def _gates(qubits: int, layers: int) -> Iterator[tuple[str, int, int, int]]:
    """List the ansatz in order: ("rz" or "ry", layer, wire, 0 or 1), ("cnot", layer, from, to)."""
    for layer in range(layers):
        for wire in range(qubits):
            yield "rz", layer, wire, 0
            yield "ry", layer, wire, 1
        for wire in range(qubits):
            yield "cnot", layer, wire, (wire + 1) % qubits


def _units(vectors: Tensor) -> Tensor:
    return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)


def _angles_of(problem: CircuitProblem) -> Tensor:
    return problem.angles[0].clone().requires_grad_()


def _in_torch(
    problem: CircuitProblem,
    forward: Forward,
    leaves: list[Tensor],
    expectations: bool = False,
    of_vectors: bool = True,
) -> Prepared:
    """Set up what torch differentiates, with the angles in one or in many leaves."""
    targets = targets_of(problem, expectations)
    optimiser = torch.optim.Adam(leaves, LEARNING_RATE, fused=True)

    def gradients() -> Gradients:
        optimiser.zero_grad()
        vectors = problem.vectors[0].clone().requires_grad_(of_vectors)
        (forward(vectors) - targets).square().mean().backward()
        own = torch.cat([leaf.grad.reshape(-1) for leaf in leaves if leaf.grad is not None])
        by_vectors = None if vectors.grad is None else vectors.grad.numpy()
        return Gradients(own.view(problem.angles.shape[1:]).numpy().copy(), by_vectors)

    step = torch_step(forward, problem.vectors[0], targets, optimiser, of_vectors)
    return Prepared(forward, gradients, step)


def pennylane_backprop(problem: CircuitProblem) -> Prepared:
    """Build PennyLane's ``default.qubit`` with torch's backpropagation."""
    from qdistill.circuits.pennylane_engine import build_qnode

    circuit, angles = build_qnode(problem.qubits), _angles_of(problem)
    return _in_torch(problem, lambda vectors: circuit(angles, vectors), [angles])


def lightning_adjoint(problem: CircuitProblem) -> Prepared:
    """Build PennyLane's ``lightning.qubit`` with adjoint differentiation, compiled in C++.

    That does not differentiate probabilities, so the outputs are the expectation values of Z
    on all wires, q numbers in place of 2**q; nor does it differentiate by its input.
    """
    import pennylane as qml

    qubits, layers = problem.qubits, problem.layers
    device = qml.device("lightning.qubit", wires=qubits, c_dtype=np.complex64)

    @qml.qnode(device, interface="torch", diff_method="adjoint")
    def circuit(angles: Any, vectors: Any) -> Any:
        qml.StatePrep(vectors, wires=range(qubits), normalize=True)
        for gate, layer, wire, which in _gates(qubits, layers):
            if gate == "cnot":
                qml.CNOT(wires=[wire, which])
            else:
                (qml.RZ if gate == "rz" else qml.RY)(angles[layer, wire, which], wires=wire)
        return [qml.expval(qml.Z(wire)) for wire in range(qubits)]

    angles = _angles_of(problem)

    def forward(vectors: Tensor) -> Tensor:
        return torch.stack(circuit(angles, vectors), -1)

    return _in_torch(problem, forward, [angles], expectations=True, of_vectors=False)


def _tensorcircuit_state(start: Any, angles: Any) -> Any:
    """Apply the ansatz with angles (L, q, 2) to a state, in the backend that is set."""
    import tensorcircuit

    layers, qubits, _ = angles.shape
    circuit = tensorcircuit.Circuit(qubits, inputs=start)
    for gate, layer, wire, which in _gates(qubits, layers):
        if gate == "cnot":
            circuit.cnot(wire, which)
        else:
            getattr(circuit, gate)(wire, theta=angles[layer, wire, which])
    return circuit.state()


def tensorcircuit_torch(problem: CircuitProblem) -> Prepared:
    """Build a TensorCircuit-NG circuit with its torch backend, examples by its ``vmap``."""
    import tensorcircuit

    backend = tensorcircuit.set_backend("pytorch")

    def probabilities(vector: Tensor, angles: Tensor) -> Tensor:
        return _tensorcircuit_state(vector, angles).abs().square()

    angles, batched = _angles_of(problem), backend.vmap(probabilities, vectorized_argnums=0)

    def forward(vectors: Tensor) -> Tensor:
        tensorcircuit.set_backend("pytorch")  # one for the process, and jax has its turn too
        return batched(_units(vectors), angles)

    return _in_torch(problem, forward, [angles])


def _jax_circuit() -> Any:
    """Build a function of angles (L, q, 2) and vectors (B, N): probabilities, by a scan."""
    import jax
    import jax.numpy as jnp

    def layer_of(state: Any, angles: Any) -> tuple[Any, None]:
        return _tensorcircuit_state(state, angles[None]), None

    def probabilities(angles: Any, vector: Any) -> Any:
        start = (vector / jnp.linalg.norm(vector)).astype(jnp.complex64)
        return jnp.abs(jax.lax.scan(layer_of, start, angles)[0]) ** 2

    return jax.vmap(probabilities, in_axes=(None, 0))


def tensorcircuit_jax(problem: CircuitProblem) -> Prepared:
    """Build a TensorCircuit-NG circuit with JAX: layers in a scan, the whole step compiled."""
    import jax
    import jax.numpy as jnp
    import tensorcircuit
    from jax.example_libraries import optimizers

    batched = _jax_circuit()
    angles, vectors, targets = (
        jnp.asarray(tensor[0].numpy())
        for tensor in (problem.angles, problem.vectors, problem.targets)
    )

    def loss(angles: Any, vectors: Any) -> Any:
        return jnp.mean((batched(angles, vectors) - targets) ** 2)

    start, update, read = optimizers.adam(LEARNING_RATE)
    differentiated = jax.grad(loss, argnums=(0, 1))

    @jax.jit
    def advance(count: int, state: Any, vectors: Any) -> tuple[Any, Any]:
        of_angles, of_vectors = differentiated(read(state), vectors)
        return update(count, of_angles, state), of_vectors

    compiled, compiled_gradients = jax.jit(batched), jax.jit(differentiated)
    state, count = start(angles), 0

    def step() -> None:
        nonlocal state, count
        tensorcircuit.set_backend("jax")  # for the first call, which is the one that traces
        state, of_vectors = advance(count, state, vectors)
        jax.block_until_ready((state, of_vectors))  # JAX computes after it has returned
        count += 1

    def forward(vectors: Tensor) -> Tensor:
        tensorcircuit.set_backend("jax")
        return torch.from_numpy(np.array(compiled(angles, vectors.detach().numpy())))

    def gradients() -> Gradients:
        tensorcircuit.set_backend("jax")
        return Gradients(*(np.asarray(each) for each in compiled_gradients(angles, vectors)))

    return Prepared(forward, gradients, step)


def torchquantum(problem: CircuitProblem) -> Prepared:
    """Build a TorchQuantum circuit: a device with a batch of states, and functional gates."""
    import torchquantum as tq
    import torchquantum.functional as functional

    angles, qubits = _angles_of(problem), problem.qubits

    def forward(vectors: Tensor) -> Tensor:
        device = tq.QuantumDevice(n_wires=qubits, bsz=len(vectors))
        device.set_states(_units(vectors).to(torch.complex64))
        for gate, layer, wire, which in _gates(qubits, problem.layers):
            if gate == "cnot":
                functional.cnot(device, wires=[wire, which])
            else:
                getattr(functional, gate)(device, wires=wire, params=angles[layer, wire, which])
        return device.get_states_1d().abs().square()

    return _in_torch(problem, forward, [angles])


def deepquantum(problem: CircuitProblem) -> Prepared:
    """Build a DeepQuantum circuit whose gates hold their own parameters.

    The same angles as one tensor of data took it half as long again.
    """
    import deepquantum as dq

    circuit = dq.QubitCircuit(problem.qubits)
    for gate, _, wire, which in _gates(problem.qubits, problem.layers):
        if gate == "cnot":
            circuit.cnot(wire, which)
        else:
            getattr(circuit, gate)(wire)
    leaves = list(circuit.parameters())
    with torch.no_grad():
        for leaf, angle in zip(leaves, problem.angles[0].reshape(-1), strict=True):
            leaf.fill_(angle)

    def forward(vectors: Tensor) -> Tensor:
        states = _units(vectors).to(torch.complex64).unsqueeze(-1)
        return circuit(state=states).reshape(vectors.shape).abs().square()

    return _in_torch(problem, forward, leaves)


def pyqtorch(problem: CircuitProblem) -> Prepared:
    """Build a PyQTorch circuit with named parameters, examples along the states' last axis."""
    import pyqtorch as pyq

    qubits, angles = problem.qubits, _angles_of(problem)
    operations, names = [], []
    for gate, layer, wire, which in _gates(qubits, problem.layers):
        if gate == "cnot":
            operations.append(pyq.CNOT(wire, which))
        else:
            names.append(f"{gate} {layer} {wire}")
            operations.append((pyq.RZ if gate == "rz" else pyq.RY)(wire, names[-1]))
    circuit = pyq.QuantumCircuit(qubits, operations).to(dtype=torch.complex64)

    def forward(vectors: Tensor) -> Tensor:
        states = _units(vectors).to(torch.complex64).t().reshape(*[2] * qubits, len(vectors))
        values = dict(zip(names, angles.reshape(-1).unbind(), strict=True))
        final = circuit.run(states, values)
        return final.reshape(2**qubits, -1).t().abs().square()

    return _in_torch(problem, forward, [angles])


def qulacs(problem: CircuitProblem) -> Prepared:
    """Build a Qulacs circuit, compiled in C++, one example after the other, in double precision.

    Its backpropagation starts from the state zero and not from one that encodes a vector, so
    it has no training step here and is timed at inference alone.
    """
    import qulacs as library

    circuit, last = library.QuantumCircuit(problem.qubits), problem.qubits - 1
    angles = problem.angles[0].double().numpy()
    for gate, layer, wire, which in _gates(problem.qubits, problem.layers):
        # Wires are counted from the least significant bit, and rotations turn the other way.
        if gate == "cnot":
            circuit.add_CNOT_gate(last - wire, last - which)
        else:
            add = circuit.add_RZ_gate if gate == "rz" else circuit.add_RY_gate
            add(last - wire, -angles[layer, wire, which])
    state = library.QuantumState(problem.qubits)

    def forward(vectors: Tensor) -> Tensor:
        rows = _units(vectors.double()).to(torch.complex128).numpy()
        found = np.empty(rows.shape, np.float32)
        for row, out in zip(rows, found, strict=True):
            state.load(row)
            circuit.update_quantum_state(state)
            np.square(np.abs(state.get_vector()), out=out, casting="same_kind")
        return torch.from_numpy(found)

    return Prepared(forward)
