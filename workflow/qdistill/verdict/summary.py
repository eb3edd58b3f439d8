"""The table of mean held-out errors of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.verdict.problems import order_problems
from qdistill.verdict.students import run_name, run_order
from qdistill.verdict.tables import StudyTables
from qdistill.wording import estimate, seeds_in_words


def summarise_problems(
    tables: StudyTables, problems: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return the mean held-out error of every model and stage at every n, for each problem.

    Parameters
    ----------
    tables : StudyTables
        All tables of the study.
    problems : iterable of mappings
        From :meth:`qdistill.study.tracks.Study.describe_problems`.

    Returns
    -------
    list of dict
        ``title``, ``sizes``, and ``rows`` of a name and its cells, as the template ``summary``
        takes them.
    """
    parts = [tables.of(problem) for problem in order_problems(tables.metrics, problems)]
    return [
        {
            "title": f"{part.problem.title}, {seeds_in_words(part.seeds)}",
            "sizes": part.sizes,
            "rows": run_rows(part.metrics, "heldout_mse", part.sizes),
        }
        for part in parts
    ]


def run_rows(
    table: pd.DataFrame, value: str, sizes: Sequence[int], marks: Mapping[Any, str] = {}
) -> list[tuple[str, list[str]]]:
    """Return the name of every model and stage, with its mean and interval at every n.

    Parameters
    ----------
    table : DataFrame
        With the columns ``model``, ``stage``, ``n`` and ``diverged``, one row for each seed.
    value : str
        The column to average.
    sizes : sequence of int
        Every n.
    marks : mapping of (model, stage, n) to str
        What stands after a cell's interval.
    """
    cells = {
        key: _mean_cell(rows, value, marks.get(key, ""))
        for key, rows in table.groupby(["model", "stage", "n"])
    }
    runs = sorted({key[:2] for key in cells}, key=run_order)
    return [(run_name(*run), [cells.get((*run, n), "") for n in sizes]) for run in runs]


def _mean_cell(rows: pd.DataFrame, value: str, mark: str) -> str:
    interval = paired_interval(rows[value])
    diverged = int(rows["diverged"].sum())
    cell = estimate(interval.estimate, interval.low, interval.high) + mark
    if not np.isfinite(interval.estimate) or diverged:
        cell += f" ({diverged} of {len(rows)} diverged)"
    return cell
