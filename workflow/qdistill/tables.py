"""The data contracts: every Parquet table's schema, checked on write and on read.

Scalar columns are described by pandera. A column that holds one vector per row is an
Arrow fixed-size list of float32, checked here for its type, its width and finite values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from qdistill.errors import DataError
from qdistill.files import atomic_path, code_version, digest_of

SCHEMA_VERSION = "1"

_SPLITS = pa.Check.isin(["train", "unlabelled", "heldout"])
_FAMILIES = pa.Check.isin(["reference", "classical", "quantum", "control", "student"])
_STAGES = pa.Check.isin(["trained", "zero_shot", "fine_tuned", "distilled"])
_NOT_NEGATIVE = pa.Check.ge(0)


_OPTIONAL = pa.Column(str, required=False, coerce=True)


def _columns(**columns: Any) -> dict[str, pa.Column]:
    """Columns given as a type, or as (type, check), or as (type, check, nullable)."""
    described = {}
    for name, spec in columns.items():
        if isinstance(spec, pa.Column):
            described[name] = spec
            continue
        kind, *rest = spec if isinstance(spec, tuple) else (spec,)
        check = rest[0] if rest else None
        nullable = len(rest) > 1 and rest[1]
        described[name] = pa.Column(kind, check, nullable=nullable, coerce=True)
    return described


@dataclass(frozen=True)
class TableContract:
    """Columns of one kind of table."""

    scalars: dict[str, pa.Column]
    vectors: tuple[str, ...] = ()
    optional_vectors: tuple[str, ...] = ()
    unique: tuple[str, ...] | None = None

    def schema(self) -> pa.DataFrameSchema:
        """Pandera schema of the scalar columns; unknown columns are refused."""
        return pa.DataFrameSchema(
            self.scalars, strict=True, unique=list(self.unique) if self.unique else None
        )


_RUN = dict(dataset=str, qubits=(int, pa.Check.ge(2)), n=(int, pa.Check.ge(1)))

CONTRACTS: dict[str, TableContract] = {
    "paragraphs": TableContract(
        _columns(
            row=(int, _NOT_NEGATIVE), split=(str, _SPLITS), text=str, source=str, document=str
        ),
        unique=("row",),
    ),
    "embeddings": TableContract(_columns(key=str), vectors=("features",), unique=("key",)),
    "latents": TableContract(
        _columns(row=(int, _NOT_NEGATIVE), split=(str, _SPLITS), text=_OPTIONAL, source=_OPTIONAL),
        vectors=("features",),
        optional_vectors=("targets",),
        unique=("row",),
    ),
    "subsets": TableContract(
        _columns(
            seed=(int, _NOT_NEGATIVE), position=(int, _NOT_NEGATIVE), row=(int, _NOT_NEGATIVE)
        ),
        unique=("seed", "position"),
    ),
    "history": TableContract(
        _columns(
            seed=(int, _NOT_NEGATIVE),
            epoch=(int, _NOT_NEGATIVE),
            train_mse=(float, _NOT_NEGATIVE, True),
            heldout_mse=(float, _NOT_NEGATIVE, True),
            seconds=(float, _NOT_NEGATIVE),
        ),
        unique=("seed", "epoch"),
    ),
    "metrics": TableContract(
        _columns(
            **_RUN,
            seed=(int, _NOT_NEGATIVE),
            model=str,
            family=(str, _FAMILIES),
            stage=(str, _STAGES),
            teacher=(str, None, True),
            train_mse=(float, _NOT_NEGATIVE, True),
            heldout_mse=(float, _NOT_NEGATIVE, True),
            teacher_r2=(float, None, True),
            n_parameters=(int, _NOT_NEGATIVE),
            train_seconds=(float, _NOT_NEGATIVE),
            diverged=bool,
        ),
        unique=("dataset", "qubits", "n", "seed", "model", "stage"),
    ),
    "unitary": TableContract(
        _columns(
            seed=(int, _NOT_NEGATIVE),
            row=(int, _NOT_NEGATIVE),
            column=(int, _NOT_NEGATIVE),
            re="float32",
            im="float32",
        ),
    ),
    "soft_targets": TableContract(
        _columns(seed=(int, _NOT_NEGATIVE), row=(int, _NOT_NEGATIVE), split=(str, _SPLITS)),
        vectors=("target",),
    ),
    "comparisons": TableContract(
        _columns(
            **_RUN,
            challenger=str,
            challenger_stage=(str, _STAGES),
            baseline=str,
            baseline_stage=(str, _STAGES),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            mean_challenger=(float, None, True),
            mean_baseline=(float, None, True),
            difference=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            ratio=(float, None, True),
            ratio_low=(float, None, True),
            ratio_high=(float, None, True),
            p_value=(float, None, True),
            p_holm=(float, None, True),
            verdict=(str, pa.Check.isin(["better", "worse", "not distinguishable", "undefined"])),
        ),
        unique=(
            *("dataset", "qubits", "n"),
            *("challenger", "challenger_stage", "baseline", "baseline_stage"),
        ),
    ),
    "crossover": TableContract(
        _columns(
            dataset=str,
            qubits=(int, pa.Check.ge(2)),
            challenger=str,
            baseline=str,
            seeds=(int, _NOT_NEGATIVE),
            ahead_below=(str, None, True),
            n_star=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            verdict=(
                str,
                pa.Check.isin(["crossover", "several", "none", "outside grid", "undefined"]),
            ),
        ),
    ),
    "transfer": TableContract(
        _columns(
            **_RUN,
            student=str,
            stage=(str, _STAGES),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            retained=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            verdict=(
                str,
                pa.Check.isin(["retained", "partial", "collapsed", "undecided", "undefined"]),
            ),
            reason=(str, None, True),
        ),
        unique=("dataset", "qubits", "n", "student", "stage"),
    ),
    "published": TableContract(
        _columns(
            **_RUN,
            model=str,
            published=(float, pa.Check.gt(0)),
            seeds=(int, _NOT_NEGATIVE),
            diverged=(int, _NOT_NEGATIVE),
            mean=(float, None, True),
            ci_low=(float, None, True),
            ci_high=(float, None, True),
            deviation=(float, None, True),
            within_tenth=bool,
        ),
        unique=("dataset", "qubits", "n", "model"),
    ),
}


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def provenance(settings: Any) -> dict[str, str]:
    """Key-value metadata that every table carries.

    Parameters
    ----------
    settings : JSON-serialisable
        The part of the configuration the table was made from.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "configuration_digest": digest_of(settings),
        "code_version": code_version(),
        **{f"{name}_version": _installed(name) for name in ("torch", "pennylane", "numpy")},
    }


