"""Tables of what codes are good for."""

from __future__ import annotations

from qdistill.verdict.summary import run_rows
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import table_lines

_MARKS = {"better": " (+)", "worse": " (\N{MINUS SIGN})"}


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
    marks = compared[hit].set_index(keys)["verdict"].map(_MARKS).dropna().to_dict()
    rows = run_rows(part.downstream, measure, part.sizes, marks)
    body = [[name, *cells] for name, cells in rows]
    return table_lines(["codes of", *(f"n = {n}" for n in part.sizes)], body)
