import gc
import runpy
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from helpers_metrics import EVERY_NAME, diverge, make_metrics
from qdistill.errors import DataError
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.published import PUBLISHED_PATH, tabulate_published
from qdistill.judgement.transfer import judge_transfer
from qdistill.tables import read_frame, write_table
from qdistill.verdict.document import compose_summary, compose_verdict, render_page, write_verdict
from qdistill.verdict.sentences import in_short, where_they_cross
from qdistill.verdict.tables import (
    StudyTables,
    at_sizes,
    enumeration,
    estimate,
    limits_in_n,
    number,
    p_value,
)

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"
ONE = dict(datasets=("synthetic-6q",), sizes=(100, 1000))


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Spare statsmodels, which collects garbage at each call, the objects of other tests."""
    gc.freeze()
    yield
    gc.unfreeze()


def tables_of(metrics):
    return StudyTables(
        metrics,
        compare_study(metrics),
        locate_crossovers(metrics),
        judge_transfer(metrics),
        tabulate_published(metrics),
    )


@cache
def standard():
    """Tables of the typical study at n = 100 and 1000, which no test changes."""
    return tables_of(make_metrics(**ONE))


def short(**settings):
    return " ".join(in_short(tables_of(make_metrics(**{**ONE, **settings}))))


def leveled(**levels):
    """Losses by 'model' or 'model_stage'; 0.004 for those not named."""
    return lambda model, stage, n: levels.get(f"{model}_{stage}", levels.get(model, 0.004))


def test_the_typical_study_in_short():
    metrics = make_metrics(("synthetic-6q",))
    tables = tables_of(metrics)
    text = " ".join(in_short(tables))
    row = tables.compared("quantum", "classical").loc[100]
    ratio = f"ratio {number(row['ratio'])} [{number(row['ratio_low'])}, "
    assert f"lower than that of `classical` at n = 50, 100 and 200 ({ratio}" in text
    assert "higher than that of `classical` at n = 500 and 1000" in text
    assert "`classical` itself loses to the mean of the training rows at n = 50 and 100" in text
    assert "`mean` at n = 50 (which is better) and `pca` at n = 100, 200, 500 and 1000" in text
    assert "is not distinguishable from it with 10 seeds at any n" in text
    crossing = tables.crossover.set_index("baseline").loc["classical"]
    assert f"change places at n = {crossing['n_star']:.0f} [{crossing['ci_low']:.0f}, " in text
    below = max(size for size in tables.sizes if size <= crossing["n_star"])
    above = min(size for size in tables.sizes if size >= crossing["n_star"])
    assert f"interpolated between the measured n = {below} and {above}" in text
    assert "at n = 50, 100 and 200 by `compiled`" in text
    assert "Predicting the training mean keeps as much at n = 50 and 100" in text
    assert "Re(U) alone is shown to keep more than 0.8 of the advantage nowhere zero-shot" in text


def test_an_advantage_of_the_circuit_is_said_plainly():
    text = short(loss=leveled(quantum=0.002, mean=0.006, classical=0.005))
    assert "lower than that of `classical` at every n" in text
    assert "`classical` beats the mean of the training rows at every n" in text
    rivals = "`mean`, `pca`, `linear`, `square` and `frozen_circuit`"
    assert f"distinct at every n (over {rivals}; " in text
    assert "`tuned` and `pca_cv`, which the full test needs, not being in the study" in text
    assert "`square`, which is `quantum` without its circuit, is worse than it at every n" in text
    assert "Predicting the training mean" not in text


def test_the_article_confirmed_would_read_so():
    """Every finding in the circuit's favour is reported as readily as those against it."""
    loss = leveled(quantum=0.002, mean=0.006, classical=0.005, unitary_re=0.0021)
    text = short(loss=loss)
    assert "keep more than 0.8 of the advantage at n = 100 and 1000 zero-shot (" in text
    assert "the layer is better than one from a random start at every n." in text
    assert "not shown to help" not in text


def test_a_start_that_does_not_help_is_said_plainly():
    text = short(loss=leveled(quantum=0.002, unitary_re_zero_shot=0.04))
    assert "the layer is not distinguishable from one from a random start at any n" in text
    assert "The learned start is not shown to help." in text
    assert "nowhere zero-shot (" in text and "collapsed" in text


def test_nothing_to_keep_names_its_reason():
    text = short(loss=leveled(quantum=0.008))
    assert "higher than that of `classical` at every n" in text
    assert "What students keep is undefined at n = 100: quantum does not beat classical" in text


def test_two_seeds_and_one():
    for seeds, words in [(2, "with 2 seeds"), (1, "not comparable")]:
        metrics = make_metrics(**ONE, seeds=seeds, noise=0.3, loss=leveled())
        tables = tables_of(metrics)
        assert words in " ".join(in_short(tables))
        assert "nan" not in compose_verdict(tables, "small").lower()


