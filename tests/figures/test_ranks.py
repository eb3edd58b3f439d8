"""The critical-difference diagram: every model is there, with its rank, and what is joined."""

import numpy as np

from helpers.figures import figure_of
from qdistill.figures.ranks import draw_ranks
from qdistill.judgement.benchmarks import rank_scores
from qdistill.storage.tables import make_frame
from qdistill.study.styles import style_of

MODELS = (("ours", "quantum"), ("ours", "logistic"), ("published", "SVC"), ("published", "mean"))


def scores(sets=30):
    """Accuracies of which the last model's are far below and the others' alike."""
    generator = np.random.default_rng(7)
    rows = [
        {
            **{"suite": "s", "data_set": f"d{place}", "origin": origin, "model": model},
            **{"protocol": "regularised" if origin == "ours" else None, "n": 10},
            **{"data_sets": 1, "seeds": 5},
            "accuracy": 0.1 if (origin, model) == MODELS[-1] else generator.uniform(0.5, 1.0),
        }
        for place in range(sets)
        for origin, model in MODELS
    ]
    return make_frame("benchmark_scores", rows)


def test_every_model_is_named_with_its_rank_and_published_ones_are_grey():
    table = rank_scores(scores())
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
    (ax,) = figure_of(draw_ranks, rank_scores(scores()))[0].axes
    bars = [line.get_xdata() for line in ax.lines if line.get_color() == "#222222"]
    ranks = rank_scores(scores()).groupby(["origin", "model"])["rank"].first()
    near = [ranks[name] for name in MODELS[:3]]
    ((low, high),) = [(min(bar), max(bar)) for bar in bars]
    assert (round(low, 6), round(high, 6)) == (round(min(near), 6), round(max(near), 6))
