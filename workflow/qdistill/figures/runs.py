"""Which run a file belongs to, as its path says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qdistill.errors import DataError


@dataclass(frozen=True)
class RunPath:
    """A file of one run: of one model on n examples, for one block of seeds."""

    path: Path
    dataset: str
    protocol: str
    n: int
    model: str


def run_of(path: str | Path) -> RunPath:
    """Read off a path which run its file belongs to.

    Parameters
    ----------
    path : path
        ``.../{dataset}/{protocol}/n~{n}/seeds~{block}/{model}/{file}``.

    Raises
    ------
    DataError
        If the path does not end like that.
    """
    path = Path(path)
    parts = path.parts
    size = re.fullmatch(r"n~(\d+)", parts[-4]) if len(parts) >= 6 else None
    if size is None:
        raise DataError(
            f"{path}: expected a path that ends with DATASET/PROTOCOL/n~N/seeds~BLOCK/MODEL/"
            f"{path.name}"
        )
    return RunPath(path, parts[-6], parts[-5], int(size[1]), parts[-2])


def runs_of_problem(
    paths: str | Path | Iterable[str | Path], dataset: str, protocol: str
) -> list[RunPath]:
    """Select the files of one data set under one protocol.

    Parameters
    ----------
    paths : path or iterable of path
        See :func:`run_of`.
    dataset, protocol : str
        Which runs.

    Raises
    ------
    DataError
        If a path does not say which run it is of, or none is of these.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found = [
        run for run in map(run_of, given) if (run.dataset, run.protocol) == (dataset, protocol)
    ]
    if not found:
        raise DataError(
            f"data set '{dataset}' under the protocol '{protocol}': none of the {len(given)} files "
            "given is of one of its runs"
        )
    return found
