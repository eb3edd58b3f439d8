"""What a finished study is told by."""

from pathlib import Path

import pandas as pd
import pytest

from qdistill.asking.answers import _SHOWN, Answer, _stores, told

ROWS = pd.DataFrame(
    [
        {"method": "pca", "form": "float32", "bytes": 256, "budget": None, "recall": 0.9},
        {"method": "quantum", "form": "int8", "bytes": 64, "budget": 64, "recall": 0.5},
        {"method": "pca", "form": "float16", "bytes": 64, "budget": 64, "recall": 0.6},
        {"method": "pca", "form": "int8", "bytes": 32, "budget": 64, "recall": 0.6},
    ],
    columns=[*(name for name in _SHOWN if name != "trained_for"), "budget"],
).assign(protocol="regularised", rescored=False)
TASKS = {"regularised": "reconstruct", "article": "neighbours"}


def stores(*tables):
    table = _stores(pd.concat(tables, ignore_index=True), TASKS)
    return table[["method", "trained_for", "form", "bytes", "recall"]].to_numpy().tolist()


def test_of_each_method_the_form_is_shown_that_finds_most_in_fewest_bytes_of_the_budget():
    expected = [["pca", "", "int8", 32, 0.6], ["quantum", "reconstruct", "int8", 64, 0.5]]
    assert stores(ROWS) == expected


def test_rivals_are_those_beside_codes_that_keep_neighbours_and_what_is_trained_is_there_twice():
    near = ROWS.assign(protocol="article", recall=ROWS["recall"] + 0.2)
    assert stores(ROWS, near) == [
        ["pca", "", "int8", 32, pytest.approx(0.8)],
        ["quantum", "neighbours", "int8", 64, 0.7],
        ["quantum", "reconstruct", "int8", 64, 0.5],
    ]


def test_an_answer_in_plain_text_names_what_there_is():
    answer = Answer(ROWS, "Use `pca`.", None, Path("reports/verdict.md"), Path("own.yaml"))
    text = told(answer)
    assert "Use `pca`." in text and "report   reports/verdict.md" in text
    assert "adapter" not in text
