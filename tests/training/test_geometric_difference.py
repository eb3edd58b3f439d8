"""The geometric difference against closed forms, what it bounds, and labels that attain it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh, sqrtm
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge

from qdistill.training.fidelity_kernels import AmplitudeStates, AngleStates, fidelity
from qdistill.training.geometric_difference import (
    REGULARISATION,
    class_targets,
    classical_grams,
    compare_kernels,
    geometric_difference,
    model_complexity,
)

TINY = 1e-10  # in place of a regularisation of 0
SEEDS = st.integers(0, 10**6)


def draw_gram(count, seed, least=0.05):
    """A Gram matrix of trace n, with eigenvalues that are not tiny."""
    generator = np.random.default_rng(seed)
    basis = np.linalg.qr(generator.normal(size=(count, count)))[0]
    values = generator.uniform(least, 3, count)
    return (basis * (values * count / values.sum())) @ basis.T


def labels_of_largest(matrix, quantum):
    """y = sqrt(K_Q) v of the top eigenvector v, so that s_Q = 1: Huang's construction."""
    root = sqrtm(quantum).real
    return root @ eigh(root @ matrix @ root)[1][:, -1]


def regress(gram, y, regularisation):
    """Norms of weights and of residuals, by scikit-learn's kernel ridge regression."""
    dual = KernelRidge(alpha=regularisation, kernel="precomputed").fit(gram, y).dual_coef_
    return np.sqrt(dual @ gram @ dual), np.linalg.norm(y - gram @ dual)


@settings(max_examples=20)
@given(count=st.integers(2, 15), seed=SEEDS)
def test_of_equal_kernels_it_is_one(count, seed):
    gram = draw_gram(count, seed)
    weights, residuals = geometric_difference(gram, gram, TINY)
    assert weights == pytest.approx(1.0, abs=1e-7)
    assert residuals < 1e-7


@settings(max_examples=20)
@given(count=st.integers(2, 15), seed=SEEDS)
def test_of_kernels_that_commute_it_is_the_root_of_the_largest_ratio(count, seed):
    generator = np.random.default_rng(seed)
    quantum, classical = generator.uniform(0.1, 5, (2, count))
    ratios = quantum / quantum.mean() / (classical / classical.mean())
    basis = np.linalg.qr(generator.normal(size=(count, count)))[0]
    for turn in (np.eye(count), basis):
        grams = (turn * quantum) @ turn.T, (turn * classical) @ turn.T
        found = geometric_difference(*grams, TINY).weights
        assert found == pytest.approx(np.sqrt(ratios.max()), rel=1e-7)


@settings(max_examples=20)
@given(count=st.integers(2, 12), seed=SEEDS, regularisation=st.sampled_from([1e-4, 1e-2, 1.0]))
def test_is_the_formula_of_the_paper(count, seed, regularisation):
    """Written with square roots and an inverse; the quantum kernel may be singular."""
    quantum, classical = draw_gram(count, seed, 0.0), draw_gram(count, seed + 1)
    roots = sqrtm(quantum).real, sqrtm(classical).real
    square = np.linalg.matrix_power(np.linalg.inv(classical + regularisation * np.eye(count)), 2)
    of_weights = roots[0] @ roots[1] @ square @ roots[1] @ roots[0]
    of_residuals = regularisation**2 * roots[0] @ square @ roots[0]
    expected = [np.sqrt(np.linalg.norm(each, 2)) for each in (of_weights, of_residuals)]
    found = geometric_difference(quantum, classical, regularisation)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@settings(max_examples=20)
@given(count=st.integers(2, 12), seed=SEEDS, scales=st.tuples(*[st.floats(1e-3, 1e3)] * 2))
def test_neither_scale_nor_order_of_rows_matters(count, seed, scales):
    quantum, classical = draw_gram(count, seed), draw_gram(count, seed + 1)
    expected = geometric_difference(quantum, classical)
    scaled = geometric_difference(scales[0] * quantum, scales[1] * classical)
    np.testing.assert_allclose(scaled, expected, rtol=1e-8)
    order = np.ix_(*[np.random.default_rng(seed).permutation(count)] * 2)
    np.testing.assert_allclose(
        geometric_difference(quantum[order], classical[order]), expected, rtol=1e-8
    )


