"""Runs of a metrics table, paired by seed at one condition."""

import pandas as pd

from qdistill.errors import DataError
from qdistill.study.registry import stages_of

PROBLEM = ("dataset", "qubits", "protocol")
CONDITION = (*PROBLEM, "n")
_COLUMNS = ["heldout_loss", "diverged", "choice_at_edge"]

Run = tuple[str, str]  # model and stage


def runs_of(condition: pd.DataFrame, model: str, stage: str = "trained") -> pd.DataFrame:
    """Select the runs of one model and stage at one condition, indexed and sorted by seed.

    The condition is the rows of the metrics table of one (data set, qubits, protocol, n). There
    are none if the model is not part of the study.
    """
    hit = (condition["model"] == model) & (condition["stage"] == stage)
    return condition[hit].set_index("seed")[_COLUMNS].sort_index()


def all_runs(condition: pd.DataFrame) -> dict[Run, pd.DataFrame]:
    """Return the runs of every model and stage at one condition, each as :func:`runs_of`."""
    runs = condition.set_index("seed").sort_index().groupby(["model", "stage"], sort=False)
    return {(model, stage): rows for (model, stage), rows in runs[_COLUMNS]}


def last_stage(name: str) -> Run:
    """Return a model or student, and the last stage that it reaches."""
    return name, stages_of(name)[-1]


def check_same_seeds(
    condition: pd.DataFrame,
    one: pd.Index,
    other: pd.Index,
    names: tuple[str | Run, str | Run],
    table: str = "metrics",
) -> None:
    """Validate that what is to be paired was run with the same seeds.

    The condition's rows, what the two are (a model and its stage, or words) and the name of their
    table are for the message. Raises DataError if a seed has one of the two and not the other.
    """
    missing = one.symmetric_difference(other)
    if len(missing):
        where = ", ".join(f"{key} = {condition[key].iloc[0]}" for key in CONDITION)
        first, second = (x if isinstance(x, str) else f"{x[0]} ({x[1]})" for x in names)
        raise DataError(
            f"{table} table at {where}: seed {missing[0]} has only one of {first} and "
            f"{second}, which are paired by seed and need both"
        )
