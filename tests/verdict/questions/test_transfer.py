"""Whether students retain the advantage."""

import re
from dataclasses import replace

import numpy as np

from helpers.metrics import diverge, make_metrics
from helpers.verdict import FEW, ONE, leveled, only_part, part_of, said, tables_of
from qdistill.verdict.questions import transfer


def test_who_retains_what_is_grouped_by_answer():
    loss = leveled(quantum=0.002, mean=0.008, unitary_re=0.003, unitary_re_zero_shot=0.01)
    names = (*FEW, "compiled", "unitary_re", "distilled_pool")
    text = said(transfer, part_of(names, loss=loss))
    assert "The advantage at every n is *retained* by `compiled` (1 [1, 1], at n = 100)" in text
    assert re.search(r"\*partial\* by `unitary_re` fine-tuned \(0\.(4[5-9]|5[0-5])", text)
    assert "*collapsed* by `unitary_re` zero-shot and `distilled_pool` (-" in text


def test_an_undecided_fraction_says_how_many_seeds_would_decide_it():
    loss = leveled(quantum=0.0036, distilled_train=0.0038)
    few = dict(sizes=(100,), seeds=6, noise=0.05, random_seed=1)
    part = part_of((*FEW, "distilled_train"), loss=loss, **few)
    (row,) = part.transfer.itertuples()
    assert row.verdict == "undecided" and np.isfinite(row.seeds_needed)
    text = said(transfer, part)
    assert f"*undecided* by `distilled_train` ({row.retained:.3g} [" in text
    assert f"about {row.seeds_needed:.0f} seeds would decide, now 6)" in text


def test_nothing_to_keep_gives_its_reason_and_what_would_decide():
    part = part_of((*FEW, "compiled"), loss=leveled(quantum=0.008))
    text = said(transfer, part)
    assert "*undefined* at every n, where `quantum` is not shown to beat `classical`" in text
    assert "seeds" not in text  # it is shown to be worse: no number of seeds is wanting
    part = part_of((*FEW, "compiled"), loss=leveled(), random_seed=1)
    needed = part.transfer["seeds_needed"].dropna()
    assert len(needed) and f"about {needed.min():.0f}" in said(transfer, part)


def test_a_diverged_student_is_undefined_alone():
    metrics = make_metrics(**ONE, names=(*FEW, "distilled_train", "distilled_pool"))
    part = only_part(tables_of(diverge(metrics, "distilled_train", 100, 0)))
    reason = "a diverged run has no finite error for `distilled_train`"
    assert f"It is *undefined* at n = 100: {reason}." in said(transfer, part)


def test_models_without_the_circuit_are_put_through_the_same_formula():
    loss = leveled(quantum=0.002, mean=0.002, pca=0.0019, classical=0.008)
    text = said(transfer, part_of((*FEW, "pca", "linear", "compiled"), loss=loss))
    assert "Models that never saw the circuit keep more than 0.8 too: `mean` and `pca`" in text
    assert "`linear`" not in text


def test_distillation_alone_is_compared_with_the_baseline():
    text = said(transfer, part_of((*FEW, "self_distilled"), loss=leveled(self_distilled=0.002)))
    assert "`self_distilled` is better than `classical` at every n (ratio 0.5" in text


def test_an_advantage_that_holm_does_not_confirm_is_said_to_rest_on_single_tests():
    part = part_of((*FEW, "compiled"), loss=leveled(quantum=0.003))
    table = part.comparisons.copy()
    hit = (table["challenger"] == "quantum") & (table["baseline"] == "classical")
    doubt = "every n (not confirmed by Holm's correction at n = 100 and 1000)"
    assert doubt not in said(transfer, part)
    table.loc[hit, "verdict"] = "not distinguishable"
    assert doubt in said(transfer, replace(part, comparisons=table))
