"""The transfer figure: retained fractions, open intervals and undefined ones."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers.figures import figure_of, saved_words, study_metrics, texts_of
from qdistill.figures.transfer import AXIS_LIMITS, draw_transfer, plot_transfer, row_labels
from qdistill.judgement.transfer import judge_transfer
from qdistill.study.registry import STUDENTS, stages_of


@pytest.fixture(scope="module")
def transfer():
    """At 50 and 100 there is a lead to retain, at 500 there is none."""
    return judge_transfer(study_metrics())


def panel_of(figure, title):
    return next(ax for ax in figure.axes if ax.get_title("left") == title)


@pytest.mark.slow
def test_retained_fractions_are_drawn_where_they_are(transfer):
    figure = figure_of(draw_transfer, transfer)
    chosen = transfer[transfer["n"] == 100].set_index(["student", "stage"])
    panel = panel_of(figure, "n = 100")
    height = row_labels(transfer).index(("distilled_pool", "distilled"))
    row = chosen.loc[("distilled_pool", "distilled")]
    at_height = [line for line in panel.lines if set(line.get_ydata()) == {height}]
    points = [line.get_xdata() for line in at_height]
    assert any(np.allclose(x, row["retained"]) for x in points if len(x) == 1)
    limits = [row["ci_low"], row["ci_high"]]
    assert any(np.allclose(x, limits) for x in points if len(x) == 2)
    assert {0, 1, 0.2, 0.8} <= {line.get_xdata()[0] for line in panel.lines}


def test_where_there_is_no_lead_the_panel_says_undefined(transfer):
    assert set(transfer[transfer["n"] == 500]["verdict"]) == {"undefined"}
    figure = figure_of(draw_transfer, transfer)
    words = [text.get_text() for text in panel_of(figure, "n = 500").texts]
    assert words == ["undefined"]
    assert not panel_of(figure, "n = 50").texts
    assert "Undefined at n = 500: quantum does not beat classical" in texts_of(figure)


def test_an_undefined_row_among_others_says_so_at_its_place(transfer):
    changed = transfer[transfer["n"] == 100].copy()
    hit = (changed["student"] == "self_distilled").to_numpy()
    changed.loc[hit, ["verdict", "retained", "reason"]] = ["undefined", np.nan, "a reason"]
    figure = figure_of(draw_transfer, changed)
    (text,) = [t for t in panel_of(figure, "n = 100").texts if t.get_text() == "undefined"]
    assert text.xy[1] == row_labels(changed).index(("self_distilled", "distilled"))


def test_every_student_and_stage_has_a_row_and_rows_of_a_student_share_a_shade(transfer):
    rows = row_labels(transfer)
    assert len(rows) == sum(len(stages_of(name)) for name in STUDENTS)
    figure = figure_of(draw_transfer, transfer)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert len(set(labels)) == len(rows) == len(labels)
    shaded = {patch.get_y() + 0.5 for patch in panel_of(figure, "n = 50").patches}
    students = list(dict.fromkeys(student for student, _ in rows))
    expected = {h for h, (student, _) in enumerate(rows) if students.index(student) % 2 == 0}
    assert shaded == expected


def one_row(transfer, **changes):
    chosen = transfer[(transfer["student"] == "distilled_pool") & (transfer["n"] == 100)]
    return chosen.assign(**changes)


def test_an_unbounded_interval_has_arrows_on_its_open_sides(transfer):
    for low, high, edges in (
        (-np.inf, np.inf, set(AXIS_LIMITS)),
        (-np.inf, 0.9, {AXIS_LIMITS[0]}),
        (-0.7, 2.0, set()),
    ):
        figure = figure_of(draw_transfer, one_row(transfer, ci_low=low, ci_high=high))
        (panel,) = figure.axes
        arrows = {line.get_xdata()[0] for line in panel.lines if isinstance(line.get_marker(), int)}
        assert arrows == edges
        assert ("unbounded" in texts_of(figure)) == bool(edges)
        assert ("axes end" in texts_of(figure)) == (not edges)


@pytest.mark.parametrize(("retained", "words"), [(-36.2, "\N{MINUS SIGN}36"), (2.74, "2.7")])
def test_an_estimate_beyond_the_axis_is_a_number_at_its_end(transfer, retained, words):
    figure = Figure()
    low, high = retained - 0.1, retained + 0.1
    draw_transfer(figure, one_row(transfer, retained=retained, ci_low=low, ci_high=high))
    (text,) = figure.axes[0].texts
    assert text.get_text() == words
    assert text.xy[0] == (AXIS_LIMITS[0] if retained < 0 else AXIS_LIMITS[1])
    assert "The axes end at \N{MINUS SIGN}0.5 and 1.5" in texts_of(figure)


def test_an_estimate_without_limits_is_drawn_without_a_line(transfer):
    figure = figure_of(
        draw_transfer, one_row(transfer, ci_low=np.nan, ci_high=np.nan, verdict="undecided")
    )
    at_row = [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0]]
    assert len(at_row) == 1
    assert not [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0, 0]]


def test_diverged_seeds_are_told_in_the_transfer_figure(transfer):
    figure = figure_of(draw_transfer, one_row(transfer, diverged=3))
    assert "distilled_pool at n = 100 (3 seeds)" in texts_of(figure)


def test_many_sizes_are_wrapped_into_rows_of_panels(transfer):
    sizes = (50, 60, 70, 80, 90, 100, 110)
    many = pd.concat([one_row(transfer, n=n) for n in sizes])
    figure = figure_of(draw_transfer, many)
    shown = [ax.get_title("left") for ax in figure.axes if ax.axison]
    assert shown == [f"n = {n}" for n in sizes]


@pytest.mark.slow
def test_the_transfer_figure_is_read_drawn_and_saved(tmp_path, transfer):
    where = ("synthetic-6q", "article")
    words = saved_words(tmp_path, plot_transfer, {"transfer": transfer}, *where)
    assert "synthetic-6q, protocol article" in words
