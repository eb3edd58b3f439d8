"""Answers to the open questions, for losses and tables that are known."""

import gc
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from helpers.downstream import make_downstream
from helpers.metrics import EVERY_NAME, diverge, make_metrics, make_sweep
from helpers.verdict import ONE, leveled, only_part, tables_of
from qdistill.study.registry import MODELS
from qdistill.verdict.questions import (
    attribution,
    crossover,
    downstream,
    overfitting,
    phase,
    real_part,
    transfer,
)
from qdistill.verdict.students import name_students

FEW = ("mean", "classical", "quantum")


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Spare statsmodels, which collects garbage at each call, the objects of other tests."""
    gc.freeze()
    yield
    gc.unfreeze()


@cache
def standard():
    """The only problem of the typical study at n = 100 and 1000, which no test changes."""
    return only_part(tables_of(make_metrics(**ONE)))


def part_of(names, sweep=None, **settings):
    settings = {**ONE, **settings}
    metrics = make_metrics(names=names, **settings)
    return only_part(tables_of(metrics, sweep(metrics) if sweep else None))


def said(question, part):
    return " ".join(finding.text for finding in question.answer(part))


# transfer


def test_who_retains_what_is_grouped_by_answer():
    loss = leveled(quantum=0.002, mean=0.008, unitary_re=0.003, unitary_re_zero_shot=0.01)
    names = (*FEW, "compiled", "unitary_re", "distilled_pool")
    text = said(transfer, part_of(names, loss=loss))
    assert "The advantage at every n is *retained* by `compiled` (1 [1, 1], at n = 100)" in text
    assert "*partial* by `unitary_re` fine-tuned (0.5" in text
    assert "*collapsed* by `unitary_re` zero-shot and `distilled_pool` (-" in text


def test_an_undecided_fraction_says_how_many_seeds_would_decide_it():
    loss = leveled(quantum=0.0036, distilled_train=0.0038)
    part = part_of((*FEW, "distilled_train"), sizes=(100,), seeds=6, noise=0.05, loss=loss)
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
    part = part_of((*FEW, "compiled"), loss=leveled(), random_seed=3)
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


def test_all_layers_of_a_stage_are_named_together():
    everyone = [("compiled", "zero_shot"), ("distilled_pool", "distilled")]
    starts = ["unitary_re", "unitary_im", "random_dense", "unitary_re_squared"]
    everyone += [(name, stage) for name in starts for stage in ("zero_shot", "fine_tuned")]
    zero = [run for run in everyone if run[1] == "zero_shot"]
    assert name_students(zero, everyone) == "`compiled` and all 4 zero-shot layers"
    linear = [(name, "fine_tuned") for name in starts[:3]]
    assert name_students(linear, everyone) == "all 3 fine-tuned layers with linear read-out"
    assert name_students(linear[:2], everyone) == (
        "`unitary_re` fine-tuned and `unitary_im` fine-tuned"
    )


# overfitting


@pytest.mark.parametrize(
    ("gaps", "answer"),
    [
        ((0.2, 0.0), "Yes at every n without a pool, and the largest pool ends it."),
        ((0.2, 0.1), "Yes at every n without a pool, and the largest pool does not end it."),
        ((0.2, 0.05), "Yes at every n without a pool; whether the pool ends it is not settled."),
        ((0.0, 0.0), "No at every n."),
        ((0.05, 0.0), "Not settled at every n."),
    ],
)
def test_whether_the_student_overfits(gaps, answer):
    def sweep(metrics):
        table = make_sweep(metrics, pools=(0, 100, 500), ratio=lambda pool: 1.3 if not pool else 1)
        noise = np.random.default_rng(4).normal(0, 0.005, len(table))
        gap = np.where(table["pool"] == 0, *gaps) + noise
        table["teacher_r2"] = table["teacher_r2_train"] - gap
        return table

    text = said(overfitting, part_of(FEW, sweep, random_seed=5))
    assert text.startswith(answer)
    assert "With the n training rows alone it " in text
    assert "its error is higher than its teacher's at every n (ratio 1.3 [" in text
    assert "With 500 unlabelled rows besides it " in text
    assert "its error is nowhere shown to differ from its teacher's (ratio 1 [" in text
    assert ("seeds would decide, now 10" in text) == (0.05 in gaps)


def test_a_diverged_student_is_not_said_to_overfit_or_not():
    def sweep(metrics):
        table = make_sweep(metrics, pools=(0, 100))
        columns = ["heldout_mse", "teacher_r2", "teacher_r2_train"]
        table.loc[0, [*columns, "diverged"]] = [np.nan, np.nan, np.nan, True]
        return table

    text = said(overfitting, part_of(FEW, sweep))
    assert "Not settled at n = 100." in text and "is *undefined* at n = 100 (diverged runs)" in text


def test_without_a_sweep_of_several_pools_there_is_no_conclusion():
    part = part_of(FEW, lambda metrics: make_sweep(metrics, pools=(0,)))
    assert said(overfitting, part).startswith("With the n training rows alone it *overfits*")


# Re(U)


@pytest.mark.parametrize(
    ("losses", "worth"),
    [
        ({}, "The learned start is nowhere shown to help."),
        ({"unitary_re_fine_tuned": 0.003}, "The learned start is shown to help at every n."),
        (
            {"unitary_re_fine_tuned": 0.006},
            "The learned start is nowhere shown to help, and is shown to hurt at every n.",
        ),
        (
            {"unitary_re_fine_tuned": 0.003, "random_orthogonal": 0.002},
            "The learned start is nowhere shown to help.",
        ),
    ],
)
def test_a_learned_start_must_beat_every_random_one(losses, worth):
    names = (*FEW, "unitary_re", "random_dense", "random_orthogonal")
    text = said(real_part, part_of(names, loss=leveled(quantum=0.001, **losses)))
    assert text.startswith(worth)
    assert "The retained fraction is " in text


def test_the_real_part_as_it_is():
    loss = leveled(unitary_re_zero_shot=0.02)
    text = said(real_part, part_of((*FEW, "unitary_re"), loss=loss))
    assert "Zero-shot, it is worse than `mean` and `classical` at every n (ratios " in text
    assert "learned start" not in text  # nothing to tell it by


# phase


@pytest.mark.parametrize(("loss", "where"), [(0.006, "at every n"), (0.004, "at no n")])
def test_whether_phases_help_the_circuit(loss, where):
    text = said(phase, part_of(("quantum", "real_circuit"), loss=leveled(real_circuit=loss)))
    assert text.startswith(f"Phases are shown to help the circuit {where}. `quantum` is ")


def test_other_parts_of_the_unitary_are_set_beside_the_real_one():
    starts = [name for name in EVERY_NAME if name.startswith("unitary_")]
    loss = leveled(unitary_im_fine_tuned=0.003, unitary_abs_squared=0.005)
    text = said(phase, part_of(("quantum", *starts), loss=loss))
    assert "Fine-tuned, against `unitary_re`: `unitary_im` better at every n (ratio 0.7" in text
    assert "Fine-tuned, against `unitary_re_squared`: `unitary_abs_squared` worse at" in text
    assert "Against the squared read-out of the same matrix: `unitary_im` and `unitary_abs`" in text


# crossover


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("crossover", 300, 0, np.inf)], "catches up at n = 300 [no limit within the grid]"),
        ([("crossover", 300, 250, np.inf)], "[250, beyond the grid] (between the measured 100"),
        ([("crossover", 300, 0, 400)], "[below the grid, 400]"),
        ([("none", np.nan, np.nan, np.nan)], "`quantum` stays ahead of `classical` from n = 100"),
        ([("outside grid", np.nan, 700, np.inf)], "crossover in [700, beyond the grid] is not"),
        (
            [("several", 150, 120, np.inf), ("several", 300, 120, np.inf)],
            "n = 150 and 300, all within the interval [120, beyond the grid], which noise alone",
        ),
        (
            [("several", 150, 120, 180), ("several", 300, 290, 310)],
            "n = 150 [120, 180] and 300 [290, 310].",
        ),
        (
            [("undefined", np.nan, np.nan, np.nan)],
            "*Undefined* for `classical`: told apart at no n",
        ),
    ],
)
def test_every_kind_of_crossover_has_its_sentence(rows, expected):
    part = standard()
    table = part.crossover[part.crossover["baseline"] == "classical"]
    table = table.loc[table.index.repeat(len(rows))].reset_index(drop=True)
    table["ahead_below"] = "quantum"
    table[["verdict", "n_star", "ci_low", "ci_high"]] = rows
    assert expected in said(crossover, replace(part, crossover=table))


def test_a_baseline_that_falls_behind_is_overtaken():
    part = standard()
    table = part.crossover.assign(
        verdict="crossover", ahead_below=part.crossover["baseline"], n_star=200.0
    )
    assert "`pca` is overtaken at n = 200" in said(crossover, replace(part, crossover=table))


def test_an_order_that_holm_does_not_confirm_at_an_end_is_said():
    part = standard()
    table, comparisons = part.crossover.copy(), part.comparisons.copy()
    table = table[table["baseline"] == "classical"].assign(verdict="none", ahead_below="quantum")
    comparisons["verdict"] = "not distinguishable"
    text = said(crossover, replace(part, crossover=table, comparisons=comparisons))
    assert "(for `classical` not confirmed by Holm's correction at n = 100 and 1000)." in text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sizes": (100,)}, "only one n was measured"),
        ({"seeds": 1}, "there is only one seed"),
        ({"noise": 0.0, "loss": leveled()}, "there is no spread over the seeds"),
        ({"loss": leveled(), "random_seed": 1}, "would tell them apart at one n at least, now 10"),
    ],
)
def test_why_no_crossover_can_be_told(settings, reason):
    text = said(crossover, part_of(("classical", "quantum"), **settings))
    assert text.startswith("*Undefined* for `classical`: ") and reason in text


def test_a_diverged_baseline_has_no_crossover():
    metrics = diverge(make_metrics(**ONE, names=("classical", "quantum")), "classical", 100, 0)
    assert "a diverged run has no finite error" in said(crossover, only_part(tables_of(metrics)))


# attribution


def test_a_distinct_advantage_names_its_closest_rival():
    loss = leveled(quantum=0.001, pca_cv=0.0015)
    text = said(attribution, part_of(MODELS, loss=loss))
    assert text.startswith("*Distinct* at every n: `quantum` beats each of 9 rivals, the closest")
    assert "being `pca_cv` (ratio 0.6" in text
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


# use of the codes


def part_with_codes(names=("pca", "linear", "quantum", "compiled", "unitary_re"), **settings):
    metrics = make_metrics(**ONE, names=names)
    return only_part(tables_of(metrics, downstream=make_downstream(metrics, **settings)))


def test_codes_that_find_fewer_neighbours_than_pca():
    part = part_with_codes(recall={"pca": 0.7, "linear": 0.65})
    text = said(downstream, part)
    table = part.downstream
    mean = table[(table["model"] == "pca") & (table["n"] == 100)]["recall"].mean()
    lead = "Neighbours by cosine similarity among 800 rows, recall@10"
    assert f"{lead}: `pca` {mean:.3g} [" in text
    assert "Of 3 codes of circuits and their students, none is shown to be better than PCA" in text
    assert "Of 1 other code, none is shown to be better than PCA codes of the same n rows" in text
    assert "the highest at n = 100 is `linear` (recall@10 0.6" in text
    row = part.downstream_comparisons.query("challenger == 'linear' and measure == 'recall'")
    assert f"difference {row['difference'].iloc[0]:.3g} [" in text and ", worse)" in text


def test_a_code_that_is_better_is_named_with_its_n():
    part = part_with_codes(recall={"quantum": 0.6}, accuracy={"unitary_re": 0.7, "pca": 0.55})
    text = said(downstream, part)
    assert "1 is shown to be better, `quantum` at every n, than PCA codes" in text
    assert "1 is shown to be better, `unitary_re` fine-tuned at every n, than the full vec" in text
    assert "(guessing is right in 0.0333 of them, always naming the most frequent class in" in text
    assert "1 is shown to be better, `pca` at every n, than the full vectors" in text


def test_a_probe_without_classes_is_undefined_with_its_reason():
    text = said(downstream, part_with_codes(reason="the data set has no labels"))
    assert text.endswith("The probe is *undefined*: the data set has no labels.")
    assert "accuracy" not in text


def test_what_the_seeds_leave_open_says_how_many_would_decide():
    part = part_with_codes(random_seed=2)
    table = part.downstream_comparisons
    rows = table[(table["measure"] == "recall") & (table["challenger"] != "linear")]
    unsettled = rows[rows["verdict"] == "not distinguishable"]
    assert len(unsettled) > 2
    text = said(downstream, part)
    assert f"{len(unsettled)} of {len(rows)} comparisons are not distinguishable (about " in text


def test_what_holm_takes_back_is_not_confirmed():
    part = part_with_codes(names=("pca", "quantum"), recall={"pca": 0.6})
    table = part.downstream_comparisons
    assert set(table.loc[table["measure"] == "recall", "verdict"]) == {"worse"}
    doubted = replace(part, downstream_comparisons=table.assign(verdict="not distinguishable"))
    assert ", worse, not confirmed)" in said(downstream, doubted)
    higher = table.assign(verdict="not distinguishable", ci_low=0.1, ci_high=0.2)
    text = said(downstream, replace(part, downstream_comparisons=higher))
    assert ", better, not confirmed)" in text and "none is shown to be better" in text


def test_codes_of_diverged_runs_are_undefined():
    metrics = make_metrics(**ONE, names=("pca", "linear", "quantum"))
    table = make_downstream(metrics)
    hit = (table["model"] == "linear") & (table["seed"] == 0) & (table["n"] == 100)
    table.loc[hit, ["recall", "probe_accuracy"]] = np.nan
    table.loc[hit, "diverged"] = True
    text = said(downstream, only_part(tables_of(metrics, downstream=table)))
    assert "1 is undefined (diverged runs)" in text


def test_codes_without_circuits_or_pca_have_their_sentences():
    text = said(downstream, part_with_codes(names=("linear",), accuracy={"linear": 0.4}))
    assert "circuits" not in text and "PCA" not in text
    assert "Of 1 other code, none" in text and "recall" not in text
    assert said(downstream, part_with_codes(names=("quantum", "pca"))).count("`linear`") == 0


def test_answers_rest_on_rows_even_where_a_table_lacks_the_models():
    empty = part_of(("mean",))
    for question in (transfer, overfitting, real_part, phase, crossover, attribution, downstream):
        assert question.answer(empty) == []
        assert "`" not in question.introduce(empty.names)
    assert isinstance(empty.transfer, pd.DataFrame)
