"""The figure of costs: every engine, the floors, and the article's ratio."""

import numpy as np
import pytest

from helpers.cost import make_cost
from helpers.figures import axes_of, saved_words
from qdistill.cost.simulators import REGISTRY
from qdistill.errors import DataError
from qdistill.figures import cost as module
from qdistill.figures.cost import draw_circuit_steps, draw_model_steps, plot_cost
from qdistill.storage.tables import write_table
from qdistill.study.timed import OUR_ENGINES, SIMULATORS


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def times_of(table, engine, what="circuit_step", seeds=1, column="milliseconds"):
    hit = (table["engine"] == engine) & (table["what"] == what) & (table["seeds"] == seeds)
    return table[hit].sort_values("qubits")[column].to_numpy()


def test_every_engine_is_a_line_of_its_times():
    table = make_cost()
    ax = axes_of(draw_circuit_steps, table)
    lines = lines_of(ax)
    wanted = {
        "numba": times_of(table, "numba"),
        "numba, 10 seeds at once": times_of(table, "numba", seeds=10),
        "torch": times_of(table, "torch"),
        "torch, 10 seeds at once": times_of(table, "torch", seeds=10),
        "pennylane": times_of(table, "pennylane"),
        "lightning-expectations": times_of(table, "lightning-expectations"),
        "classical layer of the same width": times_of(table, "classical"),
        "floor: arithmetic": times_of(table, "machine", "flop_floor"),
        "floor: memory": times_of(table, "machine", "byte_floor"),
    }
    assert lines.keys() == wanted.keys()
    for label, times in wanted.items():
        assert lines[label].get_xdata() == pytest.approx([4, 6, 8])
        assert lines[label].get_ydata() == pytest.approx(times), label
    assert ax.get_yscale() == "log"
    low, high = ax.get_ylim()
    every = np.concatenate(list(wanted.values()))
    assert low < every.min() and every.max() < high


def test_the_order_of_the_rows_does_not_matter():
    ax = axes_of(draw_circuit_steps, make_cost().sample(frac=1, random_state=1))
    assert lines_of(ax)["numba"].get_xdata() == pytest.approx([4, 6, 8])


def test_model_ratios_stand_beside_the_article():
    table = make_cost()
    ax = axes_of(draw_model_steps, table)
    lines = lines_of(ax)
    for seeds, label in ((1, "quantum, 1 seed"), (10, "quantum, 10 seeds at once")):
        ratios = times_of(table, "quantum", "model_step", seeds, "ratio_to_classical")
        assert lines[label].get_ydata() == pytest.approx(ratios)
    article = lines["the article: ~68 at 6 qubits"]
    assert (article.get_xdata()[0], article.get_ydata()[0]) == (6, 68)
    assert any(list(line.get_ydata()) == [68, 68] for line in ax.lines)
    assert {"square, 10 seeds at once", "linear, 10 seeds at once"} <= lines.keys()
    assert not any(label.startswith("classical,") for label in lines)
    assert ax.get_ylim()[1] > 68


def test_every_simulator_that_trains_has_its_own_look():
    trains = [name for name in SIMULATORS if name != "qulacs"]
    assert set(module._ENGINE_STYLES) == {*OUR_ENGINES, *trains}
    assert set(trains) < set(REGISTRY)
    looks = {(style.colour, style.marker) for style in module._ENGINE_STYLES.values()}
    assert len(looks) == len(module._ENGINE_STYLES)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [{}, {"qubits": (3,), "seeds": (1,)}], ids=["usual", "one"])
def test_the_figure_is_read_drawn_and_saved(tmp_path, sizes):
    texts = saved_words(tmp_path, plot_cost, {"cost": make_cost(**sizes)})
    assert "20 layers, batches of 32, one thread" in texts
    assert "lightning-expectations computes the expectation values" in texts.replace("\n", " ")


def test_a_table_without_steps_is_refused(tmp_path):
    table = make_cost()
    path = tmp_path / "cost.parquet"
    write_table("cost", path, table[table["what"] == "inference"], {})
    with pytest.raises(DataError, match=r"'circuit_step' and 'model_step', and found inference"):
        plot_cost(path, [tmp_path / "cost.svg"])
    assert not (tmp_path / "cost.svg").exists()
