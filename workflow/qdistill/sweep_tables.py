"""The pool sweeps of all runs in one table. Imports nothing heavy: the job needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.contracts import CONTRACTS
from qdistill.tables import read_frame, write_table


def combine_sweeps(paths: Iterable[str | Path], path: str | Path, settings: Any) -> None:
    """Combine the sweeps of all runs into one table, complete or not at all.

    Parameters
    ----------
    paths : iterable of path
        The runs' sweeps, by the contract "sweep".
    path : path
        The combined table, by the same contract, sorted.
    settings : JSON-serialisable
        The study's configuration.

    Raises
    ------
    DataError
        If a file is missing or damaged, or two of them have the same row.
    """
    contract = CONTRACTS["sweep"]
    combined = pd.concat([read_frame("sweep", one) for one in paths], ignore_index=True)
    combined = combined.sort_values(list(contract.unique or ()), ignore_index=True)
    write_table("sweep", path, combined[list(contract.scalars)], settings)
