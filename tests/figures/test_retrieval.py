"""What is found by bytes: every known code a point, the front a line, what is lost told."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.metrics import make_metrics
from helpers.retrieval import lose_recall, make_retrieval
from qdistill.figures.retrieval import draw_retrieval
from qdistill.judgement.retrieval import judge_front


@pytest.fixture(scope="module")
def table():
    metrics = make_metrics(("docstrings",), (50, 100), 4, names=("linear", "quantum"))
    return make_retrieval(metrics)


def drawn(table):
    figure = Figure()
    note = " ".join(draw_retrieval(figure, judge_front(table, (64,))))
    return figure.axes[0], note


def test_every_code_at_the_headline_n_is_a_point_and_the_front_a_line(table):
    ax, note = drawn(table)
    front = judge_front(table, (64,)).query("n == 100")
    *points, line = ax.lines
    found = np.concatenate([np.column_stack(each.get_data()) for each in points])
    expected = front[["bytes", "recall"]].to_numpy()
    np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])
    best = front[front["on_front"]].sort_values("bytes")
    np.testing.assert_allclose(np.column_stack(line.get_data()), best[["bytes", "recall"]])
    assert ax.get_xscale() == "log" and "4 seeds" in note and ax.get_title(loc="left") == "n = 100"
    assert len(ax.get_legend_handles_labels()[1]) <= 8


def test_codes_of_a_diverged_run_are_told(table):
    ax, note = drawn(lose_recall(table, "quantum", 100, 2))
    points = sum(len(line.get_xdata()) for line in ax.lines[:-1])
    assert points == len(judge_front(table, (64,)).query("n == 100 and method != 'quantum'"))
    assert "without finite codes: quantum as binary, quantum as binary rescored" in note
