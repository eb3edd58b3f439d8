"""Which model is deployed: the simplest as good as the best or not told apart from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.pairing import last_stage, runs_of
from qdistill.study.registry import AUTO


@dataclass(frozen=True)
class Choice:
    """What is deployed, chosen among candidates of which the simplest come first."""

    name: str  # of the model or student, at its last stage
    stage: str
    best: str | None  # of the lowest mean held-out error; None if the choice was not automatic
    candidates: tuple[str, ...]
    as_good: tuple[str, ...]  # the best, and those shown to be as good within the margin
    not_told_apart: tuple[str, ...]  # those not shown to be as good as the best, nor to be worse
    left_out: tuple[str, ...]  # those with a diverged run, which has no finite error


def select_condition(
    table: pd.DataFrame, condition: Mapping[str, Any], name: str = "metrics"
) -> pd.DataFrame:
    """Select a table's rows of one data set, protocol and n; raises DataError if there are none."""
    hit = pd.Series(True, index=table.index)
    for column, value in condition.items():
        hit &= table[column] == value
    if not hit.any():
        where = ", ".join(f"{column} = {value}" for column, value in condition.items())
        raise DataError(f"the {name} table has no rows at {where}")
    return table[hit]


def choose_model(
    metrics: pd.DataFrame, student: str, candidates: Sequence[str], margins: Margins = MARGINS
) -> Choice:
    """Choose what is deployed, by the metrics of one data set, protocol and n.

    The student is a name or ``auto``: the first candidate, the simplest coming first, that the best
    one is not ``better`` than, or is by less than the margin, by paired t-tests over the seeds and
    Holm's correction over the candidates. To ask for equivalence alone would deploy whatever leads
    by chance where seeds are few. A candidate that cannot be compared counts as good as the best
    only if its errors are the same. Raises DataError if every candidate has a diverged run.
    """
    if student != AUTO:
        name, stage = last_stage(student)
        return Choice(name, stage, None, (student,), (), (), ())
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
    compared = compare_models(metrics, *last_stage(best), baselines=others, margins=margins)
    rows = compared.set_index("baseline")

    def is_as_good(name: str) -> bool:
        return (
            name == best
            or bool(rows.loc[name, "equivalent"])
            or np.array_equal(errors[name], errors[best])
        )

    as_good = tuple(filter(is_as_good, finite))
    rest = [name for name in finite if name not in as_good]
    open_ = tuple(name for name in rest if rows.loc[name, "verdict"] == "not distinguishable")
    left_out = tuple(name for name in candidates if name not in finite)
    chosen = next(name for name in finite if name in (*as_good, *open_))
    return Choice(*last_stage(chosen), best, tuple(finite), as_good, open_, left_out)
