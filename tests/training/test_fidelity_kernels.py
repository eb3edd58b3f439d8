"""Fidelity kernels against PennyLane's, closed forms, and what every kernel must be."""

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize
from sklearn.svm import SVC

from qdistill.randomness import generator_for
from qdistill.training.fidelity_kernels import AmplitudeStates, AngleStates, fidelity


def draw_rows(count, width, seed=0):
    """Correlated rows about a mean that is not zero."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)) @ generator.normal(size=(width, width)) + 0.7


def every_encoding(qubits, seed=0):
    angle = AngleStates(qubits, seed, 9)
    return [AmplitudeStates(qubits), AmplitudeStates(qubits, centred=True), angle]


def gram_of(transformer, rows, others=None):
    states = transformer.fit_transform(rows)
    return fidelity(states, states if others is None else transformer.transform(others))


def overlap_kernel(encode, qubits):
    """What a device measures: encode one row, undo the other, count the zeros."""

    @qml.qnode(qml.device("default.qubit", wires=qubits))
    def measure(left, right):
        encode(left)
        qml.adjoint(encode)(right)
        return qml.probs(wires=range(qubits))

    return lambda left, right: measure(left, right)[0]


@pytest.mark.slow
@pytest.mark.parametrize("qubits", [2, 3])
@pytest.mark.parametrize("blocks", [1, 3])
def test_angle_kernel_is_that_of_pennylane(qubits, blocks):
    """From PCA of scikit-learn and gates written out here."""
    rows, asked = draw_rows(9, 5), draw_rows(4, 5, seed=1)
    angles = generator_for(4, 9, "kernel circuit").uniform(-np.pi, np.pi, (blocks, qubits, 2))
    pca = PCA(qubits, svd_solver="full").fit(rows)
    deviations = pca.transform(rows).std(axis=0)

    def encode(phases):
        for block in angles.astype(np.float32).astype(float):
            for wire in range(qubits):
                qml.RY(phases[wire], wires=wire)
            for wire, (z, y) in enumerate(block):
                qml.RZ(z, wires=wire)
                qml.RY(y, wires=wire)
            for wire in range(qubits):
                qml.CNOT(wires=[wire, (wire + 1) % qubits])

    left, right = (np.pi * np.tanh(pca.transform(x) / deviations) for x in (rows, asked))
    expected = qml.kernels.kernel_matrix(left, right, overlap_kernel(encode, qubits))
    found = gram_of(AngleStates(qubits, 4, 9, blocks), rows, asked)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("qubits", [2, 3])
@pytest.mark.parametrize("width", [3, 12])
def test_amplitude_kernel_is_that_of_pennylane(qubits, width):
    """Centred, from PCA of scikit-learn; with fewer scores than amplitudes, and with more."""
    rows, asked = draw_rows(20, width), draw_rows(4, width, seed=1)
    pca = PCA(min(2**qubits, width), svd_solver="full").fit(rows)

    def encode(vector):
        qml.AmplitudeEmbedding(vector, wires=range(qubits), normalize=True, pad_with=0.0)

    @qml.qnode(qml.device("default.qubit", wires=qubits))
    def state(vector):
        encode(vector)
        return qml.state()

    def kernel(left, right):
        return qml.math.fidelity_statevector(state(left), state(right))

    expected = qml.kernels.kernel_matrix(pca.transform(rows), pca.transform(asked), kernel)
    found = gram_of(AmplitudeStates(qubits, centred=True), rows, asked)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@settings(max_examples=20)
@given(qubits=st.integers(2, 4), count=st.integers(2, 30), seed=st.integers(0, 10**6))
def test_with_room_for_all_directions_amplitudes_give_the_polynomial_kernel(qubits, count, seed):
    """Of degree 2, without an offset, of normalised rows."""
    rows = draw_rows(count, 2**qubits, seed)
    expected = polynomial_kernel(normalize(rows), degree=2, gamma=1, coef0=0)
    np.testing.assert_allclose(gram_of(AmplitudeStates(qubits), rows), expected, atol=1e-8)


@settings(max_examples=25)
@given(
    qubits=st.integers(2, 5),
    count=st.integers(2, 20),
    width=st.integers(1, 9),
    seed=st.integers(0, 10**6),
)
def test_gram_matrices_are_kernels(qubits, count, width, seed):
    """Symmetric, of unit diagonal, positive semidefinite; with fewer directions than wires too."""
    rows = draw_rows(count, width, seed)
    for transformer in every_encoding(qubits, seed):
        states = transformer.fit_transform(rows)
        assert states.shape == (count, 2 * 2**qubits) and states.dtype == np.float64
        gram = fidelity(states, states)
        np.testing.assert_allclose(gram, gram.T, atol=1e-12)
        np.testing.assert_allclose(np.diag(gram), 1.0, atol=1e-12)
        assert np.linalg.eigvalsh(gram).min() > -1e-12 * count
        assert gram.min() >= 0 and gram.max() < 1 + 1e-12


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_scale_never_matters_and_place_only_where_the_mean_is_kept(seed, shift, scale):
    rows = draw_rows(12, 6, seed)
    for transformer in every_encoding(2, seed):
        gram = gram_of(transformer, rows)
        np.testing.assert_allclose(gram_of(transformer, scale * rows), gram, atol=1e-6)
        if getattr(transformer, "centred", True):
            np.testing.assert_allclose(gram_of(transformer, rows + shift), gram, atol=1e-6)
    assert np.abs(gram_of(AmplitudeStates(2), rows + 50) - 1).max() < 0.5


@pytest.mark.parametrize("place", range(3))
def test_rows_are_encoded_alone_and_order_does_not_matter(place):
    rows, asked = draw_rows(12, 6), draw_rows(5, 6, seed=1)
    transformer = every_encoding(3)[place].fit(rows)
    together = transformer.transform(asked)
    alone = np.concatenate([transformer.transform(row[None]) for row in asked])
    np.testing.assert_allclose(together, alone, atol=1e-12)
    order = np.random.default_rng(2).permutation(12)
    permuted = gram_of(transformer, rows[order])
    np.testing.assert_allclose(
        permuted, gram_of(transformer, rows)[np.ix_(order, order)], atol=1e-9
    )


def test_centred_rows_on_opposite_sides_of_the_mean_are_one_state():
    """Which is why the mean is kept by default."""
    step = np.array([[3.0, 1.0, 0.0]])
    rows = np.array([[0.0, 0.0, 5.0]]) + np.concatenate([step, -step, 0.5 * step, -0.5 * step])
    np.testing.assert_allclose(gram_of(AmplitudeStates(2, centred=True), rows), 1.0)
    assert gram_of(AmplitudeStates(2), rows)[0, 1] < 0.5


def test_the_circuit_is_that_of_seed_and_n_whatever_rows_are_fitted():
    rows = draw_rows(30, 6)
    few, all_rows = (AngleStates(3, 0, 30).fit(rows[:count]) for count in (20, 30))
    np.testing.assert_array_equal(few.angles_, all_rows.angles_)
    for seed, n in ((1, 30), (0, 31)):
        assert not np.allclose(AngleStates(3, seed, n).fit(rows).angles_, few.angles_)


def test_directions_without_variance_are_angles_of_zero():
    """Rounding must not be whitened to angles: rows of one direction turn one wire."""
    generator = np.random.default_rng(0)
    line = generator.normal(size=(10, 1)) * np.array([[1.0, 2.0, -1.0]]) + 1e3
    assert AngleStates(3, 0, 10).fit(line).directions_.shape == (3, 1)
    constant = np.full((4, 3), 0.1)
    np.testing.assert_allclose(gram_of(AngleStates(2, 0, 4), constant), 1.0)


@pytest.mark.parametrize("place", range(3))
def test_a_support_vector_machine_takes_them(place):
    """In a pipeline, cloned by a search; the same as with a Gram matrix made beforehand."""
    rows = draw_rows(60, 6)
    labels = np.where(rows[:, 0] * rows[:, 1] > 0.5, "same", "other")
    transformer = every_encoding(3)[place]
    search = GridSearchCV(
        make_pipeline(transformer, SVC(kernel=fidelity)), {"svc__C": [1.0, 10.0]}, cv=KFold(3)
    ).fit(rows[:40], labels[:40])
    cost = search.best_params_["svc__C"]
    encoder = clone(transformer).fit(rows[:40])
    train, asked = encoder.transform(rows[:40]), encoder.transform(rows[40:])
    beforehand = SVC(kernel="precomputed", C=cost).fit(fidelity(train, train), labels[:40])
    expected = beforehand.decision_function(fidelity(asked, train))
    np.testing.assert_allclose(search.decision_function(rows[40:]), expected, atol=1e-6)


def test_what_cannot_be_encoded_is_an_error():
    rows = draw_rows(8, 4)
    with pytest.raises(ValueError, match="cannot encode row 1 as amplitudes"):
        AmplitudeStates(2).fit(rows).transform(np.stack([rows[0], np.zeros(4)]))
    fitted = AmplitudeStates(2, centred=True).fit(rows)
    with pytest.raises(ValueError, match="cannot encode row 0 as amplitudes"):
        fitted.transform(rows.mean(axis=0)[None])
    with pytest.raises(ValueError, match="cannot encode row 0 as amplitudes"):
        AmplitudeStates(2).fit_transform(np.zeros((3, 2)))
    line = np.arange(1.0, 5.0)[:, None] * np.array([[0.1, 0.3, -0.7]])
    beyond = np.cross(line[0], [0.2, 0.9, 0.4])[None]  # at right angles, but for rounding
    with pytest.raises(ValueError, match="cannot encode row 0 as amplitudes"):
        AmplitudeStates(2).fit(line).transform(beyond)
    for qubits, blocks in ((1, 3), (2, 0)):
        with pytest.raises(ValueError, match="a block and 2 wires"):
            AngleStates(qubits, 0, 8, blocks).fit(rows)
    for transformer in every_encoding(2):
        with pytest.raises(ValueError, match="minimum of 2"):
            clone(transformer).fit(rows[:1])