def test_what_holm_does_not_confirm_is_said_to_rest_on_single_tests():
    metrics = make_metrics(**ONE, seeds=3, names=EVERY_NAME, loss=leveled(quantum=0.003))
    tables = tables_of(metrics)
    comparisons = tables.comparisons.copy()
    hit = (comparisons["baseline"] == "classical") & (comparisons["challenger"] == "quantum")
    for verdict, said in [("not distinguishable", True), ("better", False)]:
        comparisons.loc[hit, "verdict"] = verdict
        changed = StudyTables(
            metrics, comparisons, tables.crossover, tables.transfer, tables.published
        )
        text = " ".join(in_short(changed))
        doubt = " (not confirmed by Holm's correction at n = 100 and 1000)"
        assert (f"Of the advantage at every n{doubt}, more than 0.8" in text) == said
        assert (f"is ahead at n = 100 and at n = 1000{doubt}." in text) == said


def test_a_single_n():
    text = short(sizes=(100,))
    assert "at n = 100 (ratio" in text and "at every n" not in text
    assert "cannot be said (only one n was measured)" in text


def test_diverged_runs_are_counted_in_words():
    metrics = diverge(make_metrics(**ONE), "classical", 100, 1)
    metrics = diverge(metrics, "distilled_train", 1000, 2, 40.0)
    tables = tables_of(metrics)
    text = compose_verdict(tables, "x")
    assert "not comparable with that of `classical` at n = 100 (diverged runs)" in text
    assert "cannot be said (a diverged run has no finite error)" in text
    assert "`classical` at n = 100 (1 of 10 seeds)" in text
    assert "`distilled_train` at n = 1000 (1 of 10 seeds)" in text
    summary = compose_summary(tables, "x")
    assert "not finite (1 of 10 diverged)" in summary and "] (1 of 10 diverged)" in summary
    assert "No run diverged" in compose_verdict(standard(), "x")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("crossover", 300, 0, np.inf)], "n = 300 [no limit within the grid], `quantum` being"),
        ([("crossover", 300, 250, np.inf)], "[250, beyond the grid]"),
        ([("crossover", 300, 0, 400)], "[below the grid, 400]"),
        ([("none", np.nan, np.nan, np.nan)], "`quantum` is ahead at n = 100 and at n = 1000"),
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
            "told apart at no n; the smallest uncorrected p-value",
        ),
    ],
)
def test_every_kind_of_crossover_has_its_sentence(rows, expected):
    tables = standard()
    crossover = tables.crossover[tables.crossover["baseline"] == "classical"]
    crossover = crossover.loc[crossover.index.repeat(len(rows))].reset_index(drop=True)
    crossover["ahead_below"] = "quantum"
    crossover[["verdict", "n_star", "ci_low", "ci_high"]] = rows
    changed = StudyTables(
        tables.metrics, tables.comparisons, crossover, tables.transfer, tables.published
    )
    assert expected in where_they_cross(changed, "classical")


@pytest.mark.parametrize("left_out", [*EVERY_NAME, "compiled unitary_re", "mean pca linear"])
def test_sentences_about_absent_models_are_left_out(left_out):
    gone = set(left_out.split())
    names = [name for name in EVERY_NAME if name not in gone]
    tables = tables_of(make_metrics(("synthetic-6q",), (100,), seeds=3, names=names))
    text = compose_verdict(tables, "x")
    lines = [line for line in text.splitlines() if not line.startswith("A full attribution")]
    if not gone & {"quantum", "classical"}:  # which define the retained fraction
        assert not [name for name in gone if f"`{name}`" in "\n".join(lines)]
    assert render_page(text, "x").count("<table>") >= 1


def test_without_the_models_of_the_question_there_is_still_a_page():
    tables = tables_of(make_metrics(**ONE, names=("mean", "linear")))
    assert "does not hold the models that a verdict needs" in compose_verdict(tables, "x")
    assert "`linear`" in compose_summary(tables, "x")


def test_the_baseline_and_the_students_without_the_circuit():
    names = [n for n in EVERY_NAME if n != "classical"]
    text = compose_verdict(tables_of(make_metrics(**ONE, names=names)), "x")
    assert "What students keep is undefined at every n: classical is not in the study." in text


def test_every_section_names_its_file_and_every_dataset_its_section():
    metrics = make_metrics(sizes=(100, 500))
    text = compose_verdict(tables_of(metrics), "default")
    for name in ("comparisons", "crossover", "transfer", "published", "metrics"):
        assert f"`{name}.parquet`" in text
    assert text.count("## `docstrings`, 6 qubits") == text.count("## `synthetic-6q`, 6 qubits") == 1
    before, after = text.split("## `docstrings`")
    assert "Published figures" in after and "Published figures" not in after.split("## `syn")[0]
    assert before.index("## In short") < before.index("How to read this")


