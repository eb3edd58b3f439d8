"""Rows of the metrics table, and all of them in one table that may not lack any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qdistill.study.registry import STUDENTS, family_of


@dataclass(frozen=True)
class Evaluation:
    """Results of S seeds of one model at one stage; every array has shape (S,)."""

    train_mse: np.ndarray
    heldout_mse: np.ndarray
    diverged: np.ndarray
    n_parameters: int | np.ndarray
    seconds: float = 0.0  # of the whole block
    teacher_r2: np.ndarray | None = None
    # Whether the search for a length ended at its most steps, before the error had stopped
    # falling; None where no length is searched for.
    still_improving: np.ndarray | None = None


def has_diverged(start: np.ndarray, train_mse: np.ndarray, heldout_mse: np.ndarray) -> np.ndarray:
    """Flag runs that ended non-finite, or with a larger training error than they began with.

    Parameters
    ----------
    start, train_mse, heldout_mse : ndarray, shape (S,)
        Training error before training, and both errors after it.

    Returns
    -------
    ndarray of bool, shape (S,)
    """
    finite = np.isfinite(train_mse) & np.isfinite(heldout_mse)
    return ~finite | ~(train_mse <= start)


def describe_runs(
    dataset: str,
    qubits: int,
    protocol: str,
    n: int,
    seeds: Sequence[int],
    model: str,
    stage: str,
    result: Evaluation,
) -> pd.DataFrame:
    """Metrics rows of one model at one stage, one for each seed.

    The time of a block is shared equally by its seeds, which are trained as one batch.

    Returns
    -------
    DataFrame
        As the contract ``metrics``. A non-finite error is kept as missing and flagged.
    """
    student = STUDENTS.get(model)
    undefined = np.full(len(seeds), np.nan)
    return pd.DataFrame(
        {
            "dataset": dataset,
            "qubits": qubits,
            "protocol": protocol,
            "n": n,
            "seed": list(seeds),
            "model": model,
            "family": family_of(model),
            "stage": stage,
            "teacher": pd.Series([student.teacher if student else None] * len(seeds), dtype="str"),
            "train_mse": np.where(np.isfinite(result.train_mse), result.train_mse, np.nan),
            "heldout_mse": np.where(np.isfinite(result.heldout_mse), result.heldout_mse, np.nan),
            "teacher_r2": undefined if result.teacher_r2 is None else result.teacher_r2,
            "n_parameters": result.n_parameters,
            "train_seconds": result.seconds / len(seeds),
            "diverged": result.diverged,
            "still_improving": False if result.still_improving is None else result.still_improving,
        }
    )
