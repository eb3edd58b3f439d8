"""The table of mean held-out errors of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.study.registry import ENTRIES
from qdistill.verdict.problems import order_problems
from qdistill.verdict.students import run_name
from qdistill.verdict.tables import ProblemTables, StudyTables
from qdistill.wording import estimate, seeds_in_words

_ORDER = list(ENTRIES)


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
            "rows": _rows(part),
        }
        for part in parts
    ]


def _rows(part: ProblemTables) -> list[tuple[str, list[str]]]:
    cells = {
        (model, stage, n): _mean_cell(rows)
        for (model, stage, n), rows in part.metrics.groupby(["model", "stage", "n"])
    }
    runs = sorted({(model, stage) for model, stage, _ in cells}, key=_place)
    return [(run_name(*run), [cells.get((*run, n), "") for n in part.sizes]) for run in runs]


def _place(run: tuple[str, str]) -> tuple[int, str, bool]:
    place = _ORDER.index(run[0]) if run[0] in _ORDER else len(_ORDER)
    return place, run[0], run[1] != "zero_shot"


def _mean_cell(rows: pd.DataFrame) -> str:
    interval = paired_interval(rows["heldout_mse"])
    diverged = int(rows["diverged"].sum())
    cell = estimate(interval.estimate, interval.low, interval.high)
    if not np.isfinite(interval.estimate) or diverged:
        cell += f" ({diverged} of {len(rows)} diverged)"
    return cell
