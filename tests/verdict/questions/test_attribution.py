"""Whose an advantage is."""

from helpers.metrics import diverge, make_metrics
from helpers.verdict import ONE, leveled, only_part, part_of, said, tables_of
from qdistill.judgement.attribution import is_rival
from qdistill.study.registry import MODELS
from qdistill.verdict.questions import attribution


def test_a_distinct_advantage_names_its_closest_rival():
    loss = leveled(quantum=0.001, pca_cv=0.0015)
    text = said(attribution, part_of(MODELS, loss=loss))
    rivals = sum(map(is_rival, MODELS))
    assert text.startswith(f"*Distinct* at every n: `quantum` beats each of {rivals} rivals, the")
    assert "rivals, the closest being `pca_cv` (ratio 0.6" in text
    assert "Beside the controls `quantum` is better than `square`, `frozen_circuit` and" in text


def test_the_simplest_model_that_does_as_well_is_named_at_each_n():
    def loss(model, stage, n):
        as_good = {100: "square", 1000: "mean"}[n]
        return 0.001 if model in ("quantum", as_good) else 0.004

    part = part_of(MODELS, loss=loss, random_seed=2)
    text = said(attribution, part)
    rows = part.compared("quantum", "square")
    assert rows.loc[100, "verdict"] == "not distinguishable"
    assert "*Not distinct* at every n: the simplest that `quantum` is not shown to beat is" in text
    assert "`square` at n = 100 (not distinguishable; ratio " in text
    assert "seeds would tell them apart" in text and "`mean` at n = 1000 (" in text


def test_undefined_names_what_is_missing_or_failed():
    names = [name for name in MODELS if name not in ("linear_tuned", "pca_cv")]
    text = said(attribution, part_of(names, loss=leveled(quantum=0.001)))
    assert (
        "*Undefined* at every n: it needs `pca_cv` and `linear_tuned`, which the study does" in text
    )
    metrics = make_metrics(**ONE, names=MODELS, loss=leveled(quantum=0.001))
    text = said(attribution, only_part(tables_of(diverge(metrics, "linear", 100, 0))))
    assert "*Distinct* at n = 1000" in text
    assert "*Undefined* at n = 100: `linear` could not be compared" in text
    assert "not comparable" not in text


def test_the_tuned_models_are_compared_with_one_another():
    text = said(attribution, part_of(MODELS, loss=leveled(quantum_tuned=0.006)))
    assert "tuned inside the n examples, `quantum_tuned` is worse than `linear_tuned` at" in text
