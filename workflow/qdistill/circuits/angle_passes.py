"""The passes of Numba's engine that encode inputs as angles and read expectation values.

States are those of :mod:`qdistill.circuits.kernel_passes`, (N, 2 B). RY of an input differs from
example to example, so its cosines and sines are rows (2 B), alike for real and imaginary parts.
No pass here calls one of another module: Numba would not notice that one change in its cache.
"""

import numpy as np

from qdistill.circuits.kernel_passes import compiled, inlined


@compiled
def fill_products(turns, states):
    """Compute every seed's states after RY of the inputs on |0...0>, by doubling."""
    for s in range(turns.shape[0]):
        state, columns = states[s], turns.shape[3]
        for b in range(columns):
            state[0, b] = 1.0 if b < columns // 2 else 0.0
        size = 1
        for wire in range(turns.shape[1]):
            cosines, sines = turns[s, wire, 0], turns[s, wire, 1]
            for k in range(size - 1, -1, -1):
                for b in range(columns):
                    amplitude = state[k, b]
                    state[2 * k + 1, b] = sines[b] * amplitude
                    state[2 * k, b] = cosines[b] * amplitude
            size *= 2


@inlined
def _turn_wires(state, turns, sign):
    """RY of the inputs, forwards or backwards, in place."""
    stride = state.shape[0]
    for wire in range(turns.shape[0]):
        cosines, sines = turns[wire, 0], turns[wire, 1]
        stride //= 2
        for start in range(0, state.shape[0], 2 * stride):
            for k in range(start, start + stride):
                for b in range(state.shape[1]):
                    x0, x1, sine = state[k, b], state[k + stride, b], sign * sines[b]
                    state[k, b] = cosines[b] * x0 - sine * x1
                    state[k + stride, b] = sine * x0 + cosines[b] * x1


@compiled
def turn(turns, ring, middles, states):
    """Apply the last ring and RY of the inputs to every seed's last states."""
    layers = middles.shape[1] - 1
    for s in range(turns.shape[0]):
        for k in range(ring.shape[0]):
            states[s, k] = middles[s, layers, ring[k]]
        _turn_wires(states[s], turns[s], turns.dtype.type(1.0))


@compiled
def turn_back(turns, ring, adjoints):
    """Remove RY of the inputs and the ring before them on every seed's adjoints, in place."""
    spare = np.empty(adjoints.shape[1:], adjoints.dtype)
    for s in range(turns.shape[0]):
        spare[:] = adjoints[s]
        _turn_wires(spare, turns[s], turns.dtype.type(-1.0))
        for k in range(ring.shape[0]):
            adjoints[s, ring[k]] = spare[k]


@compiled
def add_input_gradients(adjoints, states, of_inputs):
    """Add Re <adjoint| K |state> of every wire and example, with dRY/dangle = RY K."""
    examples = of_inputs.shape[1]
    sums = np.empty(2 * examples, adjoints.dtype)
    for s in range(of_inputs.shape[0]):
        adjoint, state = adjoints[s], states[s]
        stride = state.shape[0]
        for wire in range(of_inputs.shape[2]):
            stride //= 2
            sums[:] = 0.0
            for start in range(0, state.shape[0], 2 * stride):
                for k in range(start, start + stride):
                    other = k + stride
                    for b in range(sums.shape[0]):
                        sums[b] += adjoint[other, b] * state[k, b] - adjoint[k, b] * state[other, b]
            for b in range(examples):
                of_inputs[s, b, wire] += 0.5 * (sums[b] + sums[examples + b])


@compiled
def read_expectations(ring, middles, expectations):
    """Compute <Z> of every wire in every seed's last states, behind the last ring."""
    layers, size, examples = middles.shape[1] - 1, middles.shape[2], expectations.shape[1]
    sums, totals = np.empty((size, examples), middles.dtype), np.empty(examples, middles.dtype)
    for s in range(expectations.shape[0]):
        last = middles[s, layers]
        for k in range(size):
            row = ring[k]
            for b in range(examples):
                re, im = last[row, b], last[row, examples + b]
                sums[k, b] = re * re + im * im
        left = size
        for wire in range(expectations.shape[2] - 1, -1, -1):
            left //= 2
            totals[:] = 0.0
            for k in range(left):
                for b in range(examples):
                    zero, one = sums[2 * k, b], sums[2 * k + 1, b]
                    totals[b] += zero - one
                    sums[k, b] = zero + one
            expectations[s, :, wire] = totals


@compiled
def weigh_expectations(gradient, ring, middles, adjoints):
    """Compute adjoints of the last states from the gradient of the expectation values."""
    layers, size, examples = middles.shape[1] - 1, middles.shape[2], gradient.shape[1]
    weights = np.empty((size, examples), gradient.dtype)
    for s in range(gradient.shape[0]):
        last, adjoint = middles[s, layers], adjoints[s]
        weights[0] = 0.0
        count = 1
        for wire in range(gradient.shape[2]):
            for k in range(count - 1, -1, -1):
                for b in range(examples):
                    weight, twice = weights[k, b], gradient[s, b, wire] + gradient[s, b, wire]
                    weights[2 * k + 1, b] = weight - twice
                    weights[2 * k, b] = weight + twice
            count *= 2
        for k in range(size):
            row = ring[k]
            for b in range(examples):
                adjoint[row, b] = weights[k, b] * last[row, b]
                adjoint[row, examples + b] = weights[k, b] * last[row, examples + b]
