"""What noise leaves of the circuit, exactly, for up to six wires.

The numbers of a state over Paulis (see :mod:`qdistill.circuits.channels`) are an array (4**q, R), R
states side by side. A CNOT and the rotations of its wires that have not been applied yet are one
matrix (16, 16), and always act on the two first wires: after each the first wire goes to the end,
so that a ring of CNOTs turns the wires once around. The inverse of the circuit turns them back.

Read backwards, with transposed matrices, the same steps pull observables to the input. Those of
the N outcomes, confused as they are read, give N quadratic forms: p_k = psi^T F_k psi for any
number of real psi.
"""

import numpy as np

from qdistill.circuits.channels import PAULIS, confusion, noisy_cnot, noisy_rotations
from qdistill.noise_rates import MOST_WIRES, NoiseRates

_ROWS_AT_ONCE = 512
_Step = tuple[np.ndarray, bool]  # the matrix, and whether the wires turn on behind it
_TO_PAULIS = PAULIS.transpose(0, 2, 1).reshape(4, 4)  # tr(P rho) of the entries of rho
_TO_ENTRIES = PAULIS.reshape(4, 4).T  # sum of c_P P of the numbers c


def density_matrices(
    angles: np.ndarray,
    amplitudes: np.ndarray,
    rates: NoiseRates,
    entangled: bool = True,
    folds: int = 0,
) -> np.ndarray:
    """Compute the states that noisy gates leave, before they are read: complex, (S, B, N, N).

    Parameters
    ----------
    angles : array, shape (S, L, q, 2)
        As in :func:`qdistill.circuits.circuit.circuit_probabilities`, for up to 6 wires. A seed
        whose angles are not finite gets NaN, and no other does. Raises ValueError for more wires.
    amplitudes : array, shape (S, B, N)
        Real input amplitudes, of unit norm; N is 2**q.
    rates : NoiseRates
        Probabilities of errors.
    entangled : bool
        Whether a ring of CNOTs ends each layer.
    folds : int
        How often the inverse and the circuit follow once more, all their gates as noisy: gates are
        1 + 2 ``folds`` times as many. It is what PennyLane's ``fold_global`` does.
    """
    angles, amplitudes = _checked(angles), np.asarray(amplitudes, np.float64)
    seeds, _, qubits, _ = angles.shape
    size = 2**qubits
    found = np.full((seeds, amplitudes.shape[1], size, size), np.nan, complex)
    for seed in _finite(angles):
        steps = _steps(angles[seed], rates, entangled, folds)
        values = _run(_paulis_of(amplitudes[seed]), steps)
        found[seed] = _matrices_of(values) / size
    return found


def noisy_forms(
    angles: np.ndarray, rates: NoiseRates, entangled: bool = True, folds: int = 0
) -> np.ndarray:
    """Pull the outcomes, as they are read, back to the input: real and symmetric, (S, N, N, N).

    Outcome k of real amplitudes psi has the probability psi^T F[s, k] psi. Parameters are those of
    :func:`density_matrices`.
    """
    angles = _checked(angles)
    seeds, _, qubits, _ = angles.shape
    of_wire = np.zeros((4, 2))  # 0 is (I + Z) / 2, and 1 is (I - Z) / 2
    of_wire[[0, 3]] = np.array([[1, 1], [1, -1]]) / 2 @ confusion(rates).T
    outcomes: np.ndarray = np.ones((1, 1))
    for _ in range(qubits):
        outcomes = np.kron(outcomes, of_wire)
    found = np.full((seeds, *3 * [2**qubits]), np.nan)
    for seed in _finite(angles):
        steps = _steps(angles[seed], rates, entangled, folds)
        backwards = [(matrix.T, not on) for matrix, on in reversed(steps)]
        found[seed] = _matrices_of(_run(outcomes, backwards)).real
    return found


