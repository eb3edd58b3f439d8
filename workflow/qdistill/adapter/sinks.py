"""Where codes go: a Parquet, CSV or NumPy file, written batch by batch."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as arrow
from numpy.lib import format as npy
from pyarrow import csv, parquet

from qdistill.errors import DataError

_WRITING = {"compression": "zstd", "write_page_checksum": True}
_TYPES = {
    "float32": arrow.float32(),
    "float16": arrow.float16(),
    "int8": arrow.int8(),
    "uint8": arrow.uint8(),
}
Write = Callable[[arrow.RecordBatch, np.ndarray], None]


@dataclass(frozen=True)
class Layout:
    """What each row of an output holds."""

    kept: arrow.Schema
    column: str  # of the codes
    dtype: np.dtype
    width: int  # numbers of a row of codes
    about: Mapping[str, str]  # is told in a file that can

    def names(self, path: Path) -> list[str]:
        """List the columns of the codes: in CSV they are numbered, one for each code."""
        if path.suffix.lower() != ".csv":
            return [self.column]
        return [f"{self.column}{number}" for number in range(1, self.width + 1)]


def check_output(path: Path, source: Path, layout: Layout) -> None:
    """Validate that an output can hold a layout.

    Raises DataError if its kind is unknown, or it cannot hold a column of the source that is kept.
    """
    kind = path.suffix.lower()
    if kind not in _SINKS:
        raise DataError(f"{path}: an output ends in {', '.join(_SINKS)}")
    for name in layout.names(path):
        if name in layout.kept.names:
            raise DataError(
                f"{source}: has a column '{name}' already; give the codes another name with "
                f"--output-column, or --drop {name}"
            )
    for field in layout.kept if kind == ".csv" else ():
        try:
            nothing = arrow.RecordBatch.from_arrays([arrow.nulls(0, field.type)], names=["nothing"])
            csv.write_csv(nothing, arrow.BufferOutputStream())
        except arrow.ArrowInvalid as error:
            raise DataError(
                f"{source}: column '{field.name}' has type {field.type}, which CSV cannot hold; "
                f"--drop {field.name}, or write .parquet"
            ) from error


def open_sink(path: Path, layout: Layout) -> AbstractContextManager[Write]:
    """Create a file, of the kind of its extension, for batches of kept columns and codes."""
    return _SINKS[path.suffix.lower()](path, layout)


@contextmanager
def _parquet_sink(path: Path, layout: Layout) -> Iterator[Write]:
    codes = arrow.field(layout.column, arrow.list_(_TYPES[layout.dtype.name], layout.width))
    metadata = {**(layout.kept.metadata or {}), **layout.about}
    schema = layout.kept.append(codes).with_metadata(metadata)
    with parquet.ParquetWriter(path, schema, **_WRITING) as writer:

        def write(kept: arrow.RecordBatch, codes: np.ndarray) -> None:
            column = arrow.FixedSizeListArray.from_arrays(_array_of(codes), layout.width)
            columns = [*kept.columns, column]
            writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=schema))

        yield write


@contextmanager
def _csv_sink(path: Path, layout: Layout) -> Iterator[Write]:
    # Half precision is written by the digits of float32, which has all of its numbers.
    dtype = np.dtype(np.float32) if layout.dtype == np.float16 else layout.dtype
    schema = layout.kept
    for name in layout.names(path):
        schema = schema.append(arrow.field(name, _TYPES[dtype.name]))
    with csv.CSVWriter(path, schema) as writer:

        def write(kept: arrow.RecordBatch, codes: np.ndarray) -> None:
            columns = [*kept.columns, *map(_array_of, codes.astype(dtype).T)]
            writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=schema))

        yield write


@contextmanager
def _npy_sink(path: Path, layout: Layout) -> Iterator[Write]:
    """Write the header again at the end: NumPy leaves room in it for any number of rows."""
    written = 0

    def write_header() -> None:
        header = {"descr": layout.dtype.str, "fortran_order": False}
        npy.write_array_header_1_0(file, {**header, "shape": (written, layout.width)})

    def write(kept: arrow.RecordBatch, codes: np.ndarray) -> None:
        nonlocal written
        file.write(np.ascontiguousarray(codes).data)
        written += len(codes)

    with path.open("wb") as file:
        write_header()
        yield write
        file.seek(0)
        write_header()


def _array_of(numbers: np.ndarray) -> arrow.Array:
    """Return numbers row by row; `arrow.array` of a NumPy array would import pandas first."""
    buffer = arrow.py_buffer(np.ascontiguousarray(numbers))
    return arrow.Array.from_buffers(_TYPES[numbers.dtype.name], numbers.size, [None, buffer])


CODES_ALONE = (".npy",)
_SINKS = {".parquet": _parquet_sink, ".csv": _csv_sink, ".npy": _npy_sink}
