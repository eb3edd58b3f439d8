"""The whole verdict: its order, its sources, what it leaves out, and the pages it is."""

import re
import runpy
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from snakemake.iocontainers import Namedlist

from helpers.downstream import make_downstream
from helpers.metrics import cut_short, diverge, make_metrics, make_sweep
from helpers.verdict import (
    ONE,
    bullets,
    described,
    every_bullet,
    leveled,
    make_choices,
    make_trainability,
    rows_of,
    section,
    tables_of,
)
from qdistill.errors import DataError
from qdistill.judgement.published import PUBLISHED_PATH
from qdistill.storage.tables import write_table
from qdistill.study.configuration import resolve_study
from qdistill.verdict.document import compose_verdict, write_verdict
from qdistill.verdict.page import render_page
from qdistill.verdict.problems import order_problems
from qdistill.verdict.summary import summarise_problems
from qdistill.verdict.tables import StudyTables
from qdistill.wording import estimate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
QUESTIONS = ["Transfer", "Overfitting", "Re(U)", "Phase", "Crossover", "Attribution"]
QUESTIONS += ["Use of the codes"]


def summary_page(tables, study="x", about=()):
    problems = summarise_problems(tables, about)
    title = f"Held-out errors of {study}"
    return render_page("summary", title=title, study=study, problems=problems)


@cache
def standard():
    """Tables of the typical study at n = 100 and 1000, which no test changes."""
    metrics = make_metrics(**ONE, protocols=("article", "converged"))
    trainability = make_trainability(lambda depth, bound: 10 - 2 * depth)
    return tables_of(metrics, trainability=trainability, downstream=make_downstream(metrics))


@cache
def standard_text():
    return compose_verdict(standard(), "x")


def test_every_finding_leads_to_rows_of_its_table():
    tables, found = standard(), every_bullet(standard_text())
    assert len(found) > 20
    for words, sources in found:
        assert sources
        for source in sources:
            assert len(rows_of(tables, source)), (words, source)


def test_the_order_of_the_document():
    text = standard_text()
    titles = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    wanted = ["In short", "The problems", "The open questions", *QUESTIONS]
    wanted += ["Published and reproduced", "Where circuits can be trained", "Details"]
    assert [title for title in titles if title in wanted] == wanted
    assert titles[-1] == "The models" and text.startswith("# Verdict of the study `x`\n")
    assert text.index("## In short") < text.index("How to read this")


def test_every_question_is_answered_for_every_problem_that_has_its_models():
    for title in QUESTIONS:
        labels = [words.split("**")[1] for words, _ in bullets(standard_text(), title)]
        assert labels == ["`synthetic-6q`, article", "`synthetic-6q`, converged"]


def test_a_finding_speaks_of_its_own_problem_alone():
    for title in QUESTIONS:
        for words, sources in bullets(standard_text(), title):
            protocol = words.split("**")[1].split(", ")[1]
            assert {tuple(where["protocol"]) for _, where in sources} == {(protocol,)}


def test_without_the_models_of_the_question_there_is_still_a_page():
    tables = tables_of(make_metrics(**ONE, names=("mean", "linear")))
    text = compose_verdict(tables, "x")
    lacking = text.count("does not hold the models that this question needs")
    assert lacking == len(QUESTIONS) - 1 and text.count("This study does not measure it.") == 1
    assert "No answer, as the models that it takes are not in the study; the simplest" in text
    assert "<code>linear</code>" in summary_page(tables)


def test_diverged_runs_are_counted_and_shown():
    metrics = diverge(make_metrics(**ONE), "classical", 100, 1)
    metrics = diverge(metrics, "distilled_train", 1000, 2, 40.0)
    tables = tables_of(metrics)
    text = compose_verdict(tables, "x")
    (words, sources) = bullets(text, "In short")[-1]
    assert words == "- 2 runs of 840 diverged; none is left out."
    assert len(rows_of(tables, sources[0])) == 2
    assert "`classical` at n = 100 (1 of 10 seeds)" in text
    assert "`distilled_train` at n = 1000 (1 of 10 seeds)" in text
    summary = summary_page(tables)
    assert "not finite (1 of 10 diverged)" in summary and "] (1 of 10 diverged)" in summary


