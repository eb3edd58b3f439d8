"""Writing and reading Parquet tables, checked against their contracts both times.

Scalar columns are described by pandera. A column that holds one vector per row is an
Arrow fixed-size list of float32, checked here for its type, its width and finite values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from qdistill.errors import DataError
from qdistill.storage.contracts import CONTRACTS, SCHEMA_VERSION
from qdistill.storage.contracts.base import Table
from qdistill.storage.files import atomic_path, code_version, digest_of, version_of

_LONGEST_REASON = 500  # characters
_NAMES = arrow.list_(arrow.string())


def provenance(settings: Any) -> dict[str, str]:
    """Return the key-value metadata that every table made from these settings carries."""
    return {
        "schema_version": SCHEMA_VERSION,
        "configuration_digest": digest_of(settings),
        "code_version": code_version(),
        **{f"{name}_version": version_of(name) for name in ("torch", "pennylane", "numpy")},
    }


def write_table(
    kind: str,
    path: str | Path,
    columns: Mapping[str, Any],
    settings: Any,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Validate a table by one of ``CONTRACTS`` and write it as Parquet under its final name.

    Columns are a DataFrame, or arrays by name; a vector column is one of shape (rows, width). The
    settings, which JSON can hold, are the part of the configuration that the table was made from;
    their digest is kept, beside more key-value metadata, for example a closed-form optimum. Raises
    DataError if the columns break the contract.
    """
    contract = CONTRACTS[kind]
    vectors, names = contract.vectors(), contract._names
    scalars = pd.DataFrame({k: v for k, v in columns.items() if k not in (*vectors, *names)})
    scalars = _validated(contract, scalars, path)
    table = arrow.Table.from_pandas(scalars, preserve_index=False)
    for name in names:
        table = table.append_column(name, arrow.array(list(columns[name]), _NAMES))
    for name in vectors:
        if name in columns:
            matrix = np.ascontiguousarray(columns[name], dtype=np.float32)
            lists = arrow.FixedSizeListArray.from_arrays(matrix.reshape(-1), matrix.shape[1])
            table = table.append_column(name, lists)
    _check_vectors(contract, table, path)
    table = table.replace_schema_metadata({**provenance(settings), **(metadata or {})})
    with atomic_path(path) as partial:
        parquet.write_table(
            table,
            partial,
            compression="zstd",
            use_dictionary=list(scalars),
            write_page_checksum=True,
            # The bytes of floats compress where those of one place stand together.
            use_byte_stream_split=[f"{name}.list.element" for name in vectors],
        )


def write_with_settings(
    kind: str,
    path: str | Path,
    columns: Mapping[str, Any],
    settings: Mapping[str, Any],
    **more: str,
) -> None:
    """Write a table as :func:`write_table` does, with the settings themselves in its metadata."""
    metadata = {"settings": json.dumps(dict(settings), sort_keys=True), **more}
    write_table(kind, path, columns, dict(settings), metadata)


def read_table(
    kind: str, path: str | Path, where: Sequence[tuple[str, str, Any]] | None = None
) -> arrow.Table:
    """Read a Parquet table and check it against its contract.

    Use :func:`frame_of` for its scalar columns and :func:`matrix_of` for a vector column. Rows can
    be read under conditions, such as ("n", "=", 100). Raises DataError if the file is missing,
    damaged, or breaks the contract.
    """
    table = _read(path, where)
    _check(CONTRACTS[kind], table, path)
    return table


def _check(contract: type[Table], table: arrow.Table, path: str | Path) -> None:
    _check_vectors(contract, table, path)
    for name in contract._names:
        if name not in table.column_names or table.schema.field(name).type != _NAMES:
            raise DataError(f"{path}: column '{name}' is not a list of names")
    _validated(contract, frame_of(table).drop(columns=list(contract._names)), path)


def read_frame(
    kind: str, path: str | Path, where: Sequence[tuple[str, str, Any]] | None = None
) -> pd.DataFrame:
    """Read the scalar columns of a table, or of some of its rows, as :func:`read_table` does."""
    return frame_of(read_table(kind, path, where))


