"""The ladder and transfer: intervals in rows, cut, unbounded or undefined."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from helpers.figures import SIZES, figure_of, study_metrics
from helpers.metrics import diverge, make_metrics
from helpers.names import MODELS, STUDENTS
from qdistill.figures.rows import (
    RETAINED_LIMITS,
    draw_ladder,
    draw_transfer,
    ratios_to_challenger,
    row_labels,
    rungs_of,
)
from qdistill.judgement.attribution import BASELINES, attribute
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.statistics import paired_ratio
from qdistill.judgement.transfer import judge_transfer
from qdistill.study.registry import SIMPLICITY, stages_of
from qdistill.study.styles import style_of


def judged(metrics):
    comparisons = compare_study(metrics)
    return comparisons, attribute(comparisons)


@pytest.fixture(scope="module")
def study():
    return judged(study_metrics())


@pytest.fixture(scope="module")
def transfer():
    """At 50 and 100 there is a lead, over a baseline not compared with the mean; at 500 none."""
    return judge_transfer(study_metrics().query("model != 'mean'"))


def panel_of(figure, n):
    return next(ax for ax in figure.axes if ax.get_title("left").split("\n")[0] == f"n = {n:,}")


def drawn_in_row(panel, height):
    """Estimates and ends of intervals in one row."""
    own = [line for line in panel.lines if set(line.get_ydata()) == {height}]
    ends = [line.get_xdata() for line in own if len(line.get_xdata()) == 2]
    return [line for line in own if line.get_marker() == "o"], ends


@pytest.mark.slow
def test_a_rung_is_the_rivals_error_over_that_of_quantum(study):
    metrics = study_metrics()
    ratios = ratios_to_challenger(study[0]).set_index(["n", "rival"])
    runs = metrics[(metrics["n"] == 100) & (metrics["stage"] == "trained")]
    losses = runs.pivot(index="seed", columns="model", values="heldout_loss")
    for name in ("classical", "pca", "square"):
        expected = paired_ratio(losses[name], losses["quantum"])
        found = ratios.loc[(100, name), ["ratio", "low", "high"]].astype(float)
        assert found.tolist() == pytest.approx([expected.estimate, expected.low, expected.high])
    assert ratios.loc[(100, "classical"), "ratio"] > 2
    assert "unitary_re" not in ratios.index.get_level_values("rival")


def test_rungs_go_from_the_simplest_up_without_the_baselines(study):
    comparisons, attribution = study
    ratios = ratios_to_challenger(comparisons)
    rungs = rungs_of(ratios, attribution)
    assert rungs == [name for name in SIMPLICITY if name in MODELS and name not in BASELINES]
    figure, _ = figure_of(draw_ladder, *study)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == rungs
    named = rungs_of(ratios, attribution.assign(simplest="classical"))
    assert "classical" in named and "classical_dense" not in named
    own = comparisons.replace({"baseline": {"square": "newcomers_own"}})
    assert rungs_of(ratios_to_challenger(own), attribution)[-1] == "newcomers_own"


def test_points_limits_and_the_line_at_one_are_where_they_belong(study):
    figure, _ = figure_of(draw_ladder, *study)
    ratios = ratios_to_challenger(study[0]).set_index(["n", "rival"])
    rungs = rungs_of(ratios.reset_index(), study[1])
    panel = panel_of(figure, 200)
    assert panel.get_xscale() == "log"
    for name in ("mean", "pca", "linear", "square"):
        row = ratios.loc[(200, name)]
        (point,), (ends,) = drawn_in_row(panel, rungs.index(name))
        assert point.get_xdata()[0] == pytest.approx(row["ratio"])
        assert np.allclose(ends, [row["low"], row["high"]])
        hollow = row["verdict"] in ("not distinguishable", "equivalent")
        assert (point.get_markerfacecolor() == "white") == hollow
        assert point.get_color() == style_of(name).colour
    (point,), _ = drawn_in_row(panel, rungs.index("quantum"))
    assert point.get_xdata()[0] == 1.0
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in panel.lines)
    left, right = panel.get_xlim()
    ticks = [tick for tick in panel.get_xticks() if left <= tick <= right]
    assert left < 1 < right and 2 <= len(ticks) <= 5


def test_the_simplest_that_does_as_well_is_shaded_and_the_verdict_told(study):
    figure, note = figure_of(draw_ladder, *study)
    rungs = rungs_of(ratios_to_challenger(study[0]), study[1])
    for n, judgement in study[1].set_index("n").iterrows():
        panel = panel_of(figure, n)
        assert panel.get_title("left") == f"n = {n}\nnot distinct"
        (band,) = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
        middle = band.get_y() + band.get_height() / 2
        assert rungs[round(middle)] == judgement["simplest"]
    assert "Shaded: the simplest as good as quantum, or not shown to be worse." in note
    assert "cut at its end" not in note


@pytest.mark.slow
def test_where_quantum_is_distinct_nothing_is_shaded():
    def loss(model, stage, n):
        return 1e-6 if model == "quantum" else 1e-3

    study = judged(make_metrics(("synthetic-6q",), SIZES, seeds=4, loss=loss))
    figure, note = figure_of(draw_ladder, *study)
    assert all(panel_of(figure, n).get_title("left").endswith("\ndistinct") for n in SIZES)
    assert not any(ax.patches for ax in figure.axes) and "Shaded" not in note
    assert figure.axes[0].get_xlim()[1] > 1000


@pytest.mark.slow
def test_a_rung_without_a_ratio_says_so_and_what_is_missing_is_told():
    metrics = diverge(study_metrics(), "square", 100, 1)
    metrics = metrics[~metrics["model"].isin(["linear_tuned", "pca_cv"])]
    figure, note = figure_of(draw_ladder, *judged(metrics))
    assert [text.get_text() for text in panel_of(figure, 100).texts] == ["undefined"]
    assert not panel_of(figure, 200).texts
    assert "square at n = 100 (1)" in note
    assert "asks for it: pca_cv, linear_tuned, at n: 50, 100, 200, 500." in note


def test_diamonds_are_as_good_and_hollow_ones_not_told_apart():
    errors = {"quantum": 0.002, "square": 0.002, "pca": 0.00202}

    def loss(model, stage, n):
        return errors.get(model, 0.004)

    study = judged(make_metrics(("synthetic-6q",), (100,), loss=loss, noise=0.002))
    figure, note = figure_of(draw_ladder, *study)
    rungs = rungs_of(ratios_to_challenger(study[0]), study[1])
    looks = {}
    for name in ("square", "pca", "mean"):
        rows = [line for line in figure.axes[0].lines if {*line.get_ydata()} == {rungs.index(name)}]
        (point,) = [line for line in rows if len(line.get_xdata()) == 1]
        looks[name] = (point.get_marker(), point.get_markerfacecolor() == "white")
    assert looks == {"square": ("D", True), "pca": ("D", False), "mean": ("o", False)}
    assert "Diamonds: as good as quantum, shown to differ by less than 2 %." in note


def test_a_very_wide_interval_does_not_flatten_the_others(study):
    comparisons, attribution = study
    hit = (comparisons["baseline"] == "mean") & (comparisons["n"] == 50)
    wide = comparisons.assign(ratio_low=comparisons["ratio_low"].mask(hit, 1e-9))
    figure, note = figure_of(draw_ladder, wide, attribution)
    assert figure.axes[0].get_xlim()[1] < 30 and "cut at its end" in note


def test_a_quantum_model_without_rivals_has_a_figure_that_says_so():
    figure, note = figure_of(draw_ladder, *judged(study_metrics().query("model == 'quantum'")))
    assert "quantum has no rival" in figure.texts[0].get_text() and not note


@pytest.mark.slow
def test_retained_fractions_are_drawn_where_they_are(transfer):
    figure, note = figure_of(draw_transfer, transfer)
    rows, panel = [*row_labels(transfer)], panel_of(figure, 100)
    assert len(rows) == sum(len(stages_of(name)) for name in STUDENTS)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert len(set(labels)) == len(rows) == len(labels)
    chosen = transfer[transfer["n"] == 100].set_index(["student", "stage"])
    row = chosen.loc[("distilled_pool", "distilled")]
    (point,), (ends,) = drawn_in_row(panel, rows.index(("distilled_pool", "distilled")))
    assert point.get_xdata()[0] == pytest.approx(row["retained"])
    assert np.allclose(ends, [row["ci_low"], row["ci_high"]])
    assert {0, 1, 0.2, 0.8} <= {line.get_xdata()[0] for line in panel.lines}
    students = list(dict.fromkeys(student for student, _ in rows))
    shaded = {h for h, (student, _) in enumerate(rows) if students.index(student) % 2 == 0}
    assert {patch.get_y() + 0.5 for patch in panel.patches} == shaded
    assert set(transfer[transfer["n"] == 500]["verdict"]) == {"undefined"}
    assert "n = 500" not in [ax.get_title() for ax in figure.axes]
    assert not panel_of(figure, 50).texts
    assert "since the circuit is not shown to beat the classical baseline, at n: 500." in note


def test_without_a_lead_at_any_n_there_are_no_panels_but_the_reasons(transfer):
    nothing = transfer[transfer["n"] == 500]
    figure, note = figure_of(draw_transfer, nothing)
    (ax,) = figure.axes
    (text,) = ax.texts
    assert text.get_text() == "At no n is there a lead that a student could retain."
    assert not ax.lines and "at n: 500." in note


def test_an_undefined_row_among_others_says_so_at_its_place(transfer):
    changed = transfer[transfer["n"] == 100].copy()
    hit = (changed["student"] == "self_distilled").to_numpy()
    changed.loc[hit, ["verdict", "retained", "reason"]] = ["undefined", np.nan, "one_seed"]
    figure, _ = figure_of(draw_transfer, changed)
    (text,) = [t for t in panel_of(figure, 100).texts if t.get_text() == "undefined"]
    assert text.xy[1] == [*row_labels(changed)].index(("self_distilled", "distilled"))


def one_row(transfer, **changes):
    chosen = transfer[(transfer["student"] == "distilled_pool") & (transfer["n"] == 100)]
    figure, note = figure_of(draw_transfer, chosen.assign(**changes))
    return figure.axes[0], note


def test_an_unbounded_interval_has_arrows_on_its_open_sides(transfer):
    left, right = RETAINED_LIMITS
    for limits, edges in (
        ((-np.inf, np.inf), {left, right}),
        ((-np.inf, 0.9), {left}),
        ((-0.7, 2.0), set()),
    ):
        panel, note = one_row(transfer, ci_low=limits[0], ci_high=limits[1])
        arrows = {line.get_xdata()[0] for line in panel.lines if isinstance(line.get_marker(), int)}
        assert arrows == edges
        assert ("unbounded" in note) == bool(edges) and ("ends of the axes" in note) == (not edges)


@pytest.mark.parametrize(
    ("retained", "words", "end"), [(-36.2, "\N{MINUS SIGN}36", 0), (2.74, "2.7", 1)]
)
def test_an_estimate_beyond_the_axis_is_a_number_at_its_end(transfer, retained, words, end):
    limits = {"ci_low": retained - 0.1, "ci_high": retained + 0.1}
    panel, note = one_row(transfer, retained=retained, **limits)
    (text,) = panel.texts
    assert (text.get_text(), text.xy[0]) == (words, end)
    assert "ends of the axes" in note


def test_an_estimate_without_limits_is_drawn_and_diverged_seeds_are_told(transfer):
    panel, note = one_row(transfer, ci_low=np.nan, ci_high=np.nan, verdict="undecided", diverged=3)
    points, ends = drawn_in_row(panel, 0)
    assert len(points) == 1 and not ends
    assert "distilled_pool at n = 100 (3 seeds)" in note