@settings(max_examples=20)
@given(count=st.integers(2, 12), seed=SEEDS, regularisation=st.sampled_from([1e-3, 1e-1]))
def test_bounds_what_the_classical_kernel_needs_and_is_attained(count, seed, regularisation):
    quantum, classical = draw_gram(count, seed), draw_gram(count, seed + 1)
    found = geometric_difference(quantum, classical, regularisation)
    drawn = np.random.default_rng(seed).normal(size=count)
    size = np.sqrt(drawn @ np.linalg.solve(quantum, drawn))
    norms = regress(classical, drawn, regularisation)
    assert all(np.array(norms) <= np.array(found) * size * (1 + 1e-7))
    inverse = np.linalg.inv(classical + regularisation * np.eye(count))
    weights = regress(
        classical, labels_of_largest(inverse @ classical @ inverse, quantum), regularisation
    )[0]
    residuals = regress(classical, labels_of_largest(inverse @ inverse, quantum), regularisation)[1]
    np.testing.assert_allclose((weights, residuals), found, rtol=1e-6)


@settings(max_examples=20)
@given(count=st.integers(2, 12), seed=SEEDS)
def test_bounds_the_ratio_of_complexities(count, seed):
    """s_C <= g**2 s_Q of any labels (Huang et al., 2021)."""
    quantum, classical = draw_gram(count, seed), draw_gram(count, seed + 1)
    bound = geometric_difference(quantum, classical, TINY).weights ** 2
    drawn = np.random.default_rng(seed).normal(size=(count, 3))
    of_quantum, of_classical = (
        model_complexity(gram, drawn, TINY) for gram in (quantum, classical)
    )
    assert of_classical <= bound * of_quantum * (1 + 1e-6)
    hardest = labels_of_largest(np.linalg.inv(classical), quantum)[:, None]
    assert model_complexity(quantum, hardest, TINY) == pytest.approx(1.0, rel=1e-6)
    assert model_complexity(classical, hardest, TINY) == pytest.approx(bound, rel=1e-6)


def test_what_a_classical_kernel_cannot_say_is_residual():
    """Of rank one it needs no weights for what lies beyond it: g alone would be small."""
    quantum, classical = np.eye(6), np.ones((6, 6))
    weights, residuals = geometric_difference(quantum, classical, 1e-6)
    assert weights == pytest.approx(1 / np.sqrt(6), rel=1e-5)
    assert residuals == pytest.approx(1.0)


@settings(max_examples=20)
@given(count=st.integers(2, 12), seed=SEEDS, regularisation=st.sampled_from([1e-3, 1e-1]))
def test_complexity_is_the_least_of_weights_and_residuals(count, seed, regularisation):
    gram = draw_gram(count, seed, 0.0)
    targets = np.random.default_rng(seed).normal(size=(count, 3))
    parts = [regress(gram, y, regularisation) for y in targets.T]
    expected = sum(weights**2 + rest**2 / regularisation for weights, rest in parts)
    for scale in (1.0, 7.0):
        found = model_complexity(scale * gram, targets, regularisation)
        assert found == pytest.approx(expected, rel=1e-7)


def test_labels_made_for_the_quantum_kernel_are_its_own_alone():
    """Held-in regression of the labels of the largest difference: the planted advantage."""
    rows = np.random.default_rng(0).normal(size=(60, 5))
    states = AngleStates(3, 0, 60).fit_transform(rows)
    quantum = fidelity(states, states)
    regularisation = 1e-2
    for name, gram in classical_grams(rows).items():
        classical = gram * 60 / np.trace(gram)
        inverse = np.linalg.inv(classical + regularisation * np.eye(60))
        y = labels_of_largest(inverse @ inverse, quantum)
        share = [
            regress(each, y, regularisation)[1] / np.linalg.norm(y) for each in (quantum, classical)
        ]
        assert share[0] < 0.1 * share[1], name


