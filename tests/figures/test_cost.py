"""The figure of costs: every engine, the floors, and the article's ratio."""

import numpy as np
import pandas as pd
import pytest

from helpers.cost import make_cost
from helpers.figures import figure_of
from helpers.metrics import rows_where
from qdistill.cost.simulators import REGISTRY
from qdistill.errors import DataError
from qdistill.figures.cost import STYLES, draw_cost
from qdistill.study.timed import OUR_ENGINES, SIMULATORS


def lines_of(table):
    figure, note = figure_of(draw_cost, table)
    labelled = (ax.get_legend_handles_labels()[::-1] for ax in figure.axes)
    return [dict(zip(*pair, strict=True)) for pair in labelled], note


def times_of(table, engine, what="circuit_step", seeds=1, column="milliseconds"):
    rows = rows_where(table, engine=engine, what=what, seeds=seeds)
    return rows.sort_values("qubits")[column].to_numpy()


def test_every_engine_is_a_line_of_its_times():
    table = make_cost()
    (ours, others, _), note = lines_of(table.sample(frac=1, random_state=1))
    wanted = {
        "numba": times_of(table, "numba"),
        "numba, 10 seeds at once": times_of(table, "numba", seeds=10),
        "torch": times_of(table, "torch"),
        "torch, 10 seeds at once": times_of(table, "torch", seeds=10),
        "classical layer of the same width": times_of(table, "classical"),
        "floor: arithmetic": times_of(table, "machine", "flop_floor"),
        "floor: memory": times_of(table, "machine", "byte_floor"),
    }
    simulators = ("numba", "pennylane", "lightning-expectations")
    assert [*ours] == [*wanted] and [*others] == [*simulators]
    for label, times in wanted.items():
        assert ours[label].get_xdata() == pytest.approx([4, 6, 8])
        assert ours[label].get_ydata() == pytest.approx(times), label
    for label in simulators:
        assert others[label].get_ydata() == pytest.approx(times_of(table, label))
    ax, other = ours["numba"].axes, others["numba"].axes
    assert ax.get_yscale() == other.get_yscale() == "log" and ax.get_ylim() == other.get_ylim()
    every = np.concatenate([*wanted.values(), times_of(table, "lightning-expectations")])
    assert ax.get_ylim()[0] < every.min() and every.max() < ax.get_ylim()[1]
    assert "20 layers, batches of 32" in note and "expectation values" in note


def test_model_ratios_stand_beside_the_article():
    table = make_cost()
    (*_, whole), _ = lines_of(table)
    for seeds, label in ((1, "quantum"), (10, "quantum, 10 seeds at once")):
        ratios = times_of(table, "quantum", "model_step", seeds, "ratio_to_classical")
        assert whole[label].get_ydata() == pytest.approx(ratios)
    article = whole["the article: ~68 at 6 qubits"]
    assert (article.get_xdata()[0], article.get_ydata()[0]) == (6, 68)
    assert {"square, 10 seeds at once", "linear, 10 seeds at once"} <= whole.keys()
    assert not any(label.startswith("classical,") for label in whole)
    assert article.axes.get_ylim()[1] > 68


def test_every_simulator_that_trains_has_its_own_look_in_panels_of_at_most_eight_lines():
    trains = [name for name in SIMULATORS if name != "qulacs"]
    assert {*STYLES} == {*OUR_ENGINES, *SIMULATORS} and {*SIMULATORS} == {*REGISTRY}
    assert len({(style.colour, style.marker) for style in STYLES.values()}) == len(STYLES)
    table = make_cost()
    hit = (table["engine"] == "pennylane") & (table["what"] == "circuit_step")
    every = pd.concat([table, *(table[hit].assign(engine=name) for name in trains)])
    panels, _ = lines_of(every)
    assert [len(lines) <= 8 for lines in panels] == [True] * 3
    assert [*panels[1]] == ["numba", *trains]


def test_one_size_is_enough_and_a_table_without_steps_is_refused():
    assert lines_of(make_cost(qubits=(3,), seeds=(1,)))[0][0]["numba"].get_xdata().tolist() == [3]
    table = make_cost()
    with pytest.raises(DataError, match="'model_step' are needed, and found inference"):
        lines_of(table[table["what"] == "inference"])
