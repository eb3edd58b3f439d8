"""What a file holds is found out; what cannot be used is told in a sentence."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.text import sentence, write_folder
from qdistill.asking.inputs import LEAST_ROWS, find_source
from qdistill.asking.question import Question
from qdistill.datasets.own_text import collect_texts
from qdistill.datasets.vectors import write_vectors
from qdistill.errors import QdistillError
from qdistill.storage.tables import read_frame
from qdistill.study.datasets import resolve_dataset

WIDTH = {"qubits": 2}
NUMBERS = np.random.default_rng(0).normal(size=(100, 8))
FRAME = pd.DataFrame(
    {
        "id": range(100),
        "embedding": list(NUMBERS),
        "text": [sentence(seed) for seed in range(100)],
        "kind": ["a", "b"] * 50,
        **{f"x{column}": NUMBERS[:, column] for column in range(8)},
    }
)
SOME = ["x0", "x1", "x2", "x3", "x4"]


def write(frame, path):
    if path.suffix == ".csv":
        frame = frame.assign(**{
            name: frame[name].map(lambda cell: json.dumps(list(cell)))
            for name in frame
            if isinstance(frame[name].iloc[0], np.ndarray)
        })  # fmt: skip
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


def source_of(path, **options):
    return find_source(Question(path, **options), WIDTH)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize(
    ("columns", "found", "features"),
    [
        (["id", "embedding", "text"], {"kind": "vectors", "column": "embedding"}, 8),
        (["id", "text", "kind"], {"kind": "text", "text_column": "text"}, 384),
        (["id", *SOME], {"kind": "vectors", "column": SOME}, 5),
    ],
    ids=["vectors", "texts", "numbers"],
)  # fmt: skip
def test_columns_of_tables(suffix, columns, found, features, tmp_path):
    source = source_of(write(FRAME[columns], tmp_path / f"table{suffix}"))
    assert source.settings.items() >= found.items()
    assert (source.features, source.train, source.classes) == (features, 50, {})
    resolve_dataset(source.settings)


def test_json_lines_and_arrays(tmp_path):
    lines = source_of(write(FRAME[["text", "id"]], tmp_path / "table.jsonl"))
    assert lines.settings["text_column"] == "text"
    np.save(tmp_path / "v.npy", NUMBERS)
    assert source_of(tmp_path / "v.npy").features == 8
    np.savez(tmp_path / "v.npz", v=NUMBERS, kind=FRAME["kind"].to_numpy(dtype=str))
    named = source_of(tmp_path / "v.npz", labels="kind")
    assert (named.settings["column"], named.train) == ("v", 50)
    assert sorted(named.classes) == ["a", "b"]


def test_rows_and_classes_are_those_of_the_study(tmp_path):
    path = write(FRAME[["text", "kind"]], tmp_path / "table.parquet")
    source = source_of(path, labels="kind")
    made = tmp_path / "paragraphs.parquet"
    collect_texts(resolve_dataset(source.settings), 1, made)
    train = read_frame("paragraphs", made).query("split == 'train'")
    assert source.train == len(train) == sum(source.classes.values())
    assert source.classes == train["label"].value_counts().to_dict()


def test_rows_are_limited_where_there_are_too_many_for_the_time(tmp_path):
    write_folder(tmp_path / "texts", documents=40, paragraphs=5)
    whole = source_of(tmp_path / "texts")
    assert "most_rows" not in whole.settings and whole.train == 100
    part = source_of(tmp_path / "texts", minutes=0.1)
    made = tmp_path / "paragraphs.parquet"
    collect_texts(resolve_dataset(part.settings), 1, made)
    frame = read_frame("paragraphs", made)
    assert len(frame) == part.settings["most_rows"] == 130
    assert (frame["split"] == "train").sum() == part.train
    assert (frame.groupby("document")["split"].nunique() == 1).all()


def test_a_sample_of_vectors_keeps_rows_and_labels_together(tmp_path):
    path = write(FRAME[["embedding", "id"]], tmp_path / "v.parquet")
    entry = {"name": "v", "kind": "vectors", "path": str(path), "column": "embedding"}
    settings = resolve_dataset({**entry, "label_column": "id", "qubits": 2, "most_rows": 30})
    write_vectors(settings, tmp_path / "latents.parquet", path)
    frame = read_frame("latents", tmp_path / "latents.parquet")
    assert len(frame) == 30 and frame["row"].is_monotonic_increasing
    assert (frame["label"] == frame["row"].astype(str)).all()


def refused(path, **options):
    with pytest.raises(QdistillError) as caught:
        source_of(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_used_is_told_in_a_sentence(tmp_path):
    assert "no such file or folder" in refused(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "no file of plain text" in refused(tmp_path / "empty")
    texts = write_folder(tmp_path / "few", documents=3, paragraphs=5)
    assert f"15 texts of 20 to 2,000 characters, and at least {LEAST_ROWS}" in refused(texts)
    assert "plain text, which has no column 'kind'; leave out --labels" in refused(
        texts, labels="kind"
    )
    few = write(FRAME[["embedding"]].head(10), tmp_path / "few.parquet")
    assert f"10 rows, and at least {LEAST_ROWS} are needed" in refused(few)
    table = write(FRAME[["text", "kind"]], tmp_path / "table.parquet")
    assert "no column 'kinds' (did you mean 'kind'?)" in refused(table, labels="kinds")
    both = write(FRAME[["kind", "id"]].assign(b=FRAME["kind"]), tmp_path / "both.parquet")
    assert "'kind', 'b' may each be what is asked about; name one by --column" in refused(both)
    bare = write(FRAME[["id"]], tmp_path / "bare.parquet")
    assert "no column of texts, of vectors" in refused(bare)
    rare = write(FRAME[["text"]].assign(c=FRAME["text"]), tmp_path / "rare.parquet")
    assert "two labels are needed" in refused(rare, labels="c")
