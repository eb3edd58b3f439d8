"""Tables of what codes are good for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.study.registry import ENTRIES, RAW
from qdistill.verdict.students import run_name
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import estimate, table_lines

_ORDER = [RAW, *ENTRIES]
_MARKS = {"better": "+", "worse": "\N{MINUS SIGN}"}


def downstream_tables(part: ProblemTables) -> list[str]:
    """Return lines of Markdown with each measure of every code at every n, if any."""
    table = part.downstream
    if table.empty:
        return []
    titles = {"recall": f"Recall@{table['neighbours'].iloc[0]}"}
    if table["probe_undefined"].isna().all():
        titles["probe_accuracy"] = "Accuracy of the probe"
    lines = []
    for measure, title in titles.items():
        lines += [
            f"{title}, mean over the seeds with its 95 % interval; (+) and (\N{MINUS SIGN}): "
            "better and worse than `pca`, paired by seed and with Holm's correction.",
            "",
            *_measure_lines(part, measure),
        ]
    return lines


def _measure_lines(part: ProblemTables, measure: str) -> list[str]:
    compared = part.downstream_comparisons
    hit = (compared["measure"] == measure) & (compared["baseline"] == "pca")
    keys = ["challenger", "challenger_stage", "n"]
    verdicts = compared[hit].set_index(keys)["verdict"].to_dict()
    cells = {
        key: _cell(rows[measure], verdicts.get(key, ""), int(rows["diverged"].sum()))
        for key, rows in part.downstream.groupby(["model", "stage", "n"])
    }
    runs = sorted({key[:2] for key in cells}, key=lambda run: (_place(run[0]), run[0]))
    body = [[run_name(*run), *(cells.get((*run, n), "") for n in part.sizes)] for run in runs]
    return table_lines(["codes of", *(f"n = {n}" for n in part.sizes)], body)


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _cell(values: pd.Series, verdict: str, diverged: int) -> str:
    interval = paired_interval(values)
    cell = estimate(interval.estimate, interval.low, interval.high)
    if verdict in _MARKS:
        cell += f" ({_MARKS[verdict]})"
    if not np.isfinite(interval.estimate) or diverged:
        cell += f" ({diverged} of {len(values)} diverged)"
    return cell
