"""The table of mean held-out errors of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.study.registry import BOTTLENECKS, REFERENCES, STUDENTS, TUNED
from qdistill.verdict.problems import order_problems
from qdistill.verdict.students import run_name
from qdistill.verdict.tables import ProblemTables, StudyTables
from qdistill.wording import estimate, seeds_in_words, table_lines

_ORDER = [*REFERENCES, *BOTTLENECKS, *TUNED, *STUDENTS]


def compose_summary(
    tables: StudyTables, study: str, problems: Iterable[Mapping[str, Any]] = ()
) -> str:
    """Compose the table of mean held-out errors of a study as Markdown.

    Parameters
    ----------
    tables : StudyTables
        All tables of the study.
    study : str
        Its name.
    problems : iterable of mappings
        From :meth:`qdistill.study.tracks.Study.describe_problems`.
    """
    lines = [
        f"# Held-out errors of the study `{study}`",
        "",
        "Mean squared error on the held-out rows, mean over the seeds with its 95 % interval "
        f"(Student t), from `results/{study}/metrics.parquet`. Overlapping intervals do not show "
        "that two models are alike: the verdict compares them paired by seed.",
        "",
    ]
    for problem in order_problems(tables.metrics, problems):
        part = tables.of(problem)
        lines += [
            f"## {problem.title}, {seeds_in_words(part.seeds)}",
            "",
            *summary_lines(part),
        ]
    return "\n".join(lines).rstrip() + "\n"


def summary_lines(part: ProblemTables) -> list[str]:
    """Return lines of Markdown with the mean held-out error of every model and stage at every n.

    Parameters
    ----------
    part : ProblemTables
    """
    cells = {
        (model, stage, n): _mean_cell(rows)
        for (model, stage, n), rows in part.metrics.groupby(["model", "stage", "n"])
    }
    runs = sorted({(model, stage) for model, stage, _ in cells}, key=_place)
    header = ["model", *(f"n = {n}" for n in part.sizes)]
    rows = [[run_name(*run), *(cells.get((*run, n), "") for n in part.sizes)] for run in runs]
    return table_lines(header, rows)


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
