"""Apply an adapter to a Parquet file of any length, in constant memory.

The arithmetic is NumPy's: the command starts in a fraction of a second, where torch alone would
take longer to import, and the numbers are torch's to float32 accuracy.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet
from tqdm import tqdm

from qdistill.adapter.layout import AdapterWeights, read_adapter
from qdistill.adapter.numerics import ZeroEncodingError, check_vectors, encode
from qdistill.errors import DataError
from qdistill.storage.files import atomic_path

BATCH_SIZE = 8192
_READING = {
    "buffer_size": 1 << 20,  # a column chunk is read in pieces, not whole
    "pre_buffer": False,
    "page_checksum_verification": True,
}
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

    The adapter is a folder, and all columns of the input are kept. The output appears only when
    complete; what a killed run left beside it is removed.

    Raises
    ------
    DataError
        If a file or column is missing, damaged or of the wrong width or type, if a value is not
        finite (with its row, counted from 0), or if the output exists.
    """
    settings = settings or ApplySettings()
    source, target = Path(input_path), Path(output_path)
    adapter = read_adapter(adapter_path)
    _check_paths(source, target, settings)
    try:
        with parquet.ParquetFile(source, **_READING) as file:
            _check_columns(source, file.schema_arrow, adapter, settings)
            with atomic_path(target) as partial:
                rows = _stream(file, partial, adapter, settings, source, progress)
                _check_absent(target, settings)  # made in the meantime
            return rows
    except (OSError, arrow.ArrowException) as error:
        raise DataError(f"{source}: cannot be read or written on ({error})") from error


def _check_paths(source: Path, target: Path, settings: ApplySettings) -> None:
    if not source.is_file():
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


def _check_columns(
    source: Path, schema: arrow.Schema, adapter: AdapterWeights, settings: ApplySettings
) -> None:
    names = schema.names
    if settings.column not in names:
        raise DataError(
            f"{source}: no column '{settings.column}'; it has {', '.join(names)}, and --column "
            "says which one holds the vectors"
        )
    if settings.output_column in names:
        raise DataError(
            f"{source}: has a column '{settings.output_column}' already; give the codes another "
            "name with --output-column"
        )
    kind = schema.field(settings.column).type
    lists = (arrow.types.is_list, arrow.types.is_large_list, arrow.types.is_fixed_size_list)
    if not any(is_list(kind) for is_list in lists) or not arrow.types.is_floating(kind.value_type):
        raise DataError(
            f"{source}: column '{settings.column}' is of type {kind}, but the adapter takes lists "
            f"of {adapter.config.inputs} floating-point numbers"
        )


def _stream(
    file: parquet.ParquetFile,
    partial: Path,
    adapter: AdapterWeights,
    settings: ApplySettings,
    source: Path,
    progress: bool,
) -> int:
    """Encode batch by batch into the temporary file."""
    codes = arrow.field(settings.output_column, arrow.list_(arrow.float32(), adapter.config.width))
    schema = file.schema_arrow.append(codes)
    done = 0
    total = file.metadata.num_rows
    bar = tqdm(desc="apply", total=total, unit="row", unit_scale=True, disable=not progress)
    with bar, parquet.ParquetWriter(partial, schema, **_WRITING) as writer:
        for batch in file.iter_batches(settings.batch_size, use_threads=False):
            where = f"{source}: column '{settings.column}'"
            vectors = _vectors_of(batch.column(settings.column), adapter.config.inputs, done, where)
            try:
                encoded = encode(adapter, vectors)
            except ZeroEncodingError as error:
                raise DataError(f"{source}: {ZeroEncodingError(done + error.row)}") from error
            # Through a buffer: `arrow.array` of a NumPy array would import pandas first.
            buffer = arrow.py_buffer(np.ascontiguousarray(encoded))
            values = arrow.Array.from_buffers(arrow.float32(), encoded.size, [None, buffer])
            column = arrow.FixedSizeListArray.from_arrays(values, adapter.config.width)
            columns = [*batch.columns, column]
            writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=schema))
            done += len(batch)
            bar.update(len(batch))
    return done


def _vectors_of(column: arrow.Array, inputs: int, first_row: int, where: str) -> np.ndarray:
    """Return the vectors of a list column as float32 (rows, inputs), or refuse them."""
    wrong = _first_wrong(column, inputs)
    if wrong is not None:
        cell = column[wrong]
        found = f"{len(cell)} numbers" if cell.is_valid else "missing"
        raise DataError(
            f"{where}: row {first_row + wrong} (counted from 0) is {found}, but the adapter takes "
            f"{inputs}"
        )
    values = column.flatten()
    if values.null_count:
        row = compute.index(values.is_null(), True).as_py() // inputs
        raise DataError(
            f"{where}: row {first_row + row} (counted from 0) has a missing number in its vector"
        )
    # Through DLPack: `to_numpy` would import pandas first, which takes as long as all the rest.
    matrix = np.from_dlpack(values).reshape(len(column), inputs)
    try:
        return check_vectors(matrix, inputs, first_row)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _first_wrong(column: arrow.Array, inputs: int) -> int | None:
    """Find the first row that is missing or has another width."""
    lengths = compute.list_value_length(column)
    bounds = compute.min_max(lengths)
    widths = {bounds[name].as_py() for name in ("min", "max")}
    if not column.null_count and widths <= {inputs, None}:  # None where there are no rows
        return None
    right = compute.equal(lengths, inputs).fill_null(False)
    return int(compute.index(right, False).as_py())
