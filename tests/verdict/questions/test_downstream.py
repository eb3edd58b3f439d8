"""What codes are good for."""

from dataclasses import replace

import numpy as np

from helpers.downstream import make_downstream
from helpers.metrics import make_metrics
from helpers.verdict import ONE, only_part, said, tables_of
from qdistill.verdict.questions import downstream


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
