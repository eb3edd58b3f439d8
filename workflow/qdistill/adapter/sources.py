"""What an adapter is applied to: a table, an array or texts, batch by batch in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as arrow
from numpy.lib import format as npy

from qdistill.adapter.apply_settings import ApplySettings
from qdistill.adapter.table_parts import (
    Batch,
    Plan,
    check_width,
    make_plan,
    read_part,
    schema_of,
    text_columns,
)
from qdistill.datasets.vector_files import check_matrix, numeric_matrix
from qdistill.errors import DataError
from qdistill.study.messages import quoted
from qdistill.study.reading import check_columns, part_files, read_text, reading
from qdistill.study.user_files import is_plain_text, text_files

_TABLES, _ARRAY, _TEXTS = (".parquet", ".csv"), ".npy", ".txt"
_TEXT_COLUMNS = ("source", "text")  # of texts in files, as in the data sets of a study
_NOTHING = arrow.RecordBatch.from_arrays([], names=[])


@dataclass(frozen=True)
class Source:
    """What is read, and the columns that are kept."""

    schema: arrow.Schema
    total: int | None  # rows, where they are known
    are_texts: bool
    batches: Callable[[int], Iterator[Batch]]  # by the rows at a time


def open_source(path: Path, settings: ApplySettings, inputs: int) -> Source:
    """Find what a file or a folder holds, and what is asked for of it.

    Raises DataError if it is nothing that can be read, a column that is asked for is missing, or
    the features are not as many as the adapter takes.
    """
    with reading(path, "folder"):
        kind, parts = _parts_of(path)
    if kind in _TABLES:
        source = _table(parts, settings, inputs)
    elif settings.asked:
        raise DataError(f"{path}: has no columns, and {settings.asked[0]} names one")
    else:
        source = (_array if kind == _ARRAY else _plain_texts)(path, parts, settings, inputs)
    if settings.keep_vectors and (source.are_texts or kind == _ARRAY):
        raise DataError(f"{path}: has no column of vectors that --keep-vectors could keep")
    if settings.encoder and not source.are_texts:
        raise DataError(f"{path}: --encoder is for texts; --texts names a column of them")
    return source


def _parts_of(path: Path) -> tuple[str, list[Path]]:
    """Tell what is read by its extension, and list the files of it."""
    if not path.exists():
        raise DataError(f"{path}: no such file")
    allowed = f"{', '.join(_TABLES)}, {_ARRAY} and plain texts ({_TEXTS})"
    parts = part_files(path)
    if not parts:
        parts = [Path(file) for file in text_files(path)]
        files = (file for file in sorted(path.rglob("*")) if file.is_file())
        seen = (f for f in files if not any(p[0] == "." for p in f.relative_to(path).parts))
        other = next((file.name for file in seen if not is_plain_text(file)), None)
        if other is not None or not parts:
            found = "nothing that can be read" if other is None else f"{quoted(other)} in it"
            raise DataError(
                f"{path}: a folder with {found}; allowed are parts of one table "
                f"({' or '.join(_TABLES)}), or plain texts ({_TEXTS})"
            )
        return _TEXTS, parts
    kind = parts[0].suffix.lower()
    if kind in (*_TABLES, _ARRAY):
        return kind, parts
    if not is_plain_text(parts[0]):
        raise DataError(f"{parts[0]}: files of kind '{kind}' cannot be read; allowed are {allowed}")
    return _TEXTS, parts


def _table(parts: Sequence[Path], settings: ApplySettings, inputs: int) -> Source:
    schema, total = schema_of(parts[0])
    plan = make_plan(parts[0], schema.names, settings)
    if plan.form == "numbers":
        check_width(plan.describe(parts[0]), len(plan.encoded), inputs)
    for part in parts[1:]:
        own, rows = schema_of(part)
        if not own.equals(schema):
            raise DataError(
                f"{part}: its columns or their types are not those of {parts[0].name}; parts of "
                "one file have the same"
            )
        total = None if total is None or rows is None else total + rows
    kept = arrow.schema([schema.field(name) for name in plan.kept], schema.metadata)

    def batches(size: int) -> Iterator[Batch]:
        return chain.from_iterable(read_part(part, plan, size, inputs) for part in parts)

    return Source(kept, total, plan.form == "texts", batches)


def _array(path: Path, parts: Sequence[Path], settings: ApplySettings, inputs: int) -> Source:
    array = _map_array(path)
    check_matrix(array, str(path))
    check_width(path, array.shape[1], inputs)
    check_columns(path, settings.drop, [])
    return Source(_NOTHING.schema, len(array), False, partial(_array_batches, path, len(array)))


def _map_array(path: Path) -> np.ndarray:
    with reading(path, "NumPy file"):  # and never a pickle, for which `numpy.load` looks
        return npy.open_memmap(path, mode="r")


def _array_batches(path: Path, total: int, size: int) -> Iterator[Batch]:
    for first in range(0, total, size):
        # Mapped anew each time, since pages that were read stay in memory as long as a map does.
        rows = numeric_matrix(_map_array(path)[first : first + size], str(path), first)
        yield Batch(rows, _NOTHING, str(path), first)


def _plain_texts(path: Path, parts: Sequence[Path], settings: ApplySettings, inputs: int) -> Source:
    plan = make_plan(path, _TEXT_COLUMNS, replace(settings, texts="text"))
    schema = text_columns(plan.kept, [[] for _ in plan.kept]).schema
    return Source(schema, None, True, partial(_text_batches, path, parts, plan))


def _text_batches(path: Path, parts: Sequence[Path], plan: Plan, size: int) -> Iterator[Batch]:
    rows, done = _paragraphs(path, parts), 0
    while found := list(islice(rows, size)):
        columns = dict(zip(_TEXT_COLUMNS, zip(*found, strict=True), strict=True))
        kept = text_columns(plan.kept, [columns[name] for name in plan.kept])
        yield Batch(list(columns["text"]), kept, str(path), done)
        done += len(found)
    if not done:
        raise DataError(f"{path}: there is no text in it")


def _paragraphs(path: Path, parts: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Read paragraphs file by file, with the words for where each is."""
    from qdistill.datasets.own_text import split_paragraphs  # which imports pandas

    for part in parts:
        name = part.relative_to(path).as_posix() if part != path else part.name
        for number, text in enumerate(split_paragraphs(read_text(part)), start=1):
            yield f"{name} paragraph {number}", text
