"""Codes without training, against scikit-learn and plain linear algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from qdistill.downstream.rivals import fit_rivals
from qdistill.models.quantisation import Quantiser

GENERATOR = np.random.default_rng(0)
SPREAD = GENERATOR.normal(size=(24, 24)) / np.arange(1, 25)
POOL = (GENERATOR.normal(size=(60, 24)) @ SPREAD + 1).astype(np.float32)
LABELLED = (GENERATOR.normal(size=(10, 24)) @ SPREAD + 1).astype(np.float32)
ASKED = (GENERATOR.normal(size=(7, 24)) @ SPREAD + 1).astype(np.float32)


def rivals(labelled=LABELLED, pool=POOL, budgets=(3, 8, 16), seed=0):
    return {(r.method, r.width): r for r in fit_rivals(labelled, pool, budgets, seed)}


@pytest.mark.parametrize(
    ("method", "rows", "most"),
    [("pca", LABELLED, 9), ("pca_pool", np.concatenate([LABELLED, POOL]), 24)],
)
def test_principal_components_are_those_of_the_library_and_nothing_is_centred(method, rows, most):
    found = {width: r for (name, width), r in rivals().items() if name == method}
    assert max(found) == most  # of n rows around their mean n - 1, at most one a feature
    for width, rival in found.items():
        expected = ASKED @ PCA(width).fit(rows.astype(np.float64)).components_.T
        np.testing.assert_allclose(np.abs(rival.encode(ASKED)), np.abs(expected), atol=1e-5)


def test_widths_fill_the_budgets_in_each_form():
    sizes = {}
    for rival in rivals().values():
        codes = rival.encode(ASKED)
        assert codes.shape == (7, rival.width) and codes.dtype == np.float32
        for form in rival.forms:
            size = Quantiser.fit(codes, form, "cosine").size
            sizes.setdefault((rival.method, form), set()).add(size)
    assert sizes["pca_pool", "int8"] == {3, 8, 16} and sizes["pca_pool", "float32"] == {8, 16}
    assert sizes["pca_pool", "binary"] == {3}  # all 24 directions, however large the budget
    assert sizes["pca", "int8"] == {3, 8, 9} and sizes["pca", "binary"] == {2}
    assert sizes["rotation", "int8"] == {3, 8, 16} and ("rotation", "float32") not in sizes
    assert sizes["raw", "float32"] == {96} and sizes["raw", "binary"] == {3}
    assert ("truncation", "binary") not in sizes  # which would be the full vectors


def test_seeds_have_as_many_components_though_rows_vary_in_fewer_directions():
    flat = LABELLED.copy()
    flat[:, 5:] = 0
    found, others = rivals(flat, POOL[:0]), rivals(pool=POOL[:0])
    assert found.keys() == others.keys()
    codes = found["pca", 9].encode(flat)
    assert not codes[:, 5:].any() and codes[:, :5].any(axis=0).all()


def test_a_truncation_is_the_first_numbers_and_a_rotation_turns_all():
    found = rivals()
    assert np.array_equal(found["truncation", 8].encode(ASKED), ASKED[:, :8])
    turned = found["rotation", 24].axes.astype(np.float64)
    np.testing.assert_allclose(turned.T @ turned, np.eye(24), atol=1e-6)
    np.testing.assert_array_equal(found["rotation", 8].axes, found["rotation", 24].axes[:, :8])
    others = rivals(LABELLED[:5]), rivals(seed=1)
    same, different = (np.allclose(turned, other["rotation", 24].axes) for other in others)
    assert same and not different  # drawn for a seed, whatever n is


def test_without_a_pool_nothing_is_fitted_to_one():
    names = {method for method, _ in rivals(pool=POOL[:0])}
    assert names == {"raw", "truncation", "rotation", "pca"}


@given(budgets=st.lists(st.integers(1, 200), min_size=1, max_size=4), n=st.integers(2, 10))
def test_no_code_is_larger_than_the_largest_budget_or_wider_than_there_are_directions(budgets, n):
    for (method, width), rival in rivals(LABELLED[:n], POOL, budgets).items():
        limit = n - 1 if method == "pca" else 24
        assert 1 <= width <= limit
        if method != "raw":
            codes = rival.encode(ASKED)
            sizes = [Quantiser.fit(codes, form, "cosine").size for form in rival.forms]
            assert max(sizes) <= max(budgets)
