"""The page's section on benchmarks, beside published scores."""

import pandas as pd
import pytest

from helpers.benchmarks import make_scores
from helpers.metrics import make_metrics
from helpers.verdict import ONE, described, documents_of
from qdistill.judgement.benchmarks import pair_scores, rank_scores, read_scores
from qdistill.judgement.study import judge_benchmarks

pytestmark = pytest.mark.slow


def test_benchmarks_are_told_suite_by_suite_and_have_no_rows_of_their_own():
    sets = {f"planes-{count}": f"hyperplanes-10d-from3d-{count}n" for count in (2, 3, 4)}
    names = ("mean", "logistic", "svm_rbf", "classical", "quantum")
    metrics = make_metrics((*sets,), (240,), 5, names, protocols=("regularised",))
    metrics = metrics.assign(task="classify", measure="cross_entropy")
    spread = pd.util.hash_pandas_object(metrics[["dataset", "model", "seed"]]) % 1_000
    metrics["heldout_accuracy"] = 0.7 + spread.to_numpy() / 20_000
    told = dict(kind="benchmark", suite=None, qubits=3, path="none.parquet")
    problems = [
        described(name, "regularised", name=name, data_set=own, **told)
        for name, own in sets.items()
    ]
    more = judge_benchmarks(metrics, problems, read_scores())
    page = documents_of(metrics, problems, **more)["markdown"]
    section = page.split("## Beside published scores")[1].split("\n## ")[0]
    pair = next(row for row in pair_scores(more["benchmark_scores"]) if row["ours"] == "svm_rbf")
    line = next(line for line in section.splitlines() if line.startswith("|`svm_rbf`"))
    cells = line.strip("|").split("|")
    assert cells[:4] == [
        "`svm_rbf`",
        f"{pair['our_accuracy']:.3f}",
        "SVC",
        f"{pair['accuracy']:.3f}",
    ]
    assert ("**" in cells[4]) == (abs(pair["gap"]) > 0.03) and cells[5] == "3"
    assert "`hyperplanes_diff`" in section and "Published besides: " in section
    assert "By mean rank over 3 data sets" in section
    assert "Under regularised, the variance of accuracy over 3 data sets and 4 models" in section
    assert "planes-2" not in page and "3 benchmarks with published scores are counted" in page
    assert "Left out, since" not in page
    assert "## Beside published scores" not in documents_of(make_metrics(**ONE))["markdown"]


def test_the_page_names_published_scores_that_are_of_training_rows():
    scores = make_scores().assign(suite="curves")
    scores["is_training"] = scores["model"].eq("SVC") & scores["data_set"].isin(["d1", "d2"])
    tables = {"benchmark_scores": scores, "benchmark_ranks": rank_scores(scores)}
    page = documents_of(make_metrics(**ONE), **tables)["markdown"]
    section = page.split("## Beside published scores")[1].split("\n## ")[0]
    assert "is that on training rows: SVC on 2 data sets of `curves`; ranks leave out" in section
    assert "By mean rank over 28 data sets" in section
