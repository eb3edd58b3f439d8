"""Axes of figures: ticks and their labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.figures.axes import log_ticks, plain_number


@given(st.floats(-12, 4), st.floats(0.03, 14))
def test_ticks_are_few_round_and_inside(exponent, decades):
    low, high = 10**exponent, 10 ** (exponent + decades)
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert (np.diff(ticks) > 0).all()
    assert low * (1 - 1e-6) <= ticks.min() and ticks.max() <= high * (1 + 1e-6)
    leading = ticks / 10.0 ** np.floor(np.log10(ticks) + 1e-9)
    assert np.allclose(leading * 100, np.round(leading * 100))


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.002, "0.002"),
        (50, "50"),
        (1000, "1,000"),
        (1e-6, "$10^{-6}$"),
        (3e-6, r"$3 \times 10^{-6}$"),
        (0.0001, "0.0001"),
        (1e30, "$10^{30}$"),
    ],
)
def test_labels_of_ticks(value, label):
    assert plain_number(value) == label
