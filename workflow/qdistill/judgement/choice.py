"""Which model is deployed: the simplest that does as well as the best, as comparisons tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.pairing import last_stage, runs_of
from qdistill.study.registry import AUTO


@dataclass(frozen=True)
class Choice:
    """What is deployed, chosen among candidates of which the simplest come first."""

    name: str  # of the model or student, at its last stage
    stage: str
    best: str | None  # of the lowest mean held-out error; None if the choice was not automatic
    candidates: tuple[str, ...]
    as_good: tuple[str, ...]  # those that the comparisons do not tell from the best
    left_out: tuple[str, ...]  # those with a diverged run, which has no finite error


def select_condition(metrics: pd.DataFrame, condition: Mapping[str, Any]) -> pd.DataFrame:
    """Select the rows of one data set, protocol and n; raises DataError if there are none."""
    hit = pd.Series(True, index=metrics.index)
    for column, value in condition.items():
        hit &= metrics[column] == value
    if not hit.any():
        where = ", ".join(f"{column} = {value}" for column, value in condition.items())
        raise DataError(f"the metrics table has no rows at {where}")
    return metrics[hit]


def choose_model(metrics: pd.DataFrame, student: str, candidates: Sequence[str]) -> Choice:
    """Choose what is deployed, by the metrics of one data set, protocol and n.

    The student is a name or ``auto``: the first candidate, the simplest coming first, that the best
    one is not ``better`` than, by paired t intervals over the seeds and Holm's correction over the
    candidates. A candidate that cannot be compared counts as good as the best only if its errors
    are the same. Raises DataError if every candidate has a diverged run.
    """
    if student != AUTO:
        name, stage = last_stage(student)
        return Choice(name, stage, None, (student,), (), ())
    runs = {name: runs_of(metrics, *last_stage(name)) for name in candidates}
    errors = {name: own["heldout_loss"].to_numpy() for name, own in runs.items()}
    means = {name: float(own.mean()) for name, own in errors.items()}
    finite = [name for name in candidates if np.isfinite(means[name])]
    if not finite:
        raise DataError(
            "nothing can be deployed: each of "
            f"{', '.join(candidates)} has a run without a finite held-out error"
        )
    best = min(finite, key=lambda name: means[name])
    others = [last_stage(name) for name in finite if name != best]
    compared = compare_models(metrics, *last_stage(best), baselines=others)
    verdicts = compared.set_index("baseline")["verdict"].to_dict()

    def is_as_good(name: str) -> bool:
        if name == best or verdicts[name] == "not distinguishable":
            return True
        return verdicts[name] == "undefined" and np.array_equal(errors[name], errors[best])

    as_good = tuple(filter(is_as_good, finite))
    left_out = tuple(name for name in candidates if name not in finite)
    name, stage = last_stage(as_good[0])
    return Choice(name, stage, best, tuple(finite), as_good, left_out)
