"""What the verdict says of texts that stand in two splits."""

import pandas as pd
import pytest

from helpers.metrics import make_metrics
from helpers.verdict import described, tables_of
from qdistill.datasets.documents import Paragraph, write_paragraphs
from qdistill.datasets.duplicates import find_duplicates
from qdistill.storage.contracts import CONTRACTS
from qdistill.verdict.document import compose_verdict
from qdistill.verdict.duplicates import describe_duplicates, duplicate_findings

ROWS = {"train": 50, "heldout": 30, "unlabelled": 20}


def table(*lines):
    columns = ["row", "split", "other_row", "other_split", "similarity"]
    return pd.DataFrame(lines, columns=columns)[CONTRACTS["duplicates"].scalars()]


def test_rows_are_counted_by_what_they_repeat():
    found = table(
        (1, "heldout", 0, "train", 1.0),
        (2, "heldout", 0, "train", 0.8),
        (3, "unlabelled", 0, "train", 0.9),
        (3, "unlabelled", 2, "heldout", 1.0),
    )
    assert describe_duplicates(found, ROWS, 0.7) == (
        "2 of 30 held-out rows repeat a training row (1 word for word), 1 of 20 unlabelled rows "
        "repeat a training row (0 word for word) and 1 of 20 unlabelled rows repeat a held-out row "
        "(1 word for word), at a similarity of 0.7 or more."
    )
    assert describe_duplicates(table(), ROWS, 0.7).startswith("No text stands in two splits")


def write_found(folder, texts, splits, **settings):
    settings = {"name": "mine", "kind": "text", **settings}
    paragraphs = [Paragraph(text, str(row), str(row)) for row, text in enumerate(texts)]
    folder.mkdir()
    source = folder / "paragraphs.parquet"
    write_paragraphs(range(len(texts)), splits, paragraphs, source, settings, {})
    find_duplicates(source, folder / "duplicates.parquet", settings)
    return folder / "duplicates.parquet"


@pytest.mark.parametrize(
    ("splits", "settings", "words"),
    [
        (["train", "heldout"], {}, "left in, so held-out errors may be lower here"),
        (["heldout", "unlabelled"], {}, "left in, so held-out errors may be lower here"),
        (["train", "unlabelled"], {"duplicates": "report"}, "They were left in."),
        (["train", "heldout"], {"duplicates": "drop"}, "The repeating rows were left out."),
        (["train", "train"], {}, "No text stands in two splits"),
    ],
)
def test_it_is_said_what_became_of_the_copies(tmp_path, splits, settings, words):
    path = write_found(tmp_path / "mine", ["the same three words"] * 2, splits, **settings)
    found = duplicate_findings([path])
    assert words in found["mine"]
    assert found["mine"].endswith(f"`[{path}]`")


@pytest.mark.slow
@pytest.mark.parametrize("corrupted", [False, True])
def test_the_verdict_says_it_of_a_data_set_and_of_what_is_made_from_it(tmp_path, corrupted):
    path = write_found(tmp_path / "mine", ["the same three words"] * 2, ["train", "heldout"])
    name = "noisy" if corrupted else "mine"
    settings = (
        {"kind": "corrupted", "source": {"name": "mine"}, "noise": 0.5, "dropout": 0.2}
        if corrupted
        else {"kind": "text"}
    )
    tables = tables_of(make_metrics(datasets=(name,), names=("mean", "linear")))
    problems = [described(name, **settings)]
    text = compose_verdict(tables, "study", problems, duplicate_findings([path]))
    assert "- **`mine`**: 1 of 1 held-out rows repeat a training row (1 word for word)" in text
    assert "stand in two splits" not in compose_verdict(tables, "study", problems)
