"""Tables that an adapter is applied to, batch by batch in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow

from qdistill.adapter.apply_settings import ApplySettings
from qdistill.datasets.parquet_columns import (
    check_text,
    columns_of,
    open_parquet,
    read_batches,
    vectors_of,
)
from qdistill.datasets.vector_files import read_json_cell, read_number_cells
from qdistill.errors import DataError
from qdistill.study.messages import listed, quoted
from qdistill.study.reading import check_columns, match_columns, read_csv, read_header
from qdistill.wording import counted

DEFAULT_COLUMN = "features"


@dataclass(frozen=True)
class Batch:
    """Rows that follow each other: what is encoded of them, and what is kept."""

    content: np.ndarray | list[str]  # vectors (rows, D), or texts
    kept: arrow.RecordBatch
    where: str  # the file and its column, for messages
    first_row: int  # in that file


@dataclass(frozen=True)
class Plan:
    """Which columns of a table are encoded, and which are kept."""

    form: str  # "lists" of numbers in one column, "numbers" in several, or "texts" in one
    encoded: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def read(self) -> list[str]:
        """All columns that are needed, the kept ones first."""
        return list(dict.fromkeys([*self.kept, *self.encoded]))

    def describe(self, path: Path) -> str:
        """Return the words for where a row is."""
        return f"{path}: column '{self.encoded[0]}'" if self.form != "numbers" else str(path)


def make_plan(path: Path, names: Sequence[str], settings: ApplySettings) -> Plan:
    """Find the columns that settings ask for; raises DataError that names one that is not there."""
    if settings.columns:
        found = [name for each in settings.columns for name in match_columns(path, each, names)]
        form, encoded = "numbers", tuple(dict.fromkeys(found))
    elif settings.texts:
        form, encoded = "texts", (settings.texts,)
    elif settings.column or DEFAULT_COLUMN in names:
        form, encoded = "lists", (settings.column or DEFAULT_COLUMN,)
    else:
        raise DataError(
            f"{path}: no column '{DEFAULT_COLUMN}'; name what is encoded by --column, --columns or "
            f"--texts; its columns are {listed(map(quoted, names))}"
        )
    check_columns(path, [*encoded, *settings.drop], names)
    left_out = {*settings.drop, *(() if form == "texts" or settings.keep_vectors else encoded)}
    kept = [] if settings.codes_only else [name for name in names if name not in left_out]
    check_columns(path, kept, names)
    return Plan(form, encoded, tuple(kept))


def check_width(where: str | Path, found: int, inputs: int) -> None:
    """Validate the number of features; raises DataError if it is not that of the adapter."""
    if found != inputs:
        raise DataError(
            f"{where}: vectors of {counted(found, 'number')}, but the adapter takes {inputs}"
        )


def schema_of(path: Path) -> tuple[arrow.Schema, int | None]:
    """Read the columns of a Parquet or CSV file, and the number of its rows, if it tells that.

    Those of a CSV file are of text, as they stand there. Raises DataError if the file is damaged.
    """
    if path.suffix.lower() == ".csv":
        return arrow.schema([(name, arrow.string()) for name in read_header(path)]), None
    with open_parquet(path) as file:
        return file.schema_arrow, file.metadata.num_rows


def read_part(path: Path, plan: Plan, size: int, inputs: int) -> Iterator[Batch]:
    """Read a Parquet or CSV file; raises DataError, with the row, where there is something else."""
    reader = _csv_batches if path.suffix.lower() == ".csv" else _parquet_batches
    return reader(path, plan, size, inputs)


def _parquet_batches(path: Path, plan: Plan, size: int, inputs: int) -> Iterator[Batch]:
    done = 0
    with open_parquet(path) as file:
        if plan.form == "texts":
            check_text(path, plan.encoded[0], file.schema_arrow.field(plan.encoded[0]).type)
        for batch in read_batches(file, path, plan.read, size):
            encoded = batch.select(list(plan.encoded))
            content: np.ndarray | list[str]
            if plan.form == "lists":
                content = vectors_of(encoded[0], str(path), plan.encoded[0], done, inputs)
            elif plan.form == "numbers":
                content = columns_of(encoded, str(path), done)
            else:
                content = ["" if cell is None else str(cell) for cell in encoded[0].to_pylist()]
            yield Batch(content, batch.select(list(plan.kept)), plan.describe(path), done)
            done += len(batch)


def _csv_batches(path: Path, plan: Plan, size: int, inputs: int) -> Iterator[Batch]:
    width, where = len(plan.kept), plan.describe(path)
    rows = read_csv(path, [*plan.kept, *plan.encoded])
    done = 0
    while True:
        content: list[Any] = []
        kept = []
        for row, cells in islice(rows, size):
            content.append(_content_of(path, plan, row, cells[width:], inputs))
            kept.append(cells[:width])
        if not content:
            return
        columns = text_columns(plan.kept, zip(*kept, strict=True))
        yield Batch(content if plan.form == "texts" else np.stack(content), columns, where, done)
        done += len(content)


def _content_of(
    path: Path, plan: Plan, row: int, cells: Sequence[str], inputs: int
) -> np.ndarray | str:
    if plan.form == "texts":
        return cells[0]
    if plan.form == "numbers":
        return read_number_cells(path, row, plan.encoded, cells)
    vector = read_json_cell(path, row, plan.encoded[0], cells[0])
    check_width(
        f"{path}: row {row} (counted from 0), column '{plan.encoded[0]}'", len(vector), inputs
    )
    return vector


def text_columns(names: Sequence[str], columns: Iterable[Sequence[str]]) -> arrow.RecordBatch:
    """Make columns of text."""
    arrays = []
    for cells in columns:
        builder = arrow.lib.StringBuilder()  # `arrow.array` would import pandas first
        builder.append_values(list(cells))
        arrays.append(builder.finish())
    return arrow.RecordBatch.from_arrays(
        arrays, schema=arrow.schema([(n, arrow.string()) for n in names])
    )
