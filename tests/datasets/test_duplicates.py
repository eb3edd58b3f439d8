"""Texts that stand in two splits, against a search through all pairs."""

import json

import numpy as np

from helpers.text import WORDS, sentence
from qdistill.datasets.documents import Paragraph, write_paragraphs
from qdistill.datasets.duplicates import THRESHOLD, find_duplicates, word_runs
from qdistill.storage.tables import read_frame, read_metadata

SPLITS = ("train", "heldout", "unlabelled")


def find(folder, texts, splits, name="duplicates"):
    paragraphs = [Paragraph(text, f"s{row}", f"d{row}") for row, text in enumerate(texts)]
    rows = [10 * row for row in range(len(texts))]  # ids are not positions
    write_paragraphs(rows, splits, paragraphs, folder / "paragraphs.parquet", {"name": "mine"}, {})
    path = folder / f"{name}.parquet"
    find_duplicates(folder / "paragraphs.parquet", path, {"name": "mine"})
    return read_frame("duplicates", path)


def by_all_pairs(texts, splits):
    """The same table, from the definition."""
    runs = [word_runs(text) for text in texts]
    lines = {}
    for row, split in enumerate(splits):
        for other, other_split in enumerate(splits):
            if SPLITS.index(other_split) >= SPLITS.index(split):
                continue
            similarity = len(runs[row] & runs[other]) / len(runs[row] | runs[other])
            key = (10 * row, other_split)
            if similarity >= THRESHOLD and similarity > lines.get(key, (0, 0))[1]:
                lines[key] = (10 * other, similarity)
    return lines


def edited(text, generator, changes):
    words = text.split()
    for place in generator.choice(len(words), changes, replace=False):
        words[place] = generator.choice(WORDS)
    return " ".join(words)


def test_the_table_is_that_of_all_pairs(tmp_path):
    """300 texts, most of them edited copies of others, on both sides of the threshold."""
    generator = np.random.default_rng(0)
    originals = [sentence(row, words=40) for row in range(60)]
    draw = generator.integers
    texts = originals + [edited(originals[draw(60)], generator, draw(4)) for _ in range(240)]
    splits = generator.choice(SPLITS, 300).tolist()
    table = find(tmp_path, texts, splits)
    expected = by_all_pairs(texts, splits)
    lines = table.itertuples()
    found = {(line.row, line.other_split): (line.other_row, line.similarity) for line in lines}
    assert found == expected
    assert len(found) > 100
    assert (table["similarity"] < 1).sum() > 20
    assert [splits[row // 10] for row in table["row"]] == table["split"].tolist()
    assert [splits[row // 10] for row in table["other_row"]] == table["other_split"].tolist()
    assert sorted(table["row"].unique()) == sorted({row for row, _ in expected})
    again = find(tmp_path, texts, splits, "again")
    assert again.equals(table)


def test_a_copy_is_the_row_of_the_later_split_and_case_and_punctuation_do_not_matter(tmp_path):
    text = sentence(1)
    texts = [text.upper(), text.replace(" ", ",  "), f"«{text}»", text, sentence(2)]
    table = find(tmp_path, texts, ["unlabelled", "heldout", "train", "train", "heldout"])
    columns = ["row", "split", "other_row", "other_split", "similarity"]
    assert table[columns].to_numpy().tolist() == [
        [0, "unlabelled", 10, "heldout", 1.0],
        [0, "unlabelled", 20, "train", 1.0],
        [10, "heldout", 20, "train", 1.0],
    ]
    metadata = read_metadata(tmp_path / "duplicates.parquet")
    assert json.loads(metadata["rows"]) == {"train": 2, "heldout": 2, "unlabelled": 1}
    assert float(metadata["threshold"]) == THRESHOLD


def test_counts_are_in_the_log_and_nothing_in_common_is_an_empty_table(tmp_path, caplog):
    texts = [sentence(0, 40), sentence(0, 40), sentence(0, 40) + " Amber.", sentence(1)]
    find(tmp_path, texts, ["train", "heldout", "heldout", "heldout"])
    assert "2 of 3 heldout rows repeat a row of split train (1 word for word)" in caplog.text
    caplog.set_level("INFO")
    assert find(tmp_path, list(map(sentence, range(6))), ["train", "heldout"] * 3).empty
    assert "no text stands in two splits" in caplog.text


def test_runs_of_words():
    runs = {"One two, THREE four!": {"one two three", "two three four"}, "Only  two": {"only two"}}
    runs |= {"量子回路だ": {"量 子 回", "子 回 路", "回 路 だ"}, "R2-D2 v3": {"r2 d2 v3"}}
    runs["?!"] = {"?!"}
    assert {text: word_runs(text) for text in runs} == runs
