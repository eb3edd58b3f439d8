"""Codes in fewer bytes: what is stored, and what it still tells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sentence_transformers.util import quantize_embeddings

from qdistill.errors import DataError
from qdistill.models.quantisation import FORMS, Quantiser

METRICS = ("cosine", "euclidean")
CODES = np.random.default_rng(0).standard_normal((200, 24)).astype(np.float32)


def unit(codes: np.ndarray) -> np.ndarray:
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", FORMS)
def test_its_size_is_that_of_what_is_stored(form, metric):
    quantiser = Quantiser.fit(CODES[:, :21], form, metric)
    assert quantiser.store(CODES[:, :21])[0].nbytes == quantiser.size


def test_float32_is_the_code_itself():
    for metric in METRICS:
        quantiser = Quantiser.fit(CODES, "float32", metric)
        assert (quantiser.restore(quantiser.store(CODES)) == CODES).all()


def test_signs_of_cosines_are_those_of_sentence_transformers():
    ours = Quantiser.fit(CODES, "binary", "cosine").store(CODES)
    assert (ours == quantize_embeddings(CODES, "ubinary")).all()


@given(arrays(np.float32, (9, 5), elements=st.floats(-100, 100, width=32)))
def test_int8_is_off_by_half_a_step_and_keeps_the_origin_of_cosines(codes):
    for metric in METRICS:
        quantiser = Quantiser.fit(codes, "int8", metric)
        norms = np.linalg.norm(codes.astype(np.float64), axis=1, keepdims=True)
        expected = codes if metric == "euclidean" else codes / np.where(norms == 0, 1, norms)
        off = np.abs(quantiser.restore(quantiser.store(codes)) - expected)
        assert off.max() <= quantiser.step * 0.5001 + 1e-5 * np.abs(codes).max()
    quantiser = Quantiser.fit(codes, "int8", "cosine")
    assert not quantiser.store(np.zeros((1, 5), np.float32)).any()


def test_cosines_of_stored_bytes_are_those_of_the_codes():
    skewed = CODES * np.geomspace(1, 0.01, 24, dtype=np.float32) + 0.3
    stored = Quantiser.fit(skewed, "int8", "cosine").store(skewed).astype(np.float64)
    expected = unit(skewed) @ unit(skewed).T
    assert np.abs(unit(stored) @ unit(stored).T - expected).max() < 0.01


def test_rows_beyond_the_calibration_are_cut_off():
    quantiser = Quantiser.fit(CODES, "int8", "euclidean")
    assert set(quantiser.store(np.full((1, 24), 1e6, np.float32)).ravel()) == {127}


def test_bits_of_probabilities_are_told_by_their_median():
    probabilities = np.abs(CODES)
    quantiser = Quantiser.fit(probabilities, "binary", "cosine")
    shares = (quantiser.restore(quantiser.store(probabilities)) > 0).mean(axis=0)
    assert shares == pytest.approx(0.5)


def test_codes_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="not finite"):
        Quantiser.fit(np.full((2, 3), np.nan, np.float32), "int8", "cosine")
    with pytest.raises(ValueError, match="allowed: float32"):
        Quantiser.fit(CODES, "int4", "cosine")
