"""Findings say what the tables say, and lead back to their rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.cost import make_cost
from helpers.downstream import lose_codes, make_downstream
from helpers.metrics import EVERY_NAME, cut_short, diverge, make_metrics, make_sweep
from helpers.names import MODELS
from helpers.planning import no_plans  # noqa: F401
from helpers.verdict import (
    ONE,
    described,
    documents_of,
    findings_of,
    found,
    leveled,
    part_findings,
    tables_of,
    words,
)
from qdistill.datasets.documents import Paragraph, write_paragraphs
from qdistill.datasets.duplicates import find_duplicates
from qdistill.errors import DataError
from qdistill.judgement.attribution import is_rival
from qdistill.judgement.findings.base import select_rows
from qdistill.judgement.findings.gathering import gather_findings
from qdistill.judgement.findings.use import headline_qubits
from qdistill.storage.tables import read_frame, write_table

FEW = ("mean", "classical", "quantum")


def only(findings, question):
    (row,) = found(findings, question).to_dict("records")
    return row


@pytest.fixture(scope="module")
def standard():
    metrics = make_metrics(**ONE, protocols=("article", "regularised"))
    metrics = cut_short(metrics, "classical", 100, range(3))
    more = {"downstream": make_downstream(metrics), "cost": make_cost()}
    tables = tables_of(metrics, **more)
    return tables, gather_findings(tables)


def test_every_finding_leads_to_rows_of_its_table(standard):
    tables, findings = standard
    assert set(findings["question"]) >= {"attribution", "transfer", "crossover", "cost", "runs"}
    for table, rows in zip(findings["table"], findings["rows"], strict=True):
        assert len(getattr(tables, table).query(rows)), (table, rows)


def test_a_condition_selects_what_it_names():
    table = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "it's", "x"], "c": [True, False, True]})
    assert len(table.query(select_rows(a=np.int64(1), b=["x", "it's"]))) == 2
    assert len(table.query(select_rows(b="it's"))) == 1
    assert len(table.query(select_rows(c=True, a=[np.int64(2), 5]))) == 1


def test_any_findings_verdict_is_one_of_its_questions(tmp_path, standard):
    wrong = standard[1].assign(verdict="measured")
    with pytest.raises(DataError, match="verdict_is_of_question"):
        write_table("findings", tmp_path / "f.parquet", wrong, {})


# ------------------------------------------------------------ whose advantage


def test_read_outs_refitted_to_own_codes_are_compared():
    metrics = make_metrics(**ONE, names=("mean", "linear", "square", "quantum"))
    taught = metrics["model"].map({"linear": 3.0, "square": 1.0, "quantum": 2.0})
    refitted = taught * (1 + 0.01 * np.cos(metrics["seed"]))
    findings = findings_of(metrics.assign(refitted_loss=refitted))
    rows = found(findings, "readout", n=100).set_index("against")
    assert rows["estimate"].to_dict() == pytest.approx({"linear": 2 / 3, "square": 2.0})
    assert rows["verdict"].to_dict() == {"linear": "better", "square": "worse"}


def test_a_distinct_advantage_names_its_closest_rival():
    findings = part_findings(MODELS, loss=leveled(quantum=0.001, pca_cv=0.0015))
    rows = found(findings, "attribution")
    assert words(rows) == ["distinct"] * 2 and words(rows, "against") == ["pca_cv"] * 2
    assert rows["estimate"].tolist() == pytest.approx([2 / 3, 2 / 3], rel=0.05)
    parts = found(findings, "ablation")[["subject", "against"]].itertuples(index=False, name=None)
    of_quantum = {("quantum", name) for name in ("square", "frozen_circuit", "separable")}
    of_angles = {("quantum_angle", name) for name in ("angle_separable", "angle_frozen")}
    assert set(parts) == of_quantum | of_angles | {("skip", "skip_square")}
    assert sum(map(is_rival, MODELS)) > 8


def test_the_simplest_model_that_does_as_well_is_named_at_each_n():
    def loss(model, stage, n):
        good = {100: "square", 1000: "mean"}[n]
        return 0.001 if model in ("quantum", good) else 0.0005 if model == "pca" else 0.004

    rows = found(part_findings(MODELS, loss=loss, random_seed=2), "attribution")
    assert words(rows, "against")[1] == "mean" and words(rows, "against")[0] == "pca"
    assert words(rows, "reason") == ["simpler_is_better", "simpler_not_told_apart"]
    close = found(part_findings(MODELS, loss=loss, noise=0.002), "attribution", n=1000)
    assert words(close, "against") == ["mean"] and words(close, "reason") == ["simpler_is_as_good"]


def test_undefined_names_what_is_missing_or_failed():
    names = [name for name in MODELS if name not in ("linear_tuned", "pca_cv")]
    rows = found(part_findings(names, loss=leveled(quantum=0.001)), "attribution", n=100)
    assert words(rows, "against") == ["pca_cv", "linear_tuned"]
    assert set(rows["reason"]) == {"no_rival"} and set(rows["verdict"]) == {"undefined"}
    metrics = make_metrics(**ONE, names=MODELS, loss=leveled(quantum=0.001))
    rows = found(findings_of(diverge(metrics, "linear", 100, 0)), "attribution")
    assert words(rows) == ["undefined", "distinct"]
    assert words(rows, "against")[0] == "linear"
    assert words(rows, "reason")[0] == "rival_not_compared"


def test_the_model_to_use_is_the_simplest_that_does_as_well_as_the_best():
    findings = part_findings(MODELS, loss=leveled(pca=0.001, linear=0.001, oracle=1e-4))
    rows = found(findings, "choice")
    assert set(rows["subject"]) == {"pca"} and set(rows["against"]) == {"quantum"}
    assert set(rows["verdict"]) == {"better"}
    assert rows["estimate"].tolist() == pytest.approx([0.25, 0.25], rel=0.05)
    without = found(part_findings(("mean", "pca"), loss=leveled(pca=0.001)), "choice")
    assert set(without["against"]) == {"mean"} and set(without["verdict"]) == {"better"}
    alone = found(part_findings(("pca", "linear"), loss=leveled(pca=0.001)), "choice")
    assert set(alone["verdict"]) == {"alone"} and alone["estimate"].isna().all()
    assert found(part_findings(MODELS, seeds=1), "choice").empty
    assert found(part_findings(("mean",)), "choice").empty


def test_nothing_is_chosen_where_every_candidate_diverged():
    metrics = make_metrics(**ONE, names=("mean", "pca"))
    for name in ("mean", "pca"):
        metrics = diverge(metrics, name, 100, 0)
    assert words(found(findings_of(metrics), "choice"), "n") == [1000]


# ------------------------------------------------------------ where it ends


@pytest.mark.parametrize(
    ("settings", "verdict", "reason"),
    [
        ({}, "crossover", "challenger_ahead"),
        ({"loss": leveled(quantum=0.001)}, "none", "challenger_ahead"),
        ({"loss": leveled(quantum=0.009)}, "none", "baseline_ahead"),
        ({"sizes": (100,)}, "undefined", "one_n"),
        ({"seeds": 1}, "undefined", "one_seed"),
        ({"noise": 0.0, "loss": leveled()}, "undefined", "no_spread"),
        ({"loss": leveled(), "random_seed": 1}, "undefined", "told_apart_at_no_n"),
    ],
)
def test_where_a_baseline_catches_up_or_why_that_cannot_be_told(settings, verdict, reason):
    row = only(part_findings(("classical", "quantum"), **settings), "crossover")
    assert (row["verdict"], row["reason"]) == (verdict, reason)
    assert np.isfinite(row["estimate"]) == (verdict == "crossover") and np.isnan(row["n"])


@pytest.mark.parametrize(("error", "reason"), [(np.nan, "diverged"), (0.0, "zero_error")])
def test_a_baseline_that_diverged_or_errs_nowhere_has_no_crossover(error, reason):
    metrics = make_metrics(**ONE, names=("classical", "quantum"))
    metrics = diverge(metrics, "classical", 100, 0, error)
    assert words(found(findings_of(metrics), "crossover"), "reason") == [reason]


# ------------------------------------------------------------ students


def test_what_students_retain_and_who_never_saw_the_circuit():
    loss = leveled(quantum=0.001, pca=0.0012, distilled_pool=0.0011, distilled_train=0.0039)
    names = (*FEW, "pca", "distilled_pool", "distilled_train")
    rows = found(part_findings(names, loss=loss), "transfer", n=100).set_index("subject")
    verdicts = {"distilled_pool": "retained", "distilled_train": "collapsed"}
    verdicts |= {"pca": "retained", "mean": "collapsed"}
    assert rows["verdict"].to_dict() == verdicts
    assert rows.loc["pca", "table"] == "metrics" and rows.loc["pca", "estimate"] > 0.9


def test_overfitting_is_told_for_the_smallest_and_the_largest_pool():
    metrics = make_metrics(**ONE, names=FEW)
    sweep = make_sweep(metrics, pools=(0, 100, 500), ratio=lambda pool: 1.3 if not pool else 1)
    noise = np.random.default_rng(4).normal(0, 0.005, len(sweep))
    sweep["teacher_r2"] = sweep["teacher_r2_train"] - np.where(sweep["pool"] == 0, 0.2, 0) - noise
    rows = found(findings_of(metrics, sweep=sweep), "overfitting")
    assert set(rows["level"]) == {0, 500} and len(rows) == 12
    by_pool = rows.groupby("level")["verdict"].unique().map(list).to_dict()
    assert by_pool == {0: ["undefined"], 500: ["does not overfit"]}
    without = rows[rows["level"] == 0].set_index("measure")
    assert set(without["reason"]) == {"no_pool"} and without.loc["r2_gap", "estimate"].isna().all()
    assert without.loc["train_gap", "estimate"].tolist() == pytest.approx([0.2, 0.2], abs=0.01)
    ratios = rows[(rows["measure"] == "ratio") & (rows["level"] == 0)]["estimate"]
    assert ratios.tolist() == pytest.approx([1.3, 1.3], rel=0.02)


@pytest.mark.parametrize(
    ("losses", "verdict", "ratio"),
    [
        ({}, "not shown", 1.0),
        ({"unitary_re_fine_tuned": 0.003, "random_dense": 0.006}, "helps", 0.75),
        ({"unitary_re_fine_tuned": 0.006, "random_dense": 0.003}, "hurts", 1.5),
        ({"unitary_re_fine_tuned": 0.003, "random_orthogonal": 0.002}, "not shown", 1.5),
    ],
)
def test_a_learned_start_must_beat_every_random_one(losses, verdict, ratio):
    names = (*FEW, "unitary_re", "random_dense", "random_orthogonal")
    findings = part_findings(names, loss=leveled(quantum=0.001, **losses))
    rows = found(findings, "real_part")
    starts = rows[rows["against"].isin(names[-2:])]
    assert set(starts["verdict"]) == {verdict} and len(starts) == 2
    assert starts["estimate"].tolist() == pytest.approx([ratio, ratio], rel=0.05)
    alone = found(part_findings((*FEW, "unitary_re"), loss=leveled(quantum=0.001)), "real_part")
    assert set(alone["against"]) == {"mean", "classical"}


@pytest.mark.parametrize(
    ("loss", "noise", "verdict"),
    [(0.006, 0.02, "better"), (0.004, 0.005, "equivalent"), (0.004, 0.1, "not distinguishable")],
)
def test_whether_phases_help_the_circuit(loss, noise, verdict):
    names = ("quantum", "real_circuit", "unitary_re", "unitary_im")
    chosen = leveled(real_circuit=loss, unitary_im_fine_tuned=0.003)
    rows = found(part_findings(names, loss=chosen, noise=noise, random_seed=1), "phase")
    assert words(rows[rows["against"] == "real_circuit"]) == [verdict] * 2
    other = rows[rows["against"] == "unitary_re"]
    assert words(other) == ["better"] * 2 and set(other["stage"]) == {"fine_tuned"}


# ------------------------------------------------------------ use, cost, trust


def codes(names=("pca", "linear", "quantum", "compiled"), **settings):
    metrics = make_metrics(**ONE, names=names)
    return findings_of(metrics, downstream=make_downstream(metrics, **settings))


def test_the_best_code_of_a_circuit_and_the_best_other_are_compared_with_pca():
    findings = codes(recall={"pca": 0.7, "linear": 0.65, "compiled": 0.6, "quantum": 0.5})
    rows = found(findings, "downstream", measure="recall", n=100).set_index("subject")
    assert set(rows.index) == {"compiled", "linear"} and set(rows["verdict"]) == {"worse"}
    assert rows.loc["compiled", "estimate"] == pytest.approx(-0.1, abs=0.02)
    probe = found(findings, "downstream", measure="probe_accuracy", n=100)
    assert set(probe["against"]) == {"pca", "raw"}


def test_a_probe_without_classes_is_undefined_with_its_reason():
    rows = found(codes(reason="no_labels"), "downstream", measure="probe_accuracy")
    assert words(rows) == ["undefined"] and words(rows, "reason") == ["no_labels"]


def test_codes_of_diverged_runs_are_undefined():
    metrics = make_metrics(**ONE, names=("pca", "linear"))
    table = lose_codes(make_downstream(metrics), "linear", 100, 0)
    rows = found(findings_of(metrics, downstream=table), "downstream", measure="recall")
    assert words(rows)[0] == "undefined" and words(rows, "reason")[0] == "diverged"


def test_costs_are_those_of_the_table(standard):
    table, rows = standard[0].cost, found(standard[1], "cost")
    training = rows[rows["measure"] == "training_ratio"]
    for row in training.itertuples():
        (own,) = table.query(row.rows).to_dict("records")
        assert row.estimate == own["ratio_to_classical"] and row.level == own["qubits"]
    for row in rows[rows["measure"] == "microseconds"].itertuples():
        (own,) = table.query(row.rows).to_dict("records")
        assert row.estimate == pytest.approx(1e3 * own["milliseconds"] / row.level)
        assert own["qubits"] == 6
    assert headline_qubits([4, 8]) == 4 and headline_qubits([2, 3]) == 3


def test_flagged_runs_are_counted(standard):
    rows = found(standard[1], "runs")
    counted = rows.groupby("protocol")["estimate"].sum().to_dict()
    assert set(rows["verdict"]) == {"choice at edge"} and set(rows["subject"]) == {"classical"}
    assert counted == {"article": 3, "regularised": 3}
    lost = found(findings_of(diverge(make_metrics(**ONE), "pca", 100, 1)), "runs")
    assert words(lost) == ["diverged"] and words(lost, "estimate") == [1]


def test_rows_that_seeds_have_in_common():
    metrics = make_metrics(("docstrings",), (100, 1000), names=("mean",))
    about = described("docstrings", name="docstrings", kind="docstrings", train=1400)
    rows = found(findings_of(metrics, [about]), "overlap")
    assert words(rows) == ["little", "much"] and set(rows["level"]) == {1400}
    expected = [stats.hypergeom(1400, n, n).mean() / n for n in (100, 1000)]
    assert rows["estimate"].tolist() == pytest.approx(expected)
    assert found(findings_of(metrics), "overlap").empty  # nothing is known of the split
    page = documents_of(metrics, [about])["markdown"]
    assert "Seeds share rows, at the largest n, in `docstrings` (71 %):" in page
    assert "Seeds share" not in documents_of(metrics[metrics["n"] == 100], [about])["markdown"]


@pytest.mark.parametrize(
    ("splits", "settings", "verdict"),
    [
        (["train", "heldout"], {}, "left in"),
        (["train", "unlabelled"], {"duplicates": "report"}, "left in"),
        (["train", "heldout"], {"duplicates": "drop"}, "left out"),
        (["train", "train"], {}, "none"),
    ],
)
def test_texts_that_stand_in_two_splits(tmp_path, splits, settings, verdict):
    settings = {"name": "mine", "kind": "text", **settings}
    paragraphs = [Paragraph("the same three words", str(row), str(row)) for row in range(2)]
    source, path = tmp_path / "paragraphs.parquet", tmp_path / "duplicates.parquet"
    write_paragraphs(range(2), splits, paragraphs, source, settings, {})
    find_duplicates(source, path, settings)
    metrics = make_metrics(("mine",), (100,), names=("mean",))
    row = only(gather_findings(tables_of(metrics), (), [path]), "repeated_texts")
    assert row["verdict"] == verdict and row["estimate"] == (verdict != "none")
    if verdict != "none":
        assert (row["subject"], row["against"], row["level"]) == (splits[1], "train", 1)
        assert len(read_frame("duplicates", path).query(row["rows"])) == 1


@pytest.mark.parametrize("seeds", [1, 2])
def test_hardly_any_seeds(seeds):
    rows = found(part_findings(EVERY_NAME, seeds=seeds, noise=0.3, loss=leveled()), "advantage")
    reasons = set(rows["reason"].dropna())
    assert (reasons == {"one_seed"}) == (seeds == 1)
    assert (rows["low"].isna() == (seeds == 1)).all() and rows["estimate"].notna().all()
