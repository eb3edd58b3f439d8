"""Axes of figures: ticks and their labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from qdistill.figures.axes import (
    add_note,
    log_ticks,
    plain_number,
    set_log_limits,
    set_problem_titles,
)


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


def test_ticks_on_either_side_of_a_power_of_ten_do_not_crowd():
    assert np.allclose(log_ticks(0.955, 1.36), [1.0, 1.1, 1.2, 1.3])


@pytest.mark.parametrize(("along", "other"), [("x", "y"), ("y", "x")])
def test_either_axis_can_be_made_logarithmic(along, other):
    ax = Figure().add_subplot()
    set_log_limits(ax, [0.01, np.nan, -3.0, 0.5, np.inf], along=along)
    scales = {"x": ax.get_xscale(), "y": ax.get_yscale()}
    limits = {"x": ax.get_xlim(), "y": ax.get_ylim()}
    assert scales == {along: "log", other: "linear"}
    assert 0.005 < limits[along][0] < 0.01 and 0.5 < limits[along][1] < 1
    axis = {"x": ax.xaxis, "y": ax.yaxis}[along]
    assert [axis.get_major_formatter()(tick) for tick in axis.get_ticklocs()][:2] == [
        "0.01",
        "0.03",
    ]


def test_a_figure_is_titled_by_data_set_protocol_and_qubits():
    figure = Figure(layout="constrained")
    chosen = pd.DataFrame([{"dataset": "digits", "qubits": 4, "protocol": "converged"}])
    set_problem_titles(figure, chosen, "what it shows", "how to read it")
    words = [text.get_text().strip() for text in figure.texts]
    assert words == ["digits, protocol converged: what it shows", "4 qubits; how to read it"]


def test_a_long_note_is_wrapped_inside_the_figure():
    figure = Figure(figsize=(6, 4), layout="constrained")
    figure.add_subplot()
    add_note(figure, ["Wide words, n = 1,000; (0.00029) and moments more of them: " * 4, "Short."])
    figure.draw_without_rendering()
    box = figure._supxlabel.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert figure._supxlabel.get_text().endswith("\nShort.")
