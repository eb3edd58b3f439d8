"""The tables of all runs in one of each kind, complete or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.errors import DataError
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.tables import read_frames, write_table
from qdistill.study.tracks import ALL, expected_rows

_KEY = ["dataset", "qubits", "protocol", "n", "seed", "model", "stage"]


def combine_tables(
    inputs: Mapping[str, Iterable[str | Path]],
    outputs: Mapping[str, str | Path],
    grids: Sequence[Mapping[str, Any]],
) -> None:
    """Combine the tables of all runs into one of each kind, sorted by its key, perhaps empty.

    A kind is a contract, such as "metrics" or "sweep". What the study asks for is told by the grids
    of :meth:`qdistill.study.tracks.Study.grids`. Raises DataError if a table is missing or damaged,
    two of them have the same row, or a row of metrics is missing or was not asked for.
    """
    for kind, output in outputs.items():
        key = CONTRACTS[kind].unique_columns()
        combined = read_frames(kind, inputs[kind]).sort_values(key, ignore_index=True)
        if kind == "metrics":
            _check_rows(combined, set(expected_rows(_numbered(grids, combined))), output)
        write_table(kind, output, combined, grids)


def _numbered(grids: Sequence[Mapping[str, Any]], metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """Put the largest n that a problem has in the place of ``all``, as which its jobs read it."""
    largest = metrics.groupby(["dataset", "protocol"])["n"].max()
    found = []
    for grid in grids:
        number = largest.get((grid["dataset"], grid["protocol"]), 0)
        sizes = {int(number) if n == ALL else n for n in grid["n"]}
        found.append({**grid, "n": sorted(sizes)})
    return found


def _check_rows(metrics: pd.DataFrame, wanted: set[tuple[Any, ...]], output: str | Path) -> None:
    found = set(metrics[_KEY].itertuples(index=False, name=None))
    for problem, rows in (("missing", wanted - found), ("not asked for", found - wanted)):
        if rows:
            example = ", ".join(f"{k} {v}" for k, v in zip(_KEY, min(rows), strict=True))
            raise DataError(
                f"{output}: {len(rows)} rows of metrics are {problem}, first: {example}"
            )