@pytest.mark.parametrize("width", [1, 4])
def test_classical_kernels_are_their_formulas(width):
    rows = np.random.default_rng(1).normal(3.0, 2.0, size=(12, width)).astype(np.float32)
    middle = rows.astype(float) - rows.astype(float).mean(axis=0)
    gamma = 1 / (width * middle.var())
    found = classical_grams(rows)
    np.testing.assert_allclose(found["linear"], gamma * middle @ middle.T + 1)
    np.testing.assert_allclose(found["polynomial"], (gamma * middle @ middle.T + 1) ** 2)
    np.testing.assert_allclose(found["rbf"], RBF(1 / np.sqrt(2 * gamma))(middle))


@pytest.mark.parametrize("labels", [[0, 1, 1, 2, 0, 2], ["b", "a", "a", "a", "a", "a"]])
def test_targets_of_classes_are_as_large_as_rows_are_many(labels):
    targets = class_targets(np.array(labels))
    assert targets.shape == (6, len(set(labels)))
    np.testing.assert_allclose(targets.mean(axis=0), 0.0, atol=1e-12)
    assert model_complexity(np.eye(6), targets, TINY) == pytest.approx(6.0)


def test_two_classes_are_labels_of_plus_and_minus_one():
    signs = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0])
    gram = draw_gram(6, 3)
    found = model_complexity(gram, class_targets(signs), TINY)
    assert found == pytest.approx(signs @ np.linalg.solve(gram, signs))


def test_a_row_for_every_encoding_and_kernel():
    generator = np.random.default_rng(2)
    rows, labels = generator.normal(size=(20, 6)), generator.integers(0, 3, 20)
    found = compare_kernels(rows, labels, 5, 2)
    pairs = [(row["encoding"], row["against"]) for row in found]
    kernels = ("linear", "polynomial", "rbf")
    assert pairs == [(name, rival) for name in ("amplitude", "angle") for rival in kernels]
    targets = class_targets(labels)
    for row in found:
        amplitude = row["encoding"] == "amplitude"
        transformer = AmplitudeStates(2) if amplitude else AngleStates(2, 5, 20)
        states = transformer.fit_transform(rows)
        grams = fidelity(states, states), classical_grams(rows)[row["against"]]
        difference = geometric_difference(*grams, REGULARISATION)
        assert (row["geometric_difference"], row["residual_difference"]) == difference
        assert row["sqrt_n"] == np.sqrt(20)
        complexities = row["complexity_quantum"], row["complexity_classical"]
        assert complexities == tuple(model_complexity(gram, targets) for gram in grams)


def test_of_one_class_alone_complexities_are_unknown():
    rows = np.random.default_rng(3).normal(size=(8, 4))
    for row in compare_kernels(rows, np.zeros(8, dtype=int), 0, 2):
        assert np.isnan([row["complexity_quantum"], row["complexity_classical"]]).all()
        assert row["geometric_difference"] > 0


@pytest.mark.parametrize(
    ("quantum", "classical", "regularisation", "sentence"),
    [
        (np.eye(3), np.eye(2), 1.0, "of the same rows"),
        (np.ones((2, 3)), np.ones((2, 3)), 1.0, "must be square"),
        (np.eye(3), np.zeros((3, 3)), 1.0, "trace above 0"),
        (np.eye(3), np.eye(3), 0.0, "regularisation must be above 0"),
    ],
)
def test_what_has_no_difference_is_an_error(quantum, classical, regularisation, sentence):
    with pytest.raises(ValueError, match=sentence):
        geometric_difference(quantum, classical, regularisation)