def form_probabilities(forms: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Compute the probabilities (S, B, N) of real amplitudes by :func:`noisy_forms`."""
    seeds, size = forms.shape[:2]
    flat = forms.reshape(seeds, size, size * size).swapaxes(1, 2)
    amplitudes = np.asarray(amplitudes, np.float64)
    found = np.empty(amplitudes.shape)
    for start in range(0, amplitudes.shape[1], _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        for seed, own in enumerate(amplitudes[:, rows]):
            squares = (own[:, :, None] * own[:, None, :]).reshape(len(own), -1)
            found[seed, rows] = squares @ flat[seed]
    return np.maximum(found, 0)  # rounding may go below


def state_left(
    angles: np.ndarray, amplitudes: np.ndarray, rates: NoiseRates, entangled: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Compute fidelity with the noiseless state, and purity, after each layer: (S, L) each.

    Both are means over the rows. Parameters are those of :func:`density_matrices`.
    """
    angles, amplitudes = _checked(angles), np.asarray(amplitudes, np.float64)
    seeds, layers, qubits, _ = angles.shape
    fidelity, purity = np.full((2, seeds, layers), np.nan)
    for seed in _finite(angles):
        noisy = ideal = _paulis_of(amplitudes[seed])
        for layer in range(layers):
            own = angles[seed, layer : layer + 1]
            noisy = _run(noisy, _steps(own, rates, entangled))
            ideal = _run(ideal, _steps(own, NoiseRates(), entangled))
            fidelity[seed, layer] = (noisy * ideal).sum(0).mean() / 2**qubits
            purity[seed, layer] = np.square(noisy).sum(0).mean() / 2**qubits
    return fidelity, purity


def _checked(angles: np.ndarray) -> np.ndarray:
    angles = np.asarray(angles, np.float64)
    if angles.shape[2] > MOST_WIRES:
        raise ValueError(f"density matrices: found {angles.shape[2]} wires, at most {MOST_WIRES}")
    return angles


def _finite(angles: np.ndarray) -> np.ndarray:
    """Seeds that did not diverge."""
    return np.flatnonzero(np.isfinite(angles).all(axis=(1, 2, 3)))


def _steps(angles: np.ndarray, rates: NoiseRates, entangled: bool, folds: int = 0) -> list[_Step]:
    """One seed's circuit, and its folds, of angles (L, q, 2), in the order of time."""
    turned = noisy_rotations(angles, rates)
    turned_back = noisy_rotations(angles, rates, reverse=True)
    if entangled:
        cnot = noisy_cnot(rates)
        on, back = cnot @ _beside(turned), _beside(turned_back) @ cnot
    else:
        on, back = turned, turned_back
    circuit = [(matrix, True) for layer in on for matrix in layer]
    inverse = [(matrix, False) for layer in back[::-1] for matrix in layer[::-1]]
    return circuit + folds * (inverse + circuit)


def _beside(turned: np.ndarray) -> np.ndarray:
    """Set beside each other the rotations of each CNOT's wires: (L, q, 4, 4) to (L, q, 16, 16).

    They are those that no other CNOT comes with: the first has both its wires, the last none.
    """
    same = np.broadcast_to(np.eye(4), turned[:, 0].shape)
    pairs = [
        (turned[:, 0] if place == 0 else same, turned[:, place + 1])
        for place in range(turned.shape[1] - 1)
    ]
    products = [
        np.einsum("lab,lcd->lacbd", *pair).reshape(-1, 16, 16) for pair in [*pairs, (same, same)]
    ]
    return np.stack(products, axis=1)


def _run(values: np.ndarray, steps: list[_Step]) -> np.ndarray:
    """Apply steps to the numbers (4**q, R) of states, or of observables."""
    size, rows = values.shape
    for matrix, on in steps:
        if not on:  # the last wire comes first
            values = values.reshape(size // 4, 4, rows).swapaxes(0, 1).reshape(size, rows)
        values = (matrix @ values.reshape(len(matrix), -1)).reshape(size, rows)
        if on:  # the first wire goes last
            values = values.reshape(4, size // 4, rows).swapaxes(0, 1).reshape(size, rows)
    return values


def _wires_of(size: int) -> int:
    return (size.bit_length() - 1) // 2


def _paulis_of(amplitudes: np.ndarray) -> np.ndarray:
    """Numbers (4**q, B) of the pure states of real amplitudes (B, N)."""
    rows, size = amplitudes.shape
    qubits = size.bit_length() - 1
    entries = (amplitudes[:, :, None] * amplitudes[:, None, :]).reshape(rows, *2 * qubits * [2])
    by_wire = [1 + axis for wire in range(qubits) for axis in (wire, qubits + wire)]
    values = entries.transpose(*by_wire, 0).reshape(size * size, rows).astype(complex)
    return _run(values, qubits * [(_TO_PAULIS, True)]).real


def _matrices_of(values: np.ndarray) -> np.ndarray:
    """Matrices (R, N, N) that are sums of Paulis, each times its number (4**q, R)."""
    size, rows = values.shape
    qubits = _wires_of(size)
    entries = _run(values.astype(complex), qubits * [(_TO_ENTRIES, True)])
    halves = [*range(0, 2 * qubits, 2), *range(1, 2 * qubits, 2)]
    matrices = entries.reshape(*2 * qubits * [2], rows).transpose(2 * qubits, *halves)
    return matrices.reshape(rows, 2**qubits, 2**qubits)