def read_frames(kind: str, paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read tables of one kind as one, as :func:`read_frame` does; of no paths, an empty one.

    They are checked as the one that they make, for which rows must be unique too: a check takes
    longer than most tables take to read.
    """
    tables = {path: _read(path) for path in paths}
    if not tables:
        return make_frame(kind)
    try:
        whole = arrow.concat_tables(tables.values(), promote_options="permissive")
        _check(CONTRACTS[kind], whole, ", ".join(map(str, tables)))
    except (DataError, arrow.ArrowException):
        for path, table in tables.items():  # which of them it is
            _check(CONTRACTS[kind], table, path)
        raise
    return frame_of(whole)


def _read(path: str | Path, where: Sequence[tuple[str, str, Any]] | None = None) -> arrow.Table:
    try:
        return parquet.read_table(
            path, partitioning=None, filters=where, page_checksum_verification=True
        )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())  # some of Arrow's have several lines
    return DataError(f"{path}: not a readable Parquet file ({reason})")


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read a table's key-value metadata; raises DataError if the file is missing or damaged."""
    try:
        raw = parquet.read_schema(path).metadata or {}
    except (OSError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from error
    return {key.decode(): value.decode(errors="replace") for key, value in raw.items()}


def make_frame(kind: str, rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Return rows as a DataFrame with a contract's columns but vectors, not yet checked."""
    contract = CONTRACTS[kind]
    return pd.DataFrame(list(rows), columns=[*contract.scalars(), *contract._names])


def frame_of(table: arrow.Table) -> pd.DataFrame:
    """Return the columns of a table but vectors as a DataFrame; names are tuples of str."""
    kept = [f.name for f in table.schema if not arrow.types.is_fixed_size_list(f.type)]
    frame = table.select(kept).to_pandas()
    for field in table.schema:
        if field.type == _NAMES:
            frame[field.name] = [tuple(names) for names in frame[field.name]]
    return frame


def matrix_of(table: arrow.Table, column: str) -> np.ndarray:
    """Return the vector column of a table as a float32 array of shape (rows, width)."""
    array = table.column(column).combine_chunks()
    return np.asarray(array.flatten()).reshape(len(array), array.type.list_size)


def unitary_of(entries: pd.DataFrame, seed: int, path: str | Path) -> np.ndarray:
    """Return one seed's matrix of a table of the contract "unitary": complex64, (N, N).

    Raises DataError if the seed's entries are not those of one square matrix.
    """
    own = entries[entries["seed"] == seed].sort_values(["row", "column"])
    size = round(len(own) ** 0.5)
    if not size or not np.array_equal(own["row"] * size + own["column"], np.arange(size**2)):
        raise DataError(f"{path}: the {len(own)} entries of seed {seed} are no full square matrix")
    matrix = own["re"].to_numpy() + 1j * own["im"].to_numpy()
    return matrix.astype(np.complex64).reshape(size, size)


def _validated(contract: type[Table], frame: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    try:
        return contract.to_schema().validate(frame)
    except (pa.errors.SchemaError, pa.errors.SchemaErrors) as error:
        reason = " ".join(str(error).split())
        if len(reason) > _LONGEST_REASON:  # it lists every value that fails, and may be thousands
            reason = f"{reason[:_LONGEST_REASON]} ..."
        raise DataError(f"{path}: {reason}") from error


def _check_vectors(contract: type[Table], table: arrow.Table, path: str | Path) -> None:
    for name, required in contract.vectors().items():
        if name not in table.column_names:
            if required:
                raise DataError(f"{path}: column '{name}' is missing")
            continue
        kind = table.schema.field(name).type
        if not arrow.types.is_fixed_size_list(kind) or kind.value_type != arrow.float32():
            raise DataError(
                f"{path}: column '{name}' is {kind}, expected a fixed-size list of float32"
            )
        if name in contract._not_finite:
            continue
        bad = np.flatnonzero(~np.isfinite(matrix_of(table, name)).all(axis=1))
        if len(bad):
            raise DataError(f"{path}: column '{name}' has a non-finite value at position {bad[0]}")
