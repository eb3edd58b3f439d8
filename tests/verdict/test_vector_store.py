"""The page's section on what a vector store should hold, where a study searched codes."""

import re

from helpers.metrics import make_metrics
from helpers.retrieval import make_retrieval
from helpers.verdict import documents_of


def test_a_page_says_what_a_vector_store_should_hold_where_codes_were_searched():
    metrics = make_metrics(("docstrings",), (100,), names=("mean", "linear", "quantum"))
    recall = {"pca int8": 0.7, "linear": 0.6, "quantum": 0.55}
    table, title = make_retrieval(metrics, recall), "## What should a vector store hold?"
    page = documents_of(metrics, retrieval=table, budgets=(8, 64))["markdown"]
    said = page.partition(title)[2].partition("\n## ")[0]
    told = "The best code of circuit and students finds less than the best without one"
    assert f"- `docstrings` article: {told} within 8 and 64 bytes." in said
    (row,) = re.findall(r"^\|`docstrings` article\|100\|64\|(.*)\|$", said, re.M)
    use, found, best, less = row.split("|")
    assert use == "`pca` int8" and best == "`linear` int8"
    assert 0.69 < float(found.split()[0]) < 0.71 and -0.12 < float(less.split()[0]) < -0.08
    assert len(said.split()) <= 90 and title not in documents_of(metrics)["markdown"]
    details = documents_of(metrics, retrieval=table, budgets=(8, 64))["details"]
    assert "Codes in fewer bytes" in details and "retrieval_front" in details