def test_runs_that_were_still_improving_are_counted_and_shown():
    metrics = cut_short(make_metrics(**ONE), "classical", 100, range(10))
    tables = tables_of(cut_short(metrics, "quantum", 1000, [2, 5]))
    text = compose_verdict(tables, "x")
    short = bullets(text, "In short")
    (words, sources) = short[-2]
    assert words.startswith("- 12 runs ended at the most steps that the study allows, with a ")
    assert words.endswith(
        "falling: `classical` (10) and `quantum` (2). Longer training might lower their errors."
    )
    assert len(rows_of(tables, sources[0])) == 12
    doubt = "`classical` was still improving at its last step at n = 100 (10 of 10 seeds) and "
    doubt += "`quantum` was still improving at its last step at n = 1000 (2 of 10 seeds)"
    assert f", though {doubt}" in short[0][0]
    places = section(text, "Crossover")
    assert (
        "`quantum` was still improving at its last step at n = 1000 (2 of 10 seeds) and " in places
    )
    assert "(10 of 10 seeds): longer training may move its place." in places
    details = section(text, "Details")
    assert "`classical` at n = 100 (10 of 10 seeds) and `quantum` at n = 1000 (2 of 10" in details
    assert "still improving" not in standard_text() and "longer training" not in standard_text()


@pytest.mark.parametrize("seeds", [1, 2])
def test_hardly_any_seeds(seeds):
    metrics = make_metrics(**ONE, seeds=seeds, noise=0.3, loss=leveled())
    text = compose_verdict(tables_of(metrics), "small")
    assert "nan" not in text.lower()
    if seeds == 1:
        assert "there is only one seed" in text


def test_the_details_show_the_numbers_of_the_parquet_files():
    tables, text = standard(), section(standard_text(), "Details")
    part = tables.of(order_problems(tables.metrics)[0])
    row = part.compared("quantum", "classical").loc[100]
    assert estimate(row["difference"], row["ci_low"], row["ci_high"]) in text
    kept = part.transfer.set_index(["student", "n"]).loc[("distilled_pool", 100)]
    assert f"{estimate(kept['retained'], kept['ci_low'], kept['ci_high'])} " in text
    never = part.untaught.set_index(["student", "n"]).loc[("mean", 100)]
    assert estimate(never["retained"], never["ci_low"], never["ci_high"]) in text
    pool = part.overfitting.iloc[0]
    assert estimate(pool["ratio"], pool["ratio_low"], pool["ratio_high"]) in text
    assert text.count("#### What tuning chose") == 2 and "No run diverged" in text


def test_a_comparison_that_was_asked_for_is_shown():
    pair = {"challenger": "distilled_pool", "baseline": "pca"}
    metrics = make_metrics(**ONE)
    for extra, shown in [([pair], True), ([], False)]:
        text = compose_verdict(tables_of(metrics, extra=extra), "x")
        assert ("`distilled_pool` against `pca`" in text) == shown


