"""What a file or folder of the user's holds: texts or vectors, how many, and their labels."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.asking.question import Question
from qdistill.datasets.label_columns import read_labels
from qdistill.datasets.labelled import classes_of
from qdistill.datasets.own_text import read_texts, split_texts, usable_rows
from qdistill.datasets.sampling import draw_sample
from qdistill.datasets.vectors import split_rows
from qdistill.errors import DataError
from qdistill.study.dataset_record import MINILM_WIDTH
from qdistill.study.datasets import record_of, resolve_dataset
from qdistill.study.file_shapes import VECTORS, shape_of
from qdistill.study.messages import listed, quoted
from qdistill.study.reading import check_columns, is_table, part_files, read_csv, reading
from qdistill.study.user_files import check_text_path

LEAST_ROWS = 40  # of which 20 are to train on and 12 held out
LEAST_OF_CLASS = 10  # rows to train on, and held out
_ENCODED_A_MINUTE = 1_300  # texts of the time that is given, so that there is some for training
_MOST_NUMBERS = 50_000_000  # of vectors, which are held in memory several times
_LOOKED_AT = 50  # rows of a CSV file
_ROW_NAMES = {"id", "index", "row", "", "Unnamed: 0", "__index_level_0__"}


@dataclass(frozen=True)
class Source:
    """A data set of the user's, before it is made."""

    settings: dict[str, Any]  # as in the configuration, with its absolute path
    features: int
    train: int  # rows
    classes: dict[str, int]  # rows to train on of each class that is told; none without labels


def find_source(question: Question, width: dict[str, int]) -> Source:
    """Find out what a question's file holds, codes having a width as a data set says it.

    Raises DataError if there is no such file or column, nothing to read in it, or too little.
    """
    path = question.path
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    entry: dict[str, Any] = {"name": question.name, **_kind_of(question)}
    entry |= {"path": str(path), **width}
    if question.labels is not None:
        entry["label_column"] = question.labels
    most = int(_ENCODED_A_MINUTE * question.minutes)
    features = MINILM_WIDTH
    if entry["kind"] == "vectors":
        _, found = record_of(resolve_dataset(entry)).inspect()
        features = found or features
        most = _MOST_NUMBERS // features
    read = _read_texts if entry["kind"] == "text" else _read_vectors
    count, split, labels = read(entry, most)
    if count > most:
        entry["most_rows"] = most
    _check_enough(path, split)
    classes = _classes_of(path, question.labels, labels, split)
    train = sum(classes.values()) or int(np.count_nonzero(split == "train"))
    return Source(entry, features, train, classes)


def _kind_of(question: Question) -> dict[str, Any]:
    """Return the kind of the data set, and the column that it is read from."""
    path = question.path
    if not is_table(path) and path.suffix.lower() not in VECTORS:
        check_text_path(question.name, str(path), {})
        for option, name in (("labels", question.labels), ("column", question.column)):
            if name is not None:
                raise DataError(
                    f"{path}: plain text, which has no column {quoted(name)}; leave out "
                    f"--{option}, or give a .parquet, .csv or .jsonl file"
                )
        return {"kind": "text"}
    if path.suffix.lower() == ".npy":
        if question.labels or question.column:
            raise DataError(
                f"{path}: one array, which has no columns; give a .npz or .parquet file"
            )
        return {"kind": "vectors"}
    kinds = _columns_of(part_files(path)[0])
    asked = [each for each in (question.labels, question.column) if each is not None]
    check_columns(path, asked, list(kinds))
    kinds = {name: kind for name, kind in kinds.items() if name != question.labels}
    column: str | list[str] = question.column or _plain_column(path, kinds)
    if isinstance(column, str) and kinds.get(column) == "text":
        return {"kind": "text", "text_column": column}
    return {"kind": "vectors", "column": column}


def _plain_column(path: Path, kinds: dict[str, str]) -> str | list[str]:
    """Choose the column of vectors, else that of texts, else all of numbers.

    Raises DataError if there are several to choose from, or none.
    """
    for wanted in ("vector", "text"):
        found = [name for name, kind in kinds.items() if kind == wanted]
        if len(found) == 1 or "text" in found:
            return "text" if "text" in found else found[0]
        if found:
            raise DataError(
                f"{path}: {listed(map(quoted, found))} may each be what is asked about; name one "
                "by --column"
            )
    numbers = [n for n, kind in kinds.items() if kind == "number" and n not in _ROW_NAMES]
    if len(numbers) < 2:
        raise DataError(
            f"{path}: no column of texts, of vectors, or several of numbers; its columns are "
            f"{listed(map(quoted, kinds))}"
        )
    return numbers


