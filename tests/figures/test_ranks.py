"""The critical-difference diagram: every model is there, with its rank, and what is joined."""

from helpers.benchmarks import RANKED as MODELS
from helpers.benchmarks import make_scores
from helpers.figures import figure_of
from qdistill.figures.ranks import draw_ranks
from qdistill.judgement.benchmarks import rank_scores
from qdistill.study.styles import style_of


def test_every_model_is_named_with_its_rank_and_published_ones_are_grey():
    table = rank_scores(make_scores())
    figure, note = figure_of(draw_ranks, table)
    (ax,) = figure.axes
    texts = {text.get_text(): text.get_color() for text in ax.texts}
    ranks = table.groupby(["origin", "model"])["rank"].first()
    for origin, model in MODELS:
        label = model if origin == "ours" else f"{model} (published)"
        rank = f"({ranks[origin, model]:.1f})"
        (found,) = (text for text in texts if text in (f"{label} {rank}", f"{rank} {label}"))
        if origin == "ours":
            assert texts[found] == style_of(model).colour
        else:
            assert texts[found] == "#777777"
    assert "4 models on 30 data sets" in note


def test_a_bar_joins_the_models_that_are_not_told_apart():
    (ax,) = figure_of(draw_ranks, rank_scores(make_scores()))[0].axes
    bars = [line.get_xdata() for line in ax.lines if line.get_color() == "#222222"]
    ranks = rank_scores(make_scores()).groupby(["origin", "model"])["rank"].first()
    near = [ranks[name] for name in MODELS[:3]]
    ((low, high),) = [(min(bar), max(bar)) for bar in bars]
    assert (round(low, 6), round(high, 6)) == (round(min(near), 6), round(max(near), 6))