def test_the_tables_show_the_numbers_of_the_parquet_files():
    tables = standard()
    text = compose_verdict(tables, "x")
    row = tables.compared("quantum", "classical").loc[100]
    assert estimate(row["difference"], row["ci_low"], row["ci_high"]) in text
    kept = tables.transfer.set_index(["student", "n"]).loc[("distilled_pool", 100)]
    cell = estimate(kept["retained"], kept["ci_low"], kept["ci_high"])
    assert f"{cell} {kept['verdict']} |" in text
    ours = tables.published.set_index(["model", "n"]).loc[("quantum", 100)]
    assert estimate(ours["mean"], ours["ci_low"], ours["ci_high"]) in text
    never = tables.untaught.set_index(["student", "n"]).loc[("mean", 100)]
    assert estimate(never["retained"], never["ci_low"], never["ci_high"]) in text


def test_the_summary_holds_every_model_and_stage():
    tables = standard()
    lines = [line for line in compose_summary(tables, "x").splitlines() if line.startswith("| `")]
    assert len(lines) == tables.metrics[["model", "stage"]].drop_duplicates().shape[0]
    assert all(line.count("|") == 4 for line in lines)
    assert any(line.startswith("| `unitary_re` fine-tuned |") for line in lines)


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.cells = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.cells += tag == "td"
        self.addresses += [value for key, value in attrs if key in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network():
    text = compose_verdict(standard(), "x")
    page = render_page(text, "a <study>")
    parser = _Tags()
    parser.feed(page)
    assert parser.open == [] and parser.addresses == []
    assert parser.cells > 50 and "| ---" not in page
    assert "<title>a &lt;study&gt;</title>" in page and "http" not in page
    assert "&lt;script&gt;" in render_page("<script>", "x")


def test_words():
    assert enumeration([1]) == "1" and enumeration([1, 2, 3]) == "1, 2 and 3"
    assert at_sizes([50], [50]) == "at n = 50"
    assert at_sizes([50, 100], [50, 100]) == "at every n"
    assert at_sizes([50, 100], [50, 100], negated=True) == "at any n"
    assert number(0.00369) == "0.00369" and number(1234.5) == "1,234"
    assert number(np.nan) == number(np.inf) == "not finite"
    assert p_value(1e-9) == "< 0.0001" and p_value(0.0123) == "0.0123"
    assert estimate(0.5, -np.inf, np.inf) == "0.5 [unbounded]"
    assert estimate(0.5, np.nan, np.nan) == "0.5 [no interval]"
    assert limits_in_n(50.4, 99.6) == "[50, 100]"


def run_script(name, folder, inputs, outputs, **params):
    snakemake = SimpleNamespace(
        input=_Named(inputs),
        output=_Named(outputs),
        params=SimpleNamespace(**params),
        log=[str(folder / f"{name}.log")],
        rule=name,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})


class _Named(list):
    """Paths by name and by place, as Snakemake gives them."""

    def __init__(self, paths):
        super().__init__(paths.values())
        self.__dict__.update(paths)

    def items(self):
        return self.__dict__.items()


def test_the_scripts_from_metrics_to_verdict(tmp_path):
    inputs = {"metrics": tmp_path / "metrics.parquet"}
    write_table("metrics", inputs["metrics"], make_metrics(sizes=(100, 500), seeds=3), {})
    for script, table in [
        ("compare_models", "comparisons"),
        ("locate_crossover", "crossover"),
        ("judge_transfer", "transfer"),
    ]:
        path = tmp_path / f"{table}.parquet"
        run_script(script, tmp_path, {"metrics": inputs["metrics"]}, {table: path})
        inputs[table] = path
    inputs["published"] = tmp_path / "published.parquet"
    sources = {"metrics": inputs["metrics"], "published": PUBLISHED_PATH}
    run_script("tabulate_published", tmp_path, sources, {"published": inputs["published"]})
    for table in ("comparisons", "crossover", "transfer", "published"):
        assert len(read_frame(table, inputs[table]))
    outputs = {
        "markdown": tmp_path / "verdict.md",
        "html": tmp_path / "verdict.html",
        "summary": tmp_path / "summary.html",
    }
    run_script("write_verdict", tmp_path, inputs, outputs, study="default")
    expected = compose_verdict(StudyTables.read(**inputs), "default")
    assert outputs["markdown"].read_text() == expected
    assert outputs["html"].read_text() == render_page(expected, "Verdict of the study default")
    assert "Held-out errors of the study" in outputs["summary"].read_text()


def test_a_damaged_table_leaves_nothing_half_written(tmp_path):
    inputs = dict.fromkeys(
        ("metrics", "comparisons", "crossover", "transfer", "published"), tmp_path / "x.parquet"
    )
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    target = tmp_path / "out"
    with pytest.raises(DataError, match=r"x\.parquet"):
        write_verdict(inputs, target / "v.md", target / "v.html", target / "s.html", "x")
    assert not target.exists()
