"""Saving figures: equal files for equal figures, and none that is half written."""

import pytest

from helpers.figures import NO_CROSSOVER, NOTHING_PUBLISHED, axes_of, empty_axes
from qdistill.errors import ConfigurationError
from qdistill.figures.crossover import draw_crossover
from qdistill.figures.gap import draw_gap
from qdistill.figures.save import figure_settings, save_figure


@pytest.mark.slow
def test_equal_figures_are_equal_files(tmp_path, metrics):
    for name in ("first", "second"):
        ax = axes_of(draw_crossover, metrics, NO_CROSSOVER, NOTHING_PUBLISHED)
        save_figure(ax.figure, [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"])
    for suffix in ("svg", "png"):
        first, second = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in ("first", "second"))
        assert first == second
    assert b"<dc:date>" not in (tmp_path / "first.svg").read_bytes()
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigurationError, match=r"figure\.pdf.*\.svg or \.png"):
        save_figure(empty_axes().figure, [tmp_path / "figure.svg", tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_cannot_be_drawn_leaves_no_file(tmp_path):
    ax = empty_axes()
    ax.set_title("$\\nonsense{$")
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(ax.figure, [tmp_path / "figure.svg"])
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_the_settings_as_they_were(metrics):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with figure_settings():
        draw_gap(empty_axes(), metrics)
    assert dict(matplotlib.rcParams) == before