def _vector_column(matrix: np.ndarray) -> arrow.Array:
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    return arrow.FixedSizeListArray.from_arrays(matrix.reshape(-1), matrix.shape[1])


def write_table(
    kind: str,
    path: str | Path,
    columns: Mapping[str, Any],
    settings: Any,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Validate a table and write it as Parquet under its final name.

    Parameters
    ----------
    kind : str
        A key of ``CONTRACTS``.
    path : str or Path
        The final name; it appears only when complete.
    columns : mapping of str to array, or DataFrame
        Scalar columns by name; a vector column is an array of shape (rows, width).
    settings : JSON-serialisable
        The part of the configuration the table was made from; its digest is kept.
    metadata : mapping of str to str, optional
        More key-value metadata, for example a closed-form optimum.

    Raises
    ------
    DataError
        If the columns break the contract.
    """
    contract = CONTRACTS[kind]
    vector_names = contract.vectors + contract.optional_vectors
    scalars = pd.DataFrame({k: v for k, v in columns.items() if k not in vector_names})
    scalars = _validated(contract, scalars, path)
    table = arrow.Table.from_pandas(scalars, preserve_index=False)
    for name in vector_names:
        if name in columns:
            table = table.append_column(name, _vector_column(columns[name]))
    _check_vectors(contract, table, path)
    table = table.replace_schema_metadata({**provenance(settings), **(metadata or {})})
    with atomic_path(path) as partial:
        parquet.write_table(table, partial, compression="zstd")


def read_table(kind: str, path: str | Path) -> arrow.Table:
    """Read a Parquet table and check it against its contract.

    Use :func:`frame_of` for its scalar columns and :func:`matrix_of` for a vector column.

    Raises
    ------
    DataError
        If the file is missing, damaged, or breaks the contract.
    """
    try:
        table = parquet.read_table(path, partitioning=None)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, arrow.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error
    contract = CONTRACTS[kind]
    _check_vectors(contract, table, path)
    _validated(contract, frame_of(table), path)
    return table


def read_frame(kind: str, path: str | Path) -> pd.DataFrame:
    """Read the scalar columns of a table, checked against its contract."""
    return frame_of(read_table(kind, path))


def read_metadata(path: str | Path) -> dict[str, str]:
    """Key-value metadata of a Parquet table.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        raw = parquet.read_schema(path).metadata or {}
    except (OSError, arrow.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error
    return {key.decode(): value.decode() for key, value in raw.items()}


def frame_of(table: arrow.Table) -> pd.DataFrame:
    """Scalar columns of a table as a DataFrame."""
    scalars = [f.name for f in table.schema if not arrow.types.is_fixed_size_list(f.type)]
    return table.select(scalars).to_pandas()


def matrix_of(table: arrow.Table, column: str) -> np.ndarray:
    """Vector column of a table as a float32 array of shape (rows, width)."""
    array = table.column(column).combine_chunks()
    return np.asarray(array.flatten()).reshape(len(array), array.type.list_size)


def _validated(contract: TableContract, frame: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    try:
        return contract.schema().validate(frame)
    except (pa.errors.SchemaError, pa.errors.SchemaErrors) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: {reason}") from error


def _check_vectors(contract: TableContract, table: arrow.Table, path: str | Path) -> None:
    for name in contract.vectors + contract.optional_vectors:
        if name not in table.column_names:
            if name in contract.vectors:
                raise DataError(f"{path}: column '{name}' is missing")
            continue
        kind = table.schema.field(name).type
        if not arrow.types.is_fixed_size_list(kind) or kind.value_type != arrow.float32():
            raise DataError(
                f"{path}: column '{name}' is {kind}, expected a fixed-size list of float32"
            )
        bad = np.flatnonzero(~np.isfinite(matrix_of(table, name)).all(axis=1))
        if len(bad):
            raise DataError(f"{path}: column '{name}' has a non-finite value at position {bad[0]}")
