"""What is found by stored codes, as the card tells it: the table, and what to use."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.metrics import make_metrics, rows_where
from helpers.retrieval import lose_recall, make_retrieval
from qdistill.adapter.evidence import gather_evidence
from qdistill.adapter.seeds import SeedErrors
from qdistill.adapter.stored_codes import FULL, OWN, tabulate_stored
from qdistill.adapter.stored_table import stored_cells
from qdistill.judgement.choice import choose_model
from qdistill.judgement.retrieval import best_method, judge_front
from qdistill.storage.tables import make_frame
from qdistill.wording import estimate

NAMES = ("mean", "pca", "linear", "classical", "quantum", "compiled")
AT = {"dataset": "docstrings", "protocol": "article", "n": 100}
BUDGETS = (8, 48, 64, 256)
ERRORS = {"mean": 0.8, "pca": 0.4, "linear": 0.3, "quantum": 0.2, "compiled": 0.2}


def table_of(name, recall=None, names=NAMES, budgets=BUDGETS, spoil=lambda t: t, width=64):
    """The table of an adapter of this name beside recalls that are chosen; and the front."""
    metrics = make_metrics(("docstrings",), (100,), 10, names, lambda m, s, n: ERRORS.get(m, 0.5))
    front = judge_front(spoil(make_retrieval(metrics, recall)), budgets)
    choice = choose_model(metrics, name, (name,))
    errors = SeedErrors({seed: 0.5 + seed for seed in range(10)}, "made up")
    evidence = gather_evidence(metrics, make_frame("findings"), AT, choice, errors)
    deployment = SimpleNamespace(neighbours=10, width=64)
    return tabulate_stored(front, evidence, deployment, width), front


def sizes(stored, method=OWN):
    return {row["form"]: row["bytes"] for row in stored["rows"] if row["method"] == method}


def told(row):
    return estimate(row["recall"], row["recall_low"], row["recall_high"])


def test_the_table_has_the_adapters_forms_the_best_of_others_and_full_vectors():
    chosen = {"linear": 0.52, "pca int8": 0.74, "pq_pool": 0.7, "raw binary": 0.6}
    stored, front = table_of("linear", chosen)
    own = {"float32": 256, "float16": 128, "int8": 64, "binary": 8, "binary rescored": 8}
    assert sizes(stored) == own
    assert sizes(stored, FULL) == {"float32": 1536, "binary": 48, "binary rescored": 48}
    assert sizes(stored, "`pca`") == {"int8": 64}
    found = [row["bytes"] for row in stored["rows"]]
    assert found == sorted(found) and len(found) <= 12
    (row,) = [row for row in stored["rows"] if row["method"] == OWN and row["form"] == "int8"]
    (measured,) = rows_where(front, method="linear", form="int8").to_dict("records")
    for name in ("recall", "recall_low", "recall_high", "loss"):
        assert row[name] == measured[name]
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


def test_what_to_use_is_what_the_front_says_and_honest_where_that_is_another():
    stored, front = table_of("linear", {"linear": 0.52, "pca int8": 0.74, "raw binary": 0.6})
    used, own = best_method(front, 64), rows_where(front, method="linear", form="int8").iloc[0]
    expected = (
        f"Use `pca` as int8 within 64 and 256 bytes: {told(used)}; this adapter as int8 finds"
    )
    assert used["method"] == "pca" and f". {expected} {told(own)}. This" in stored["use"]
    bits = f". Use full vectors as binary rescored within 48 bytes: {told(best_method(front, 48))};"
    assert bits in stored["use"]
    # In 8 bytes there are only bits of trained codes, of which these find most.
    assert stored["use"].startswith("Use this adapter as binary rescored within 8 bytes: ")
    first = stored["use"].partition(";")[0]
    assert first.endswith(" of the 10 nearest neighbours") and stored["use"].count("nearest") == 1
    assert stored["use"].endswith(" This adapter is not what to use at 48, 64 and 256 bytes.")


def test_a_higher_mean_that_is_not_shown_is_not_used_and_told_so():
    chosen = {"linear": 0.7402, "pca int8": 0.74}
    stored, front = table_of("linear", chosen, budgets=(64,))
    used, own = best_method(front, 64), rows_where(front, method="linear", form="int8").iloc[0]
    assert (used["method"], own["verdict"]) == ("pca", "not told apart")
    assert own["recall"] > used["recall"]
    assert f"this adapter as int8 finds {told(own)}, not shown to be more." in stored["use"]
    other, _ = table_of("pca", chosen, budgets=(64,))
    assert f"`linear` as int8 finds {told(own)}, not shown to be more." in other["use"]


def test_where_the_adapter_is_best_it_is_to_be_used_and_the_best_other_is_named():
    stored, front = table_of("linear", {"linear": 0.9, "pca int8": 0.74}, budgets=(64,))
    own, rival = (rows_where(front, method=name, form="int8").iloc[0] for name in ("linear", "pca"))
    assert stored["use"] == (
        f"Use this adapter as int8 within 64 bytes: {told(own)} of the 10 nearest neighbours; "
        f"`pca` as int8 finds {told(rival)}."
    )


def test_a_budget_that_holds_no_form_of_the_adapter():
    small, _ = table_of("pca", {"pca int8": 0.6}, budgets=(8, 64))
    assert sizes(small) == {"int8": 64}
    assert (
        "within 8 bytes" in small["use"] and "; this adapter has no form so small" in small["use"]
    )
    assert "This adapter is not what to use at 8 bytes." in small["use"]


def test_a_circuit_and_its_matrices_are_no_rivals_of_each_other():
    recall = {"compiled": 0.9, "quantum": 0.95}
    for name, twin in (("compiled", "quantum"), ("quantum", "compiled")):
        stored, _ = table_of(name, recall)
        assert f"`{twin}`" not in json.dumps(stored)
        assert stored["use"].startswith("Use this adapter as binary rescored within 8")


def test_shares_of_variance_are_of_what_reconstructs_in_the_studys_width():
    stored, _ = table_of("linear", {"pca int8": 0.74, "pq_pool": 0.8})
    shares = {(row["method"], row["form"]): row["share"] for row in stored["rows"]}
    own = {share for (method, _), share in shares.items() if method == OWN}
    assert len(own) == 1 and own.pop() == pytest.approx(1 - 0.3 / 0.8, abs=0.02)
    assert shares[FULL, "float32"] is None
    assert shares["`pq_pool`", "product rescored"] is None
    beside, _ = table_of("linear", {"pca int8": 0.74})
    components = {row["form"]: row["share"] for row in beside["rows"] if row["method"] == "`pca`"}
    assert components["int8"] == pytest.approx(1 - 0.4 / 0.8, abs=0.02)
    without, _ = table_of("linear", names=("pca", "linear"))
    assert {row["share"] for row in without["rows"]} == {None}


def test_codes_that_were_not_stored_are_not_in_the_table_and_that_is_said():
    stored, _ = table_of("pca", width=5)
    assert not sizes(stored) and stored["width"] is None
    assert stored["use"].endswith("The study stored no codes of this adapter.")
    assert "not what to use" not in stored["use"]


def test_a_run_that_diverged_leaves_the_adapters_recall_unknown():
    stored, _ = table_of("linear", spoil=lambda t: lose_recall(t, "linear", 100, 3))
    assert "what this adapter finds is not known, for a run has diverged" in stored["use"]
    own = [row for row in stored["rows"] if row["method"] == OWN]
    assert own and all(row["recall"] is None for row in own)
    cells = stored_cells(stored)
    assert "not finite" in [row[2] for row in cells if row[0] == "this adapter as int8"]
    assert np.unique([len(row) for row in cells]).tolist() == [5]