def test_the_summary_holds_every_model_and_stage_of_every_protocol():
    tables = standard()
    page = summary_page(tables)
    lines = [line for line in page.splitlines() if line.startswith("<tr><td><code>")]
    assert len(lines) == tables.metrics[["protocol", "model", "stage"]].drop_duplicates().shape[0]
    assert all(line.count("</td>") == 3 for line in lines)
    assert any("<td><code>unitary_re</code> fine-tuned</td>" in line for line in lines)
    assert page.count("<h2><code>synthetic-6q</code>") == 2
    parser = _Tags()
    parser.feed(page)
    assert parser.open == [] and parser.addresses == []


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.cells, self.sources = [], [], 0, 0

    def handle_starttag(self, tag, attrs):
        self.cells += tag == "td"
        self.sources += tag == "code" and ("class", "source") in attrs
        self.addresses += [value for key, value in attrs if key in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network():
    text = standard_text()
    page = render_page("verdict", title="a <study>", text=text)
    parser = _Tags()
    parser.feed(page)
    assert parser.open == [] and parser.addresses == []
    assert parser.cells > 50 and "| ---" not in page
    assert parser.sources == len(every_bullet(text)) + 1  # the one that explains them
    assert "<title>a &lt;study&gt;</title>" in page and "http" not in page
    assert "&lt;script&gt;" in render_page("verdict", title="x", text="<script>")


def run_script(name, folder, inputs, outputs, **params):
    snakemake = SimpleNamespace(
        input=Namedlist(fromdict=inputs),
        output=Namedlist(fromdict=outputs),
        params=SimpleNamespace(**params),
        log=[str(folder / f"{name}.log")],
        rule=name,
    )
    path = ROOT / "workflow" / "scripts" / f"{name}.py"
    runpy.run_path(str(path), init_globals={"snakemake": snakemake})


@pytest.fixture
def judged(tmp_path):
    """Tables of a study, judged by the script that the workflow runs."""
    names = ("mean", "classical", "quantum", "square", "linear_tuned", "compiled", "unitary_re")
    metrics = make_metrics(sizes=(100, 500), seeds=3, names=names)
    made = {
        "metrics": metrics,
        "sweep": make_sweep(metrics),
        "choices": make_choices(metrics),
        "downstream": make_downstream(metrics),
        "trainability": make_trainability(lambda depth, bound: 5),
    }
    paths = {name: tmp_path / f"{name}.parquet" for name in made}
    for name, table in made.items():
        write_table(name, paths[name], table, {})
    names = ("comparisons", "attribution", "crossover", "transfer", "overfitting", "published")
    judged = {name: tmp_path / f"{name}.parquet" for name in (*names, "downstream_comparisons")}
    inputs = {name: paths[name] for name in ("metrics", "sweep", "downstream")}
    inputs["published"] = PUBLISHED_PATH
    run_script("judge_study", tmp_path, inputs, judged, extra=[])
    paths |= judged
    del paths["sweep"]
    return paths


def test_the_scripts_from_metrics_to_verdict(tmp_path, judged):
    paths = judged
    inputs = {**paths, "trainability": [paths["trainability"]]}
    outputs = {
        "markdown": tmp_path / "verdict.md",
        "html": tmp_path / "verdict.html",
        "summary": tmp_path / "summary.html",
    }
    about = [described("docstrings", kind="docstrings"), described("synthetic-6q")]
    run_script("write_verdict", tmp_path, inputs, outputs, study="default", problems=about)
    tables = StudyTables.read(inputs)
    expected = compose_verdict(tables, "default", about)
    assert outputs["markdown"].read_text() == expected
    verdict_page = render_page("verdict", title="Verdict of default", text=expected)
    assert outputs["html"].read_text() == verdict_page
    assert outputs["summary"].read_text() == summary_page(tables, "default", about)
    assert all(rows_of(tables, each) is not None for _, s in every_bullet(expected) for each in s)
    assert "Where circuits can be trained" in expected
    assert "codes of circuits and their students, none is shown to be better" in expected
    assert "#### What codes are good for" in expected
    for absent in ({**paths, "trainability": []}, {k: paths[k] for k in paths if k[:2] != "tr"}):
        if "transfer" not in absent:
            absent["transfer"] = paths["transfer"]
        text = compose_verdict(StudyTables.read(absent), "default", about)
        assert "Where circuits can be trained" not in text
    empty = {**inputs, "downstream": [], "downstream_comparisons": []}
    text = compose_verdict(StudyTables.read(empty), "default", about)
    assert "This study does not measure it." in text and "good for" not in text


def test_the_default_studys_problems_are_all_described():
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    about = resolve_study(config).describe_problems()
    frames = [
        make_metrics(
            (each["dataset"],),
            (100,),
            seeds=3,
            names=("mean", "classical", "quantum"),
            protocols=(each["protocol"],),
        )
        for each in about
    ]
    text = compose_verdict(tables_of(pd.concat(frames, ignore_index=True)), "default", about)
    table = section(text, "The problems")
    assert table.count("\n| `") == len(about) and "not described" not in text
    assert "positive control: targets made by a circuit of 2 layers with angles" in table
    assert "planted null: targets made by a random stochastic matrix" in table
    assert "find the clean vector from a corrupted one" in table
    assert "fixed by PCA of the unlabelled rows" in table


def test_a_damaged_table_leaves_nothing_half_written(tmp_path):
    names = ("metrics", "comparisons", "crossover", "transfer", "published", "attribution")
    inputs = dict.fromkeys((*names, "overfitting", "choices"), tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    target = tmp_path / "out"
    with pytest.raises(DataError, match=r"x\.parquet"):
        write_verdict(inputs, target / "v.md", target / "v.html", target / "s.html", "x", [])
    assert not target.exists()
