"""The short answer: controls first, whose the advantage is, and which model to use."""

import re

import pandas as pd

from helpers.metrics import diverge, make_metrics
from helpers.verdict import CIRCUIT, MARKOV, ONE, bullets, described, leveled, only_part, tables_of
from qdistill.judgement.attribution import is_rival
from qdistill.study.registry import MODELS
from qdistill.verdict.document import compose_verdict
from qdistill.verdict.short import recommend, short_answer

RIVALS = sum(map(is_rival, MODELS))


def planted(dataset, settings_of_dataset, **losses):
    """The short answer and the whole text on one planted problem."""
    names = [*MODELS, "compiled", "unitary_re", "distilled_pool"]
    metrics = make_metrics((dataset,), (5, 100), seeds=8, names=names, loss=leveled(**losses))
    about = [described(dataset, projections="identity", **settings_of_dataset)]
    tables = tables_of(metrics)
    text = compose_verdict(tables, "x", about)
    return short_answer(only_part(tables, about)).text, text


def test_the_planted_advantage_is_found_and_compiled_keeps_it():
    short, text = planted("teacher-circuit", CIRCUIT, quantum=1e-6, compiled=1e-6, mean=0.005)
    assert short.startswith(
        "The instrument finds the planted advantage (*distinct*) at every n, and `compiled` "
        "retains it; `quantum` beats `classical` at every n (ratio 0.000245 ["
    )
    ((words, _),) = bullets(text, "Attribution")
    assert f"*Distinct* at every n: `quantum` beats each of {RIVALS} rivals" in words
    ((words, _),) = bullets(text, "Transfer")
    assert re.search(r"at every n is \*retained\* by `compiled`( and `| \()", words)


def test_the_planted_null_is_not_claimed_even_where_the_baseline_is_beaten():
    short, text = planted("markov-null", MARKOV, classical=0.01)
    assert short.startswith(
        "The instrument does not claim the planted null for the circuit; `quantum` beats "
        "`classical` at every n (ratio 0.396 ["
    )
    assert "not distinct: not shown to beat `mean` at every n (not distinguishable)" in short
    ((words, _),) = bullets(text, "Attribution")
    assert "*Not distinct* at every n" in words and "*Distinct*" not in words


def test_an_instrument_that_fails_its_controls_is_said_to_fail():
    short, _ = planted("teacher-circuit", CIRCUIT)
    assert "does **not** find the planted advantage" in short
    short, _ = planted("markov-null", MARKOV, quantum=0.001)
    assert "**the instrument claims the planted null for the circuit at every n**" in short


def test_controls_come_first_and_the_rest_is_counted():
    frames = [
        make_metrics((name,), (100,), seeds=4, loss=leveled(quantum=0.002))
        for name in ("digits", "docstrings", "markov-null", "teacher-circuit")
    ]
    about = [
        described("docstrings", kind="docstrings"),
        described("digits", kind="digits"),
        described("markov-null", **MARKOV),
        described("teacher-circuit", **CIRCUIT),
    ]
    text = compose_verdict(tables_of(pd.concat(frames, ignore_index=True)), "x", about)
    lines = [words for words, _ in bullets(text, "In short")]
    order = ["`teacher-circuit`", "`markov-null`", "In 2 conditions", "`docstrings`", "`digits`"]
    assert all(name in line for name, line in zip(order, lines, strict=False))
    assert "`quantum` beats `classical` in 2; an advantage that is the circuit's own" in lines[2]
    assert lines[2].endswith("is shown in 2.") and lines[-1].startswith("- None of")


def test_the_article_refuted_reads_so():
    short = short_answer(only_part(tables_of(make_metrics(("synthetic-6q",))))).text
    assert "`quantum` beats `classical` at n = 50, 100 and 200 (ratio " in short
    assert ", not at n = 500 and 1000; not distinct: not shown to beat `mean` at n = 50" in short


def test_the_model_to_use_is_the_simplest_that_does_as_well_as_the_best():
    others = {name: 0.1 for name in ("mean", "classical", "linear_tuned")}
    loss = leveled(quantum=0.002, pca=0.002, linear=0.001, **others)
    names = ("mean", "pca", "linear", "classical", "linear_tuned", "quantum")
    part = only_part(tables_of(make_metrics(**ONE, names=names, loss=loss, noise=0.01)))
    best = "the simplest model that does as well as the best, as far as the seeds tell, is"
    assert short_answer(part).text.endswith(f"{best} `linear` at every n.")
    assert recommend(part)[0].text == f"{best} `linear` at every n"
    useless = make_metrics(**ONE, names=names, loss=leveled(**dict.fromkeys(names, 0.1)))
    assert recommend(only_part(tables_of(useless)))[0].text == f"{best} `mean` at every n"
    lost = make_metrics(**ONE, names=("mean", "linear"))
    lost = diverge(diverge(lost, "mean", 100, 0), "linear", 100, 1)
    assert "`linear` at n = 1000" in recommend(only_part(tables_of(lost)))[0].text
    alone = make_metrics(**ONE, names=names, seeds=1)
    assert not recommend(only_part(tables_of(alone)))
    assert best not in planted("markov-null", MARKOV)[0]
