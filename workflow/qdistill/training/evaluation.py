"""Rows of the metrics table, and all of them in one table that may not lack any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qdistill.storage.contracts.base import MEASURES
from qdistill.study.registry import STUDENTS, family_of


@dataclass(frozen=True)
class Evaluation:
    """Results of S seeds of one model at one stage; every array has shape (S,)."""

    train_loss: np.ndarray
    heldout_loss: np.ndarray
    diverged: np.ndarray
    n_parameters: int | np.ndarray
    seconds: float = 0.0  # of the whole block
    teacher_r2: np.ndarray | None = None
    teacher_agreement: np.ndarray | None = None  # of classes, on the held-out rows
    train_accuracy: np.ndarray | None = None  # of classes, on the n rows
    accuracy: np.ndarray | None = None  # the same on the held-out rows
    macro_f1: np.ndarray | None = None  # the same
    general_loss: np.ndarray | None = None  # of a language model, on general text
    bits_per_character: np.ndarray | None = None  # of a language model, on held-out text
    refitted_loss: np.ndarray | None = None  # held-out error, the fixed read-out fitted anew
    # Whether cross-validation chose what lies at the edge of its grid, so that a wider one might
    # have had better; None where nothing is chosen.
    choice_at_edge: np.ndarray | None = None


# What some tasks or models have, by its column.
_SOME_HAVE = {
    "train_accuracy": "train_accuracy",
    "heldout_accuracy": "accuracy",
    "heldout_macro_f1": "macro_f1",
    **{name: name for name in ("general_loss", "bits_per_character")},
    **{name: name for name in ("teacher_r2", "teacher_agreement", "refitted_loss")},
}


def share_told(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute the share of rows whose class has the highest score: (S, M, C) to float64, (S,).

    Targets, (M, C) or each seed's own (S, M, C), have a one for the class of each row. It is
    missing where a score is not finite.
    """
    shares = (scores.argmax(-1) == targets.argmax(-1)).mean(-1)
    return np.where(np.isfinite(scores).all((-2, -1)), shares, np.nan)


def score_classes(scores: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Compute ``accuracy`` and ``macro_f1`` of S seeds on held-out rows: float64, (S,) each.

    Scores are (S, M, C), the highest being the class that is told, targets (M, C) with a one for
    the class of each row. F1 is the mean over all C classes, 0 for one that is never told. Both are
    missing where a score is not finite.
    """
    from sklearn.metrics import f1_score

    told, truth = scores.argmax(-1), targets.argmax(-1)
    options = {"labels": np.arange(scores.shape[-1]), "average": "macro", "zero_division": 0}
    macro = np.array([f1_score(truth, own, **options) for own in told])
    finite = np.isfinite(scores).all((1, 2))
    return {
        "accuracy": share_told(scores, targets),
        "macro_f1": np.where(finite, macro, np.nan),
    }


def has_diverged(start: np.ndarray, train_loss: np.ndarray, heldout_loss: np.ndarray) -> np.ndarray:
    """Flag runs that ended non-finite, or with a larger training error than at the start: (S,)."""
    finite = np.isfinite(train_loss) & np.isfinite(heldout_loss)
    return ~finite | ~(train_loss <= start)


def finite_or_missing(values: np.ndarray) -> np.ndarray:
    """Set what is not finite to NaN, which tables keep as missing."""
    return np.where(np.isfinite(values), values, np.nan)


def describe_runs(
    key: Mapping[str, Any], seeds: Sequence[int], model: str, stage: str, result: Evaluation
) -> pd.DataFrame:
    """Return the rows of the table "metrics" of one model at one stage, one for each seed.

    The time of a block is shared equally by its seeds, which are trained as one batch. A
    non-finite error is kept as missing and flagged. The key is ``dataset``, ``qubits``,
    ``protocol``, ``n`` and ``task``.
    """
    teacher = STUDENTS[model].teacher or None if model in STUDENTS else None
    undefined = np.full(len(seeds), np.nan)
    return pd.DataFrame(
        {
            **key,
            "measure": MEASURES[key["task"]],
            "seed": list(seeds),
            "model": model,
            "family": family_of(model),
            "stage": stage,
            "teacher": pd.Series([teacher] * len(seeds), dtype="str"),
            "train_loss": finite_or_missing(result.train_loss),
            "heldout_loss": finite_or_missing(result.heldout_loss),
            **{
                column: undefined if getattr(result, name) is None else getattr(result, name)
                for column, name in _SOME_HAVE.items()
            },
            "n_parameters": result.n_parameters,
            "train_seconds": result.seconds / len(seeds),
            "diverged": result.diverged,
            "choice_at_edge": False if result.choice_at_edge is None else result.choice_at_edge,
        }
    )
