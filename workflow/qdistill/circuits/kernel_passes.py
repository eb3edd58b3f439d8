"""The passes of Numba's engine over the states of circuits.

One seed's states are an array (N, 2 B): amplitudes first, then the real parts of all B
examples and the imaginary parts, so that every inner loop runs over contiguous numbers.

* RZ on all wires and the preceding CNOT ring are one pass: row k takes row ``order[k]`` times
  a phase.
* RY on all wires is real. It takes one pass over the state for each *two* wires (radix 4),
  in place but for the first.
* Backwards, one stored state and one adjoint state a layer, both between RZ and RY, give all
  angle gradients of the layer.

Three details keep LLVM's loops vectorised: the rows of a pass are read from a table, so that
no check for overlapping memory enters the inner loop; a pass in place and one out of place are
functions of their own; and all scalars have the dtype of the states.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# Sums may be reordered and products fused. Not-a-number and infinity keep their meaning, or a
# run that diverged might not be seen.
_OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
    "nogil": True,
}


def compiled(function: Callable) -> Any:
    """Prepare a function to be compiled when first called; kept on disk where that is possible."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder for the cache: compile again in each process
        return numba.njit(**_OPTIONS)(function)


# What passes call is part of them before LLVM sees it. A function of its own has two copies that
# may add up in different orders: one in its caller, which is kept on disk, and one that runs in the
# process which compiled both. First runs would differ from later ones.
inlined = numba.njit(inline="always", **_OPTIONS)


@inlined
def _fill_phases(halves, cosines, sines):
    """Phases of RZ on all wires, exp(-i angle/2) where a wire's bit is 0, by doubling."""
    cosines[0], sines[0] = 1.0, 0.0
    size = 1
    for wire in range(halves.shape[0]):
        cosine, sine = halves[wire, 0, 0], halves[wire, 0, 1]
        for k in range(size - 1, -1, -1):
            re, im = cosines[k], sines[k]
            cosines[2 * k] = re * cosine + im * sine
            sines[2 * k] = im * cosine - re * sine
            cosines[2 * k + 1] = re * cosine - im * sine
            sines[2 * k + 1] = im * cosine + re * sine
        size *= 2


@inlined
def _gather_and_phase(source, order, cosines, sines, target):
    """target[k] = phase[k] source[order[k]]."""
    examples = source.shape[1] // 2
    for k in range(order.shape[0]):
        row, cosine, sine = order[k], cosines[k], sines[k]
        for b in range(examples):
            re, im = source[row, b], source[row, examples + b]
            target[k, b] = cosine * re - sine * im
            target[k, examples + b] = cosine * im + sine * re


@inlined
def _unphase_and_scatter(source, order, cosines, sines, target):
    """target[order[k]] = conj(phase[k]) source[k]."""
    examples = source.shape[1] // 2
    for k in range(order.shape[0]):
        row, cosine, sine = order[k], cosines[k], sines[k]
        for b in range(examples):
            re, im = source[k, b], source[k, examples + b]
            target[row, b] = cosine * re + sine * im
            target[row, examples + b] = cosine * im - sine * re


@inlined
def _rotated(x0, x1, x2, x3, c1, s1, c2, s2):
    """RY on two wires of four amplitudes, given the cosine and sine of either half-angle."""
    y0, y2 = c1 * x0 - s1 * x2, s1 * x0 + c1 * x2
    y1, y3 = c1 * x1 - s1 * x3, s1 * x1 + c1 * x3
    return c2 * y0 - s2 * y1, s2 * y0 + c2 * y1, c2 * y2 - s2 * y3, s2 * y2 + c2 * y3


@inlined
def _rotate_two_wires_into(source, target, rows, factors):
    """RY on two wires, out of place; factors are cosine and sine of either half-angle."""
    c1, s1, c2, s2 = factors[0], factors[1], factors[2], factors[3]
    for g in range(rows.shape[0]):
        k0, k1, k2, k3 = rows[g, 0], rows[g, 1], rows[g, 2], rows[g, 3]
        for b in range(source.shape[1]):
            target[k0, b], target[k1, b], target[k2, b], target[k3, b] = _rotated(
                source[k0, b], source[k1, b], source[k2, b], source[k3, b], c1, s1, c2, s2
            )


@inlined
def _rotate_two_wires(states, rows, factors):
    """RY on two wires, in place."""
    c1, s1, c2, s2 = factors[0], factors[1], factors[2], factors[3]
    for g in range(rows.shape[0]):
        k0, k1, k2, k3 = rows[g, 0], rows[g, 1], rows[g, 2], rows[g, 3]
        for b in range(states.shape[1]):
            states[k0, b], states[k1, b], states[k2, b], states[k3, b] = _rotated(
                states[k0, b], states[k1, b], states[k2, b], states[k3, b], c1, s1, c2, s2
            )


