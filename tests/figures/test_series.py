"""Series and legends: what steps back, and where limits end."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.figures import axes_of, empty_axes, line_in
from qdistill.figures.axes import set_titles
from qdistill.figures.series import (
    BACKGROUND,
    FAINT_OPACITY,
    add_legend,
    background_of,
    draw_series,
    key_of,
    keys_of,
)
from qdistill.study.registry import MODELS
from qdistill.study.styles import style_of


def test_variants_step_back_only_where_there_are_many_lines():
    assert background_of(MODELS) == set(BACKGROUND)
    assert background_of([*MODELS, "newcomers_own"]) == set(BACKGROUND)
    assert background_of([*sorted(BACKGROUND)[:7], "quantum", "square", "mean"]) == frozenset()


def test_a_pale_series_is_thin_and_has_no_band():
    summary = pd.DataFrame({"n": [1, 2], "mean": [1.0, 2.0], "low": [0.9, 1.9], "high": [1.1, 2.1]})
    style = style_of("separable")
    for faint in (False, True):
        ax = axes_of(draw_series, "n", summary, style, faint)
        (line,) = line_in(ax, style.colour)
        (markers,) = line_in(ax, style.colour, style.marker)
        assert len(ax.collections) == (0 if faint else 1)
        assert (line.get_linewidth() < 1) == faint
        assert line.get_alpha() == markers.get_alpha() == (FAINT_OPACITY if faint else None)
        assert (markers.get_markersize() < style.size) == faint
        assert np.allclose(line.get_ydata(), [1, 2])


@pytest.mark.parametrize(("scale", "expected"), [("log", 0.0), ("linear", -3.0)])
def test_a_limit_below_zero_is_cut_on_a_log_axis_only(scale, expected):
    summary = pd.DataFrame({"n": [1, 2], "mean": [1.0, 1.0], "low": [-3.0, 0.5], "high": [2.0, 2]})
    ax = empty_axes()
    ax.set_yscale(scale)
    draw_series(ax, "n", summary, style_of("quantum"))
    lowest = ax.collections[0].get_paths()[0].vertices[:, 1].min()
    assert lowest == pytest.approx(expected, abs=1e-300)


def test_legend_keys_show_which_series_are_pale():
    keys = keys_of(["quantum", "real_circuit", "square"], faint=["real_circuit"])
    assert list(keys) == ["Circuits", "Controls"]
    alphas = {key.get_label(): key.get_alpha() for group in keys.values() for key in group}
    assert alphas == {"quantum": None, "real_circuit": FAINT_OPACITY, "square": None}
    assert key_of("quantum", label="other words").get_label() == "other words"


@pytest.mark.parametrize("entries", [3, 40])
def test_a_legend_stands_below_the_titles_and_inside_the_figure(entries):
    figure = Figure(figsize=(8, 3))
    ax = figure.add_subplot()
    keys = [Line2D([], [], label=f"name {number}") for number in range(entries)]
    add_legend(figure, {"Many": keys, "None": []})
    set_titles(figure, "a title that is quite long and reaches far to the right", "and how")
    figure.draw_without_rendering()
    (legend,) = figure.legends
    shown = [text.get_window_extent() for text in legend.get_texts()]
    assert len(shown) == entries + 1
    plain = figure.texts[-1]
    assert max(box.y1 for box in shown) < plain.get_window_extent().y0 + 2
    assert min(box.y0 for box in shown) > 0
    assert min(box.x0 for box in shown) > ax.get_window_extent().x1
    assert (figure.get_figheight() > 3) == (entries == 40)
