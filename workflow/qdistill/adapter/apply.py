"""Apply an adapter to a Parquet file of any length, in constant memory.

The arithmetic is NumPy's: the command starts in a fraction of a second, where torch alone would
take longer to import, and the numbers are torch's to float32 accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from tqdm import tqdm

from qdistill.adapter.layout import AdapterWeights, read_adapter
from qdistill.adapter.numerics import EncodingError, check_vectors, encode
from qdistill.datasets.parquet_columns import open_parquet, read_batches, vectors_of
from qdistill.errors import DataError
from qdistill.storage.files import atomic_path
from qdistill.study.reading import check_columns, part_files

BATCH_SIZE = 8192
_WRITING = {"compression": "zstd", "write_page_checksum": True}


@dataclass(frozen=True)
class ApplySettings:
    """Which column is encoded, where the codes go, and how many rows at a time."""

    column: str = "features"
    output_column: str = "codes"
    batch_size: int = BATCH_SIZE
    overwrite: bool = False


def apply_adapter(
    adapter_path: str | Path,
    input_path: str | Path,
    output_path: str | Path,
    settings: ApplySettings | None = None,
    progress: bool = True,
) -> int:
    """Add the codes of a column of vectors to a Parquet file, as another; return the rows' number.

    The input may be a folder of part files too, which become one file; all of its columns are kept.
    The adapter is a folder. The output appears only when complete; what a killed run left beside it
    is removed.

    Raises
    ------
    DataError
        If a file or column is missing, damaged or of the wrong width or type, if a value or code is
        not finite (with its row, counted from 0), or if the output exists.
    """
    settings = settings or ApplySettings()
    source, target = Path(input_path), Path(output_path)
    adapter = read_adapter(adapter_path)
    _check_paths(source, target, settings)
    parts = part_files(source)
    schema, total = _check_parts(source, parts, settings)
    shown = tqdm(desc="apply", total=total, unit="row", unit_scale=True, disable=not progress)
    try:
        with atomic_path(target) as partial, shown as bar:
            _stream(parts, schema, partial, adapter, settings, bar)
            _check_absent(target, settings)  # made in the meantime
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror or error})") from error
    return total


def _check_paths(source: Path, target: Path, settings: ApplySettings) -> None:
    if not source.exists():
        raise DataError(f"{source}: no such file")
    if target.exists():
        if target.samefile(source):
            raise DataError(f"{target}: the output is the input; give another name")
        if target.is_dir():
            raise DataError(f"{target}: a folder; give the name of a file")
        _check_absent(target, settings)
    if settings.batch_size < 1:
        raise DataError(f"batches of {settings.batch_size} rows; one or more are needed")


def _check_absent(target: Path, settings: ApplySettings) -> None:
    if target.exists() and not settings.overwrite:
        raise DataError(f"{target}: exists already; give another name or --overwrite")


def _check_parts(
    source: Path, parts: Sequence[Path], settings: ApplySettings
) -> tuple[arrow.Schema, int]:
    """Return the columns that all parts have, and the number of their rows."""
    if not parts or any(source.is_dir() and part.suffix.lower() != ".parquet" for part in parts):
        raise DataError(f"{source}: a folder with other files than .parquet parts")
    schema, total = None, 0
    for part in parts:
        with open_parquet(part) as file:
            own = file.schema_arrow
            total += file.metadata.num_rows
        check_columns(part, [settings.column], own.names)
        if settings.output_column in own.names:
            raise DataError(
                f"{part}: has a column '{settings.output_column}' already; give the codes another "
                "name with --output-column"
            )
        if not own.equals(schema := schema or own):
            raise DataError(
                f"{part}: its columns or their types are not those of {parts[0].name}; parts of "
                "one file have the same"
            )
    assert schema is not None
    return schema, total


def _stream(
    parts: Sequence[Path],
    schema: arrow.Schema,
    partial: Path,
    adapter: AdapterWeights,
    settings: ApplySettings,
    bar: tqdm,
) -> None:
    """Encode part by part and batch by batch into the temporary file."""
    codes = arrow.field(settings.output_column, arrow.list_(arrow.float32(), adapter.config.width))
    schema = schema.append(codes)
    place = schema.get_field_index(settings.column)
    with parquet.ParquetWriter(partial, schema, **_WRITING) as writer:
        for part in parts:
            done = 0
            with open_parquet(part) as file:
                for batch in read_batches(file, part, None, settings.batch_size):
                    column = _codes_of(batch.column(place), adapter, settings.column, part, done)
                    columns = [*batch.columns, column]
                    writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=schema))
                    done += len(batch)
                    bar.update(len(batch))


def _codes_of(
    column: arrow.Array, adapter: AdapterWeights, name: str, part: Path, first_row: int
) -> arrow.Array:
    """Encode a column of lists of numbers, or refuse a row of it."""
    config, where = adapter.config, f"{part}: column '{name}'"
    vectors = vectors_of(column, str(part), name, first_row, config.inputs)
    try:
        encoded = encode(adapter, check_vectors(vectors, config.inputs, first_row))
    except EncodingError as error:
        raise DataError(f"{where}: {EncodingError(first_row + error.row, error.what)}") from error
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    # Through a buffer: `arrow.array` of a NumPy array would import pandas first.
    buffer = arrow.py_buffer(np.ascontiguousarray(encoded))
    values = arrow.Array.from_buffers(arrow.float32(), encoded.size, [None, buffer])
    return arrow.FixedSizeListArray.from_arrays(values, config.width)
