"""The ladder figure: rungs in order, ratios the right way round, the simplest one marked."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from helpers.figures import SIZES, figure_of, saved_words, study_metrics, texts_of
from helpers.metrics import diverge, make_metrics
from qdistill.figures.ladder import draw_ladder, plot_ladder, ratios_to_challenger, rungs_of
from qdistill.judgement.attribution import attribute
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.statistics import paired_ratio
from qdistill.study.registry import SIMPLICITY
from qdistill.study.styles import style_of


def judged(metrics):
    comparisons = compare_study(metrics)
    return comparisons, attribute(comparisons)


@pytest.fixture(scope="module")
def study():
    return judged(study_metrics())


def panel_of(figure, n):
    return next(ax for ax in figure.axes if ax.get_title("left").startswith(f"n = {n:,}\n"))


def drawn(study):
    return figure_of(draw_ladder, *study, figsize=(10, 5))


def points_of(panel, height):
    """Markers in one row."""
    return [
        line
        for line in panel.lines
        if line.get_marker() == "o" and list(line.get_ydata()) == [height]
    ]


@pytest.mark.slow
def test_a_rung_is_the_rivals_error_over_that_of_quantum():
    metrics = study_metrics()
    ratios = ratios_to_challenger(compare_study(metrics)).set_index(["n", "rival"])
    runs = metrics[(metrics["n"] == 100) & (metrics["stage"] == "trained")]
    losses = runs.pivot(index="seed", columns="model", values="heldout_mse")
    for name in ("classical", "pca", "square"):
        expected = paired_ratio(losses[name], losses["quantum"])
        row = ratios.loc[(100, name)]
        assert row["ratio"] == pytest.approx(expected.estimate)
        assert row["low"] == pytest.approx(expected.low)
        assert row["high"] == pytest.approx(expected.high)
    assert ratios.loc[(100, "classical"), "ratio"] > 2
    assert "unitary_re" not in ratios.index.get_level_values("rival")


@pytest.mark.slow
def test_rungs_go_from_the_simplest_up_without_the_baselines(study):
    rungs = rungs_of(ratios_to_challenger(study[0]), study[1])
    assert rungs == [name for name in SIMPLICITY if not name.startswith("classical")]
    assert rungs[0] == "mean" and "oracle" not in rungs and "orthogonal" in rungs
    labels = [tick.get_text() for tick in drawn(study).axes[0].get_yticklabels()]
    assert labels == rungs


def test_a_baseline_is_a_rung_where_attribution_names_it(study):
    comparisons, attribution = study
    named = attribution.assign(simplest="classical")
    rungs = rungs_of(ratios_to_challenger(comparisons), named)
    assert "classical" in rungs and "classical_dense" not in rungs


def test_a_newcomers_own_model_is_a_rung(study):
    comparisons, attribution = study
    own = comparisons.replace({"baseline": {"square": "newcomers_own"}})
    assert rungs_of(ratios_to_challenger(own), attribution)[-1] == "newcomers_own"


def test_points_limits_and_the_line_at_one_are_where_they_belong(study):
    figure = drawn(study)
    ratios = ratios_to_challenger(study[0]).set_index(["n", "rival"])
    rungs = rungs_of(ratios.reset_index(), study[1])
    panel = panel_of(figure, 200)
    assert panel.get_xscale() == "log"
    for name in ("mean", "pca", "linear", "square"):
        height, row = rungs.index(name), ratios.loc[(200, name)]
        (point,) = points_of(panel, height)
        assert point.get_xdata()[0] == pytest.approx(row["ratio"])
        limits = [
            line
            for line in panel.lines
            if list(line.get_ydata()) == [height] * 2 and line.get_linestyle() == "-"
        ]
        (interval,) = limits
        assert np.allclose(interval.get_xdata(), [row["low"], row["high"]])
        hollow = row["verdict"] == "not distinguishable"
        assert (point.get_markerfacecolor() == "white") == hollow
        assert point.get_color() == style_of(name).colour
    (point,) = points_of(panel, rungs.index("quantum"))
    assert point.get_xdata()[0] == 1.0
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in panel.lines)
    left, right = panel.get_xlim()
    assert left < 1 < right
    ticks = [tick for tick in panel.get_xticks() if left <= tick <= right]
    assert 1.0 in ticks and 2 <= len(ticks) <= 3


def test_the_simplest_that_does_as_well_is_shaded_and_the_verdict_told(study):
    figure = drawn(study)
    rungs = rungs_of(ratios_to_challenger(study[0]), study[1])
    for n in SIZES:
        judged_here = study[1].set_index("n").loc[n]
        panel = panel_of(figure, n)
        assert panel.get_title("left") == f"n = {n}\n{judged_here['verdict']}"
        assert judged_here["verdict"] == "not distinct"
        (band,) = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
        middle = band.get_y() + band.get_height() / 2
        assert rungs[round(middle)] == judged_here["simplest"]
    assert "Shaded: the simplest model that does as well as quantum" in texts_of(figure)


@pytest.mark.slow
def test_where_quantum_is_distinct_nothing_is_shaded():
    def loss(model, stage, n):
        return 1e-6 if model == "quantum" else 1e-3

    study = judged(make_metrics(("synthetic-6q",), SIZES, seeds=4, loss=loss))
    figure = drawn(study)
    assert all(panel_of(figure, n).get_title("left").endswith("\ndistinct") for n in SIZES)
    assert not any(ax.patches for ax in figure.axes)
    assert "Shaded" not in texts_of(figure)
    assert figure.axes[0].get_xlim()[1] > 1000


@pytest.mark.slow
def test_a_rung_without_a_ratio_says_so_and_divergence_is_told():
    figure = drawn(judged(diverge(study_metrics(), "square", 100, 1)))
    words = [text.get_text() for text in panel_of(figure, 100).texts]
    assert words == ["undefined"]
    assert not panel_of(figure, 200).texts
    assert "square at n = 100 (1)" in texts_of(figure)


@pytest.mark.slow
def test_rivals_that_attribution_asks_for_and_lacks_are_told():
    metrics = study_metrics()
    figure = drawn(judged(metrics[~metrics["model"].isin(["linear_tuned", "pca_cv"])]))
    assert "pca_cv, linear_tuned (n = 50, 100, 200, 500)" in texts_of(figure)


def test_a_very_wide_interval_does_not_flatten_the_others(study):
    comparisons, attribution = study
    hit = (comparisons["baseline"] == "mean") & (comparisons["n"] == 50)
    wide = comparisons.assign(ratio_low=comparisons["ratio_low"].mask(hit, 1e-9))
    figure = drawn((wide, attribution))
    assert figure.axes[0].get_xlim()[1] < 30
    assert "cut at its end" in texts_of(figure)
    assert "cut at its end" not in texts_of(drawn(study))


@pytest.mark.slow
def test_the_ladder_is_read_drawn_and_saved(tmp_path):
    metrics = pd.concat(
        [study_metrics(), study_metrics().assign(protocol="converged", dataset="digits")],
        ignore_index=True,
    )
    tables = dict(zip(("comparisons", "attribution"), judged(metrics), strict=True))
    words = saved_words(tmp_path, plot_ladder, tables, "digits", "converged")
    assert "digits, protocol converged: the ladder of attribution" in words


def test_a_quantum_model_without_rivals_has_a_figure_that_says_so(tmp_path):
    alone = judged(study_metrics().query("model == 'quantum'"))
    tables = dict(zip(("comparisons", "attribution"), alone, strict=True))
    words = saved_words(tmp_path, plot_ladder, tables, "synthetic-6q", "article")
    assert "quantum has no rival" in words
