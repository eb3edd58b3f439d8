"""Rows, columns and width of a file of the user's, known without reading it whole."""

import csv
import json
import zipfile
from functools import lru_cache
from pathlib import Path

from qdistill.errors import DataError
from qdistill.study.reading import check_columns, read_object, reading

VECTORS = (".parquet", ".csv", ".npy", ".npz")
# Rows at most, names of columns (None of a single array), and the width of one of them.
Shape = tuple[int, tuple[str, ...] | None, int | None]
BENCHMARK_COLUMNS = ("suite", "data_set", "split", "features", "label")
# Of a suite's data set and a split of it: rows, and the width of the shortest and the longest.
Parts = dict[tuple[str, str, str], tuple[int, int, int]]


def shape_of(path: Path, column: str | None) -> Shape:
    """Read the rows, at most, of a file, its columns, and the width of one of them.

    The width is that of its first row, if that has one. Raises DataError if the file is damaged.
    """
    kind, _ = _READERS.get(path.suffix.lower(), _LINES)
    with reading(path, kind):
        state = path.stat()
        return _shape(path, column, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _shape(path: Path, column: str | None, changed: int, size: int) -> Shape:
    """Read it once for all that ask, as long as the file stays as it is."""
    _, read = _READERS.get(path.suffix.lower(), _LINES)
    return read(path, column)


def parts_of_benchmarks(path: Path) -> Parts:
    """Count rows and features of every data set of a collection, by suite, name and split.

    Raises DataError if the file is damaged, or a column is missing or not of its type.
    """
    with reading(path, "Parquet file"):
        state = path.stat()
        return _parts(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _parts(path: Path, changed: int, size: int) -> Parts:
    """Count once for all data sets of a study, as long as the file stays as it is."""
    from pyarrow import compute, parquet, types

    with parquet.ParquetFile(path) as file:
        check_columns(path, BENCHMARK_COLUMNS, file.schema_arrow.names)
        kind = file.schema_arrow.field("features").type
        if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
            raise DataError(f"{path}: column 'features' has type {kind}, expected lists of numbers")
        table = file.read(["suite", "data_set", "split", "features"])
    width = compute.fill_null(compute.list_value_length(table.column("features")), 0)
    table = table.drop(["features"]).append_column("width", width)
    keys = ["suite", "data_set", "split"]
    sides = [("width", each) for each in ("count", "min", "max")]
    counted = table.group_by(keys).aggregate(sides).to_pydict()
    names = zip(*(map(str, counted[key]) for key in keys), strict=True)
    values = zip(*(counted[f"width_{each}"] for _, each in sides), strict=True)
    return dict(zip(names, values, strict=True))  # type: ignore[arg-type]


def _parquet(path: Path, column: str | None) -> Shape:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names, first = tuple(file.schema_arrow.names), None
        if column is not None and names.count(column) == 1:
            for batch in file.iter_batches(batch_size=1, columns=[column]):
                first = batch.column(column)[0].as_py()
                break
        return file.metadata.num_rows, names, _length(first)


def _csv(path: Path, column: str | None) -> Shape:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = tuple(next(reader, []))
        if not names:
            raise DataError(f"{path}: empty, without so much as a header")
        first = dict(zip(names, next(reader, []), strict=False)) if column in names else {}
    try:
        cell = json.loads(first.get(column or "", ""))
    except (ValueError, RecursionError):  # which the job says
        cell = None
    return max(_count_lines(path) - 1, 0), names, _length(cell)


def _jsonl(path: Path, column: str | None) -> Shape:
    with path.open(encoding="utf-8-sig") as file:
        lines = enumerate(file, start=1)
        number, line = next(((n, line) for n, line in lines if line.strip()), (1, "{}"))
    return _count_lines(path), tuple(read_object(line, f"{path}: line {number}")), None


def _npy(path: Path, column: str | None) -> Shape:
    import numpy as np

    return _of_array(None, np.load(path, mmap_mode="r", allow_pickle=False).shape)


def _npz(path: Path, column: str | None) -> Shape:
    from numpy.lib import format as npy

    with zipfile.ZipFile(path) as archive:
        names = tuple(member.removesuffix(".npy") for member in archive.namelist())
        if column is None or column not in names:
            return 0, names, None
        with archive.open(f"{column}.npy") as file:
            old = npy.read_magic(file) == (1, 0)
            read = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
            return _of_array(names, read(file)[0])


def _of_array(names: tuple[str, ...] | None, shape: tuple[int, ...]) -> Shape:
    return shape[0] if shape else 0, names, shape[1] if len(shape) == 2 else None


_LINES = ("JSON Lines file", _jsonl)
_READERS = {
    ".parquet": ("Parquet file", _parquet),
    ".csv": ("CSV file", _csv),
    ".npy": ("NumPy file", _npy),
    ".npz": ("NumPy file", _npz),
}


def _length(first: object) -> int | None:
    """Width of the first row; whether it is a list, and all are as long, the job says."""
    return len(first) if isinstance(first, list) else None


def _count_lines(path: Path) -> int:
    """Count lines, whichever way they end; the last need not. Blank ones count too."""
    counts, block = {b"\n": 0, b"\r": 0}, b""
    with path.open("rb") as file:
        while more := file.read(1 << 20):
            block = more
            counts = {end: count + block.count(end) for end, count in counts.items()}
    return max(counts.values()) + (block[-1:] not in (b"", b"\n", b"\r"))