def _columns_of(file: Path) -> dict[str, str]:
    """Return what each column of a table holds: vector, text, number or other."""
    suffix = file.suffix.lower()
    with reading(file, f"{suffix} file"):
        if suffix == ".parquet":
            return _parquet_columns(file)
        if suffix == ".csv":
            return _csv_columns(file)
        _, names, _ = shape_of(file, None)
        if suffix == ".npz":
            return {name: "vector" if shape_of(file, name)[2] else "other" for name in names or ()}
        return dict.fromkeys(names or (), "text")  # JSON Lines, from which texts alone are read


def _parquet_columns(file: Path) -> dict[str, str]:
    from pyarrow import parquet, types

    def kind_of(type_: Any) -> str:
        if hasattr(type_, "value_type") and not types.is_dictionary(type_):
            return "vector"
        if types.is_dictionary(type_):
            type_ = type_.value_type
        if types.is_string(type_) or types.is_large_string(type_):
            return "text"
        is_number = types.is_floating(type_) or types.is_integer(type_)
        return "number" if is_number else "other"

    return {field.name: kind_of(field.type) for field in parquet.read_schema(file)}


def _csv_columns(file: Path) -> dict[str, str]:
    _, names, _ = shape_of(file, None)
    cells: dict[str, list[str]] = {name: [] for name in names or ()}
    for row, values in read_csv(file, list(cells)):
        if row == _LOOKED_AT:
            break
        for name, value in zip(cells, values, strict=True):
            cells[name].append(value)
    return {name: _kind_of_cells(values) for name, values in cells.items()}


def _kind_of_cells(cells: Sequence[str]) -> str:
    try:
        values = [json.loads(cell) for cell in cells]
    except ValueError:
        return "text"
    if all(isinstance(value, list) for value in values):
        return "vector"
    return "number" if all(isinstance(value, int | float) for value in values) else "text"


Rows = tuple[int, np.ndarray, np.ndarray | None]  # how many there are; split and label of each used


def _read_texts(entry: dict[str, Any], most: int) -> Rows:
    """Split texts as the study will."""
    settings = resolve_dataset(entry)
    found = read_texts(settings)
    usable = usable_rows(found, settings)
    low, high = settings["minimum_characters"], settings["maximum_characters"]
    if len(usable) < LEAST_ROWS:
        raise DataError(
            f"{settings['path']}: {len(usable)} texts of {low} to {high:,} characters, and at "
            f"least {LEAST_ROWS} are needed"
        )
    kept = [
        found[usable[place]] for place in draw_sample(len(usable), settings | {"most_rows": most})
    ]
    split = split_texts([each.document for each in kept], settings, 1)
    return len(usable), split, np.array([each.label for each in kept], dtype=object)


def _read_vectors(entry: dict[str, Any], most: int) -> Rows:
    """Split vectors as the study will; of them the labels alone are read."""
    settings, path = resolve_dataset(entry), Path(entry["path"])
    column = entry["column"] if isinstance(entry.get("column"), str) else None
    count = sum(shape_of(file, column)[0] for file in part_files(path))
    rows = draw_sample(count, settings | {"most_rows": most})
    labels, name = None, entry.get("label_column")
    if name is not None:
        every = [label for file in part_files(path) for label in read_labels(file, name)]
        labels = np.array(every, dtype=object)[rows]
    return count, split_rows(len(rows), settings), labels


def _check_enough(path: Path, split: np.ndarray) -> None:
    if len(split) < LEAST_ROWS:
        raise DataError(f"{path}: {len(split)} rows, and at least {LEAST_ROWS} are needed")


def _classes_of(
    path: Path, column: str | None, labels: np.ndarray | None, split: np.ndarray
) -> dict[str, int]:
    """Count the training rows of each class that is frequent enough to be told."""
    if column is None or labels is None:
        return {}
    classes, _ = classes_of(labels.astype(str), split, LEAST_OF_CLASS)
    if len(classes) < 2:
        raise DataError(
            f"{path}: {len(classes)} of the {len(set(labels))} labels in '{column}' have "
            f"{LEAST_OF_CLASS} rows or more to train on and as many held out, which takes some "
            f"{4 * LEAST_OF_CLASS} rows of each; two labels are needed"
        )
    return dict(Counter(label for label in labels[split == "train"] if label in set(classes)))
