"""Labels of rows: a column, the digits, the package of a docstring."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from qdistill.datasets.digits import write_digits
from qdistill.datasets.labels import load_labels, package_of
from qdistill.datasets.latents import load_latents
from qdistill.storage.tables import write_table
from qdistill.study.datasets import resolve_dataset


def write(path, **columns):
    rows = {"row": [4, 2, 9], "split": ["train"] * 3, "features": np.ones((3, 2))}
    write_table("latents", path, {**rows, **columns}, {})
    return path


def test_digits_are_labelled_by_their_row(tmp_path):
    settings = resolve_dataset({"name": "digits", "train": 500})
    write_digits(settings, tmp_path / "latents.parquet")
    labels = load_labels(tmp_path / "latents.parquet", settings)
    features = load_latents(tmp_path / "latents.parquet").features
    pixels, classes = load_digits(return_X_y=True)
    by_pixels = {tuple(row): str(digit) for row, digit in zip(pixels, classes, strict=True)}
    assert labels.tolist() == [by_pixels[tuple(row)] for row in (features * 16).round()]


@pytest.mark.parametrize(
    ("source", "package"),
    [
        ("pennylane 0.45.1 pennylane.transforms.core.transform:Transform", "pennylane.transforms"),
        ("pennylane 0.45.1 pennylane.pulse:", "pennylane.pulse"),
        ("pennylane 0.45.1 pennylane:", "pennylane"),
        ("scikit-learn 1.9.1 sklearn.svm._base:fit", "sklearn.svm"),
    ],
)
def test_docstrings_are_labelled_by_their_package(tmp_path, source, package):
    assert package_of(source) == package
    path = write(tmp_path / "latents.parquet", source=[source] * 3)
    assert load_labels(path, {"kind": "docstrings"}).tolist() == [package] * 3


def test_a_column_of_labels_goes_before_everything_else_and_other_data_have_none(tmp_path):
    path = write(tmp_path / "latents.parquet")
    assert [load_labels(path, {"kind": kind}) for kind in ("vectors", "docstrings")] == [None] * 2
    path = write(tmp_path / "latents.parquet", label=["x", "y", "x"], source=["a 1 b.c:"] * 3)
    for kind in ("docstrings", "digits", "vectors"):
        assert load_labels(path, {"kind": kind}).tolist() == ["x", "y", "x"]
