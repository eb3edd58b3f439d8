"""A benchmark's rows as latents: the file's split, its features and its classes."""

import numpy as np
import pandas as pd
import pytest

from helpers.benchmarks import write_benchmarks
from qdistill.datasets.benchmark import write_benchmark
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError

NAMES = (("easy", "one"), ("easy", "two"), ("hard", "two"))
SETTINGS = {"name": "mine", "kind": "benchmark", "data_set": "two", "suite": "hard", "qubits": 2}


@pytest.fixture
def source(tmp_path):
    write_benchmarks(tmp_path / "many.parquet", NAMES)
    return tmp_path / "many.parquet"


def test_rows_features_split_and_classes_are_those_of_the_file(source, tmp_path):
    # Data sets of one file differ in width.
    wide = write_benchmarks(tmp_path / "wide.parquet", [("easy", "wide")], width=7)
    whole = pd.concat([wide, pd.read_parquet(source)], ignore_index=True)
    whole = whole.sample(frac=1, random_state=3).reset_index(drop=True)
    whole.to_parquet(source, index=False)
    write_benchmark(SETTINGS, tmp_path / "latents.parquet", source)
    latents = load_latents(tmp_path / "latents.parquet")
    own = whole.query("data_set == 'two' and suite == 'hard'")
    assert latents.rows.tolist() == own.index.tolist()
    features = np.array(own["features"].tolist(), dtype=np.float32)
    assert np.array_equal(latents.features, features)
    assert latents.split.tolist() == own["split"].replace("test", "heldout").tolist()
    assert latents.task == "classify" and latents.classes == ("-1", "1")
    assert np.array_equal(latents.targets, own["label"].to_numpy()[:, None] == [-1, 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(label="a"), "has the class 'a' alone; two are needed"),
        (
            lambda t: t.assign(label=["a"] + ["b"] * (len(t) - 1)),
            "1 training rows of the class 'a'",
        ),
        (lambda t: t.assign(label=np.where(t.split == "test", "c", t.label)), "0 training rows of"),
        (lambda t: t.assign(data_set="other"), "has no row"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, change, words):
    table = change(write_benchmarks(tmp_path / "a.parquet", NAMES[2:]))
    table.assign(label=table["label"].astype(str)).to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(DataError, match=words):
        write_benchmark(SETTINGS, tmp_path / "latents.parquet", tmp_path / "a.parquet")
    assert not (tmp_path / "latents.parquet").exists()


def test_a_value_that_is_not_finite_is_refused(source, tmp_path):
    table = pd.read_parquet(source)
    table.at[len(table) - 1, "features"] = np.array([1.0, np.nan, 0.0, 0.0])
    table.to_parquet(source, index=False)
    with pytest.raises(DataError, match="'two': row 35"):
        write_benchmark(SETTINGS, tmp_path / "latents.parquet", source)
