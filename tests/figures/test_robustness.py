"""The figure of perturbed inputs: what is drawn is what the table holds."""

import pytest

from helpers.figures import SIZES, figure_of, points_of
from helpers.metrics import make_metrics
from helpers.robustness import make_robustness
from qdistill.figures.robustness import draw_robustness

NAMES = ("linear", "classical", "quantum")


@pytest.fixture(scope="module")
def table():
    metrics = make_metrics(("synthetic-6q",), SIZES, seeds=4, names=NAMES)
    return make_robustness(metrics, drop={"quantum": 0.2})


def test_each_perturbation_has_a_panel_that_begins_with_clean_rows(table):
    figure, note = figure_of(draw_robustness, table)
    means = table[table["n"] == 100].groupby(["model", "perturbation", "level"])["accuracy"].mean()
    levels = {"noise": [0.5, 1.0], "rotation": [15.0]}
    for ax, (kind, values) in zip(figure.axes, levels.items(), strict=True):
        assert kind in ax.get_title(loc="left") and "n = 100" in ax.get_title(loc="left")
        for name in NAMES:
            expected = [means[name, "none", 0.0], *(means[name, kind, each] for each in values)]
            points = points_of(ax, name)
            assert points[:, 0] == pytest.approx([0, *values])
            assert points[:, 1] == pytest.approx(expected)
    assert "4 seeds" in note


def test_what_is_compared_is_labelled_however_many_rivals_there_are():
    rivals = ("mean", "nearest_centroid", "nearest_neighbours", "svm_rbf", "mlp", "square", "pca")
    metrics = make_metrics(("synthetic-6q",), (100,), seeds=4, names=(*rivals, *NAMES))
    figure, _ = figure_of(draw_robustness, make_robustness(metrics))
    lines = figure.axes[0].lines
    assert {line.get_label() for line in lines if line.get_label()[0] != "_"} == {*NAMES}


def test_without_images_there_is_one_panel_and_a_lost_run_is_told(table):
    plain = table[table["perturbation"] != "rotation"]
    hit = (plain["model"] == "linear") & (plain["seed"] == 1) & (plain["level"] == 1)
    lost = plain.assign(accuracy=plain["accuracy"].mask(hit))
    figure, note = figure_of(draw_robustness, lost)
    (ax,) = figure.axes
    assert points_of(ax, "linear")[:, 0] == pytest.approx([0, 0.5])
    assert "linear at n = 100 (1 of 4 seeds)" in note
