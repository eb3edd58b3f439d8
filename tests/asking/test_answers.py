"""What a finished study is told by, where it has a table of what is kept in so many bytes."""

from pathlib import Path

import pandas as pd

from qdistill.asking.answers import Answer, answer_table, told

ROWS = pd.DataFrame(
    [
        {"n": 100, "method": "pca", "form": "int8", "bytes": 64, "recall": 0.9},
        {"n": 500, "method": "quantum", "form": "int8", "bytes": 64, "recall": 0.5},
        {"n": 500, "method": "pca", "form": "float32", "bytes": 256, "recall": 0.7},
        {"n": 500, "method": "pca", "form": "int8", "bytes": 64, "recall": 0.7},
    ]
)


def test_that_table_is_shown_at_the_largest_n_the_most_in_fewest_bytes_first(tmp_path):
    ROWS.to_parquet(tmp_path / "retrieval_front.parquet")
    table = answer_table(tmp_path)
    assert list(table) == ["method", "form", "bytes", "recall"]
    assert table.iloc[:2].to_numpy().tolist() == [
        ["pca", "int8", 64, 0.7],
        ["pca", "float32", 256, 0.7],
    ]
    assert len(table) == 3


def test_an_answer_in_plain_text_names_what_there_is():
    answer = Answer(ROWS, "Use `pca`.", None, Path("reports/verdict.md"), Path("own.yaml"))
    text = told(answer)
    assert "Use `pca`." in text and "report   reports/verdict.md" in text
    assert "adapter" not in text
