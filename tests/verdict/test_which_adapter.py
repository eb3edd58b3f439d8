"""The table of what to store is made from a run: its methods, its limits, and whose is best."""

import re

import pytest

from helpers.metrics import make_metrics
from helpers.retrieval import make_retrieval
from qdistill.errors import DataError
from qdistill.judgement.retrieval import judge_front
from qdistill.storage.tables import write_table
from qdistill.verdict.which_adapter import fill_page, render_fronts

NAMES = ("mean", "pca", "linear", "quantum")
FOUND = {"linear": 0.8, "quantum": 0.4, "pca int8": 0.7, "raw binary": 0.6, "pq_pool": 0.5}


@pytest.fixture
def results(tmp_path):
    """What a small study leaves, by how much of its neighbours each method finds."""

    def write(name="study", budgets=(8, 64), **found):
        metrics = make_metrics(("small",), (20, 100), 5, NAMES, lambda model, stage, n: 0.5)
        table = make_retrieval(metrics, {**FOUND, **found})
        folder = tmp_path / name
        write_table("retrieval", folder / "retrieval.parquet", table, {})
        front = judge_front(table, budgets)
        write_table("retrieval_front", folder / "retrieval_front.parquet", front, {})
        return folder, front[front["n"] == 100]

    return write


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| 64 ")]


def test_each_method_is_there_with_the_form_that_finds_most(results):
    folder, front = results()
    text = render_fronts(folder)
    rows = cells(text)
    assert [row[1:3] for row in rows][:3] == [
        ["**`linear`**", "int8"],
        ["**`pca`**", "int8"],
        ["full vectors", "binary rescored"],
    ]
    assert {row[1] for row in rows} == {
        *("**`linear`**", "**`pca`**", "**`quantum`**", "full vectors", "product quantisation")
    }
    own = front[(front["method"] == "linear") & (front["form"] == "int8")].iloc[0]
    assert rows[0][4].startswith(f"{own['recall']:.3g} [{own['recall_low']:.3g}, ")
    assert rows[0][3] == "64" and float(rows[0][5]) == pytest.approx(own["loss"], abs=5e-4)
    assert (float(rows[0][6]), float(rows[0][7])) == (0.2, 3)
    assert "5 seeds, each with 100 rows to train on" in text and "| recall@10 |" in text
    assert "- **64 bytes**: use `linear` as int8, 0." in text
    assert "an adapter of ours; the best rival is full vectors as binary rescored, 0." in text


def test_a_rival_that_finds_more_is_named_plainly(results):
    text = render_fronts(results(pq_pool=0.9)[0])
    assert "use product quantisation as product rescored, 0.9" in text
    assert "which is no adapter of ours; the best adapter is `linear` as int8, 0." in text


def test_what_is_trained_is_used_only_where_it_is_shown_to_find_more(results):
    text = render_fronts(results(linear=0.7001)[0])
    assert "use `pca` as int8, " in text


def test_a_page_is_filled_between_the_marks_of_its_study(results, tmp_path):
    folder, _ = results("mine")
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- made from mine -->\nold\n<!-- end of mine -->\n\nrest\n")
    for _ in range(2):  # and again, for nothing else
        fill_page(page, folder)
        text = page.read_text()
        assert text.startswith("# A\n\n<!-- made from mine -->\n\n- **64 bytes**")
        assert text.endswith("<!-- end of mine -->\n\nrest\n") and "old" not in text
    other, _ = results("other")
    with pytest.raises(DataError, match="no place for 'other'"):
        fill_page(page, other)


def test_the_page_of_the_site_holds_what_this_makes():
    from helpers.checkout import ROOT

    page = (ROOT / "docs/which-adapter.md").read_text()
    made = re.findall(r"<!-- made from ([\w-]+) -->\n(.*?)<!-- end of \1 -->", page, re.DOTALL)
    assert "which-adapter" in dict(made)
    for _, text in made:
        assert text.count("\n- **") == 3 and re.search(r"^\| within \| method \|", text, re.M)
