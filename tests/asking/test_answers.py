"""What a finished study is told by."""

from pathlib import Path

import pandas as pd

from qdistill.asking.answers import _SHOWN, Answer, _stores, told

ROWS = pd.DataFrame(
    [
        {"method": "pca", "form": "float32", "bytes": 256, "budget": None, "recall": 0.9},
        {"method": "quantum", "form": "int8", "bytes": 64, "budget": 64, "recall": 0.5},
        {"method": "pca", "form": "float16", "bytes": 64, "budget": 64, "recall": 0.6},
        {"method": "pca", "form": "int8", "bytes": 32, "budget": 64, "recall": 0.6},
    ],
    columns=[*_SHOWN, "budget"],
)


def test_of_each_method_the_form_is_shown_that_finds_most_in_fewest_bytes_of_the_budget():
    table = _stores(ROWS)
    found = table[["method", "form", "bytes", "recall"]].to_numpy().tolist()
    assert found == [["pca", "int8", 32, 0.6], ["quantum", "int8", 64, 0.5]]


def test_an_answer_in_plain_text_names_what_there_is():
    answer = Answer(ROWS, "Use `pca`.", None, Path("reports/verdict.md"), Path("own.yaml"))
    text = told(answer)
    assert "Use `pca`." in text and "report   reports/verdict.md" in text
    assert "adapter" not in text