@inlined
def _rotate_last_wire(states, factors):
    """RY on the last wire, in place, where the number of wires is odd."""
    cosine, sine = factors[0], factors[1]
    for g in range(states.shape[0] // 2):
        for b in range(states.shape[1]):
            x0, x1 = states[2 * g, b], states[2 * g + 1, b]
            states[2 * g, b] = cosine * x0 - sine * x1
            states[2 * g + 1, b] = sine * x0 + cosine * x1


@inlined
def _overlaps_of_two_wires(adjoint, middle, rows, sums):
    """Re <adjoint| 2 K |middle> of two wires, with dRY/dangle = RY K."""
    sums[:2] = 0.0
    first, second = sums[0], sums[1]  # zeros of the states' dtype
    for g in range(rows.shape[0]):
        k0, k1, k2, k3 = rows[g, 0], rows[g, 1], rows[g, 2], rows[g, 3]
        for b in range(adjoint.shape[1]):
            a0, a1, a2, a3 = adjoint[k0, b], adjoint[k1, b], adjoint[k2, b], adjoint[k3, b]
            m0, m1, m2, m3 = middle[k0, b], middle[k1, b], middle[k2, b], middle[k3, b]
            first += a2 * m0 - a0 * m2 + a3 * m1 - a1 * m3
            second += a1 * m0 - a0 * m1 + a3 * m2 - a2 * m3
    sums[0], sums[1] = first, second


@inlined
def _overlap_of_last_wire(adjoint, middle, sums):
    """Re <adjoint| 2 K |middle> of the last wire."""
    sums[0] = 0.0
    total = sums[0]
    for g in range(adjoint.shape[0] // 2):
        for b in range(adjoint.shape[1]):
            total += (
                adjoint[2 * g + 1, b] * middle[2 * g, b] - adjoint[2 * g, b] * middle[2 * g + 1, b]
            )
    sums[0] = total


@inlined
def _imaginary_overlaps(adjoint, middle, sums):
    """Im <adjoint|middle> of each row, summed over the examples."""
    examples = adjoint.shape[1] // 2
    sums[:] = 0.0
    for k in range(adjoint.shape[0]):
        total = sums[k]
        for b in range(examples):
            total += (
                adjoint[k, b] * middle[k, examples + b] - adjoint[k, examples + b] * middle[k, b]
            )
        sums[k] = total


@inlined
def _sum_by_wire(sums, of_angles):
    """Half the sum of a row's number times the sign of each wire; ``sums`` is used up."""
    size = sums.shape[0]
    for wire in range(of_angles.shape[0] - 1, -1, -1):
        size //= 2
        of_angles[wire, 0] = 0.0
        total = of_angles[wire, 0]  # a zero of the states' dtype
        for k in range(size):
            one, other = sums[2 * k], sums[2 * k + 1]
            total += one - other
            sums[k] = one + other
        of_angles[wire, 0] = 0.5 * total


@inlined
def _set_factors(halves, wire, wires, sign, factors):
    """Cosines and sines of the half-angles of RY on one or two wires."""
    for place in range(wires):
        factors[2 * place] = halves[wire + place, 1, 0]
        factors[2 * place + 1] = sign * halves[wire + place, 1, 1]


@compiled
def fill_norms(vectors, norms):
    """Compute the Euclidean norm of every example of every seed."""
    for s in range(vectors.shape[0]):
        for b in range(vectors.shape[1]):
            norms[s, b] = 0.0
            total = norms[s, b]  # a zero of the states' dtype
            for k in range(vectors.shape[2]):
                total += vectors[s, b, k] * vectors[s, b, k]
            norms[s, b] = np.sqrt(total)


@compiled
def project(vectors, norms, gradient):
    """Turn derivatives by unit vectors into those by the vectors, in place."""
    for s in range(vectors.shape[0]):
        for b in range(vectors.shape[1]):
            norm = norms[s, b]
            along = norm - norm
            for k in range(vectors.shape[2]):
                along += gradient[s, b, k] * vectors[s, b, k]
            along /= norm * norm
            for k in range(vectors.shape[2]):
                gradient[s, b, k] = (gradient[s, b, k] - along * vectors[s, b, k]) / norm


@inlined
def _push_layers(halves, current, order, ring, rows, middles):
    """Run one seed's layers; keep the states between RZ and RY, and the last one."""
    layers, qubits, size = halves.shape[0], halves.shape[1], current.shape[0]
    cosines, sines = np.empty(size, current.dtype), np.empty(size, current.dtype)
    factors = np.empty(4, current.dtype)
    for layer in range(layers):
        of_layer, middle = halves[layer], middles[layer]
        _fill_phases(of_layer, cosines, sines)
        _gather_and_phase(current, order if layer == 0 else ring, cosines, sines, middle)
        for pair in range(qubits // 2):
            _set_factors(of_layer, 2 * pair, 2, 1.0, factors)
            if pair == 0:
                _rotate_two_wires_into(middle, current, rows[pair], factors)
            else:
                _rotate_two_wires(current, rows[pair], factors)
        if qubits % 2:
            _set_factors(of_layer, qubits - 1, 1, 1.0, factors)
            _rotate_last_wire(current, factors)
    middles[layers] = current


@compiled
def push(halves, vectors, norms, order, ring, rows, middles):
    """Run every seed's circuit on vectors over their norms."""
    examples, size = vectors.shape[1], vectors.shape[2]
    current = np.empty((size, 2 * examples), vectors.dtype)
    for s in range(halves.shape[0]):
        for b in range(examples):
            for k in range(size):
                current[k, b], current[k, examples + b] = vectors[s, b, k] / norms[s, b], 0.0
        _push_layers(halves[s], current, order, ring, rows, middles[s])


@compiled
def push_on(halves, states, order, ring, rows, middles):
    """Run every seed's circuit on any states (S, N, 2 B)."""
    current = np.empty(states.shape[1:], states.dtype)
    for s in range(halves.shape[0]):
        current[:] = states[s]
        _push_layers(halves[s], current, order, ring, rows, middles[s])


@compiled
def read_out(ring, middles, probabilities):
    """Compute the squared moduli of every seed's last states, behind the last ring."""
    layers = middles.shape[1] - 1
    for s in range(probabilities.shape[0]):
        final = middles[s, layers]
        examples, size = probabilities.shape[1], probabilities.shape[2]
        for k in range(size):
            row = ring[k]
            for b in range(examples):
                re, im = final[row, b], final[row, examples + b]
                probabilities[s, b, k] = re * re + im * im


@compiled
def weigh(gradient, ring, middles, adjoints):
    """Compute adjoints of the last states from the gradient of the probabilities."""
    layers = middles.shape[1] - 1
    for s in range(gradient.shape[0]):
        final, adjoint = middles[s, layers], adjoints[s]
        examples, size = gradient.shape[1], gradient.shape[2]
        for k in range(size):
            row = ring[k]
            for b in range(examples):
                twice = gradient[s, b, k] + gradient[s, b, k]
                adjoint[row, b] = twice * final[row, b]
                adjoint[row, examples + b] = twice * final[row, examples + b]


@inlined
def _pull_layers(halves, adjoint, spare, order, ring, rows, middles, of_angles):
    """Pull one seed's adjoints back to its angles and first states; return which array has them."""
    layers, qubits, size = halves.shape[0], halves.shape[1], adjoint.shape[0]
    cosines, sines = np.empty(size, adjoint.dtype), np.empty(size, adjoint.dtype)
    sums, factors = np.empty(size, adjoint.dtype), np.empty(4, adjoint.dtype)
    for layer in range(layers - 1, -1, -1):
        of_layer, middle = halves[layer], middles[layer]
        for pair in range(qubits // 2):
            _set_factors(of_layer, 2 * pair, 2, -1.0, factors)
            _rotate_two_wires(adjoint, rows[pair], factors)
        if qubits % 2:
            _set_factors(of_layer, qubits - 1, 1, -1.0, factors)
            _rotate_last_wire(adjoint, factors)
        for pair in range(qubits // 2):
            _overlaps_of_two_wires(adjoint, middle, rows[pair], sums)
            of_angles[layer, 2 * pair, 1] = 0.5 * sums[0]
            of_angles[layer, 2 * pair + 1, 1] = 0.5 * sums[1]
        if qubits % 2:
            _overlap_of_last_wire(adjoint, middle, sums)
            of_angles[layer, qubits - 1, 1] = 0.5 * sums[0]
        _imaginary_overlaps(adjoint, middle, sums)
        _sum_by_wire(sums, of_angles[layer])
        _fill_phases(of_layer, cosines, sines)
        _unphase_and_scatter(adjoint, order if layer == 0 else ring, cosines, sines, spare)
        adjoint, spare = spare, adjoint
    return adjoint


@compiled
def pull(halves, adjoints, order, ring, rows, middles, of_angles, of_amplitudes):
    """Pull every seed's adjoints of the last states back to angles and amplitudes."""
    examples, size = of_amplitudes.shape[1], of_amplitudes.shape[2]
    spare = np.empty((size, 2 * examples), adjoints.dtype)
    for s in range(halves.shape[0]):
        first = _pull_layers(
            halves[s], adjoints[s], spare, order, ring, rows, middles[s], of_angles[s]
        )
        for b in range(examples):
            for k in range(size):
                of_amplitudes[s, b, k] = first[k, b]


@compiled
def pull_on(halves, adjoints, order, ring, rows, middles, of_angles):
    """Pull every seed's adjoints of the last states back to angles and, in place, first states."""
    spare = np.empty(adjoints.shape[1:], adjoints.dtype)
    for s in range(halves.shape[0]):
        first = _pull_layers(
            halves[s], adjoints[s], spare, order, ring, rows, middles[s], of_angles[s]
        )
        if halves.shape[1] % 2:  # every layer changes the array
            adjoints[s] = first
