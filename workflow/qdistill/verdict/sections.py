"""The sections of a verdict on one data set: a table for each question, and how to read it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.registry import BOTTLENECKS, REFERENCES, STUDENTS
from qdistill.verdict.sentences import where_they_cross
from qdistill.verdict.students import student_name, why_nothing_to_keep
from qdistill.verdict.tables import StudyTables, enumeration, estimate, number, p_value, table_lines


def relation_words(row: pd.Series) -> str:
    """Say what a comparison finds of its first model.

    Parameters
    ----------
    row : Series
        A row of the contract "comparisons".
    """
    if row["verdict"] == "not distinguishable" and not row["ci_low"] <= 0 <= row["ci_high"]:
        direction = "worse" if row["ci_low"] > 0 else "better"
        return f"{direction}, not confirmed"
    return row["verdict"]


def sections(tables: StudyTables) -> list[str]:
    """Lines of Markdown that answer each question for one data set.

    Parameters
    ----------
    tables : StudyTables
        Rows of one data set.
    """
    return [
        *_baseline_section(tables),
        *_attribution_section(tables),
        *_crossover_section(tables),
        *_student_section(tables),
        *_real_part_section(tables),
        *_published_section(tables),
        *_diverged_section(tables),
    ]


def summary_lines(tables: StudyTables) -> list[str]:
    """Lines of Markdown with the mean held-out error of every model and stage at every n.

    Parameters
    ----------
    tables : StudyTables
        Rows of one data set.
    """
    cells = {
        (model, stage, n): _mean_cell(part)
        for (model, stage, n), part in tables.metrics.groupby(["model", "stage", "n"])
    }
    order = [*REFERENCES, *BOTTLENECKS, *STUDENTS]
    runs = sorted(
        {(model, stage) for model, stage, _ in cells},
        key=lambda run: (
            order.index(run[0]) if run[0] in order else len(order),
            run[0],
            run[1] != "zero_shot",
        ),
    )
    header = ["model", *(f"n = {n}" for n in tables.sizes)]
    rows = [[_run_name(*run), *(cells.get((*run, n), "") for n in tables.sizes)] for run in runs]
    return table_lines(header, rows)


def _run_name(model: str, stage: str) -> str:
    return f"`{model}`" if stage == "trained" else student_name(model, stage)


def _mean_cell(part: pd.DataFrame) -> str:
    interval = paired_interval(part["heldout_mse"])
    diverged = int(part["diverged"].sum())
    cell = estimate(interval.estimate, interval.low, interval.high)
    if not np.isfinite(interval.estimate) or diverged:
        cell += f" ({diverged} of {len(part)} diverged)"
    return cell


def _baseline_section(tables: StudyTables) -> list[str]:
    rows, bar = tables.compared("quantum", "classical"), tables.compared("classical", "mean")
    if rows.empty:
        return []
    lines = [
        "### Does `quantum` beat the classical baseline?",
        "",
        "From `comparisons.parquet`.",
        "",
    ]
    header = [
        "n",
        "`quantum`",
        "`classical`",
        "quantum - classical",
        "ratio",
        "Holm p",
        "`quantum` is",
    ]
    body = []
    for n, row in rows.iterrows():
        cells = [
            str(n),
            number(row["mean_challenger"]),
            number(row["mean_baseline"]),
            estimate(row["difference"], row["ci_low"], row["ci_high"]),
            estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
            p_value(row["p_holm"]),
            relation_words(row),
        ]
        if len(bar):
            cells.append(relation_words(bar.loc[n]))
        body.append(cells)
    if len(bar):
        header.append("`classical` against the training mean")
    return [*lines, *table_lines(header, body)]


def _attribution_section(tables: StudyTables) -> list[str]:
    table = tables.attribution
    if table.empty or not any(table["rivals"]):
        return []
    rivals = table["rivals"].iloc[0]
    lines = [
        "### Does it beat the simplest control that does as well?",
        "",
        "From `comparisons.parquet`: the ratio `quantum` / rival with its interval, and what "
        "`quantum` is against it. The rivals stand from the simplest to the most elaborate.",
        "",
    ]
    body = []
    for _, row in table.iterrows():
        cells = [str(row["n"]), _attribution_words(row)]
        for rival in rivals:
            found = tables.compared("quantum", rival)
            here = found.loc[row["n"]]
            value = estimate(here["ratio"], here["ratio_low"], here["ratio_high"])
            cells.append(f"{value} {relation_words(here)}")
        body.append(cells)
    lines += table_lines(["n", "advantage", *(f"`{rival}`" for rival in rivals)], body)
    missing = table["missing"].iloc[0]
    if missing:
        names = enumeration(f"`{name}`" for name in missing)
        known = {*BOTTLENECKS, *REFERENCES}.issuperset(missing)
        why = "this study does not hold" if known else "qdistill does not have yet"
        lines += [f"A full attribution also needs {names}, which {why}.", ""]
    return lines


def _attribution_words(row: pd.Series) -> str:
    if row["verdict"] == "distinct":
        return "distinct"
    if row["verdict"] == "undefined":
        return "undefined"
    how = "is better" if row["relation"] == "worse" else "not distinguishable"
    return f"not distinct: `{row['simplest']}` {how}"


def _crossover_section(tables: StudyTables) -> list[str]:
    baselines = list(dict.fromkeys(tables.crossover["baseline"]))
    if not baselines:
        return []
    baselines.sort(key=lambda name: (name != "classical", name))
    items = [f"- {where_they_cross(tables, name)}" for name in baselines]
    return ["### Where is the crossover?", "", "From `crossover.parquet`.", "", *items, ""]


def _student_section(tables: StudyTables) -> list[str]:
    table = tables.transfer
    if table.empty:
        return []
    lines = [
        "### Did the student keep it?",
        "",
        "From `transfer.parquet`: the retained fraction, 1 being the error of `quantum` and 0 that "
        "of `classical`. The rows *never saw the circuit* are models put through the same "
        "formula (from `metrics.parquet`). *Retained*: the interval lies above 0.8; *collapsed*: "
        "below 0.2; *undecided*: it reaches past both; *partial*: anything else.",
        "",
    ]
    header = ["student", *(f"n = {n}" for n in tables.sizes)]
    body = []
    for frame, mark in [(table, ""), (tables.untaught, "*never saw the circuit:* ")]:
        for (student, stage), rows in frame.groupby(["student", "stage"], sort=True):
            cells = {row.n: _retained_cell(row) for row in rows.itertuples()}
            name = mark + _run_name(student, stage)
            body.append([name, *(cells.get(n, "") for n in tables.sizes)])
    lines += table_lines(header, body)
    if (table["verdict"] == "undefined").any():
        lines += [f"Undefined {why_nothing_to_keep(tables)}.", ""]
    return lines


def _retained_cell(row: object) -> str:
    verdict = str(row.verdict)  # type: ignore[attr-defined]
    if verdict == "undefined":
        return verdict
    return f"{estimate(row.retained, row.ci_low, row.ci_high)} {verdict}"  # type: ignore[attr-defined]


def _real_part_section(tables: StudyTables) -> list[str]:
    columns = [
        ("zero-shot, against `classical`", ("classical", "zero_shot", "trained")),
        ("fine-tuned, against `classical`", ("classical", "fine_tuned", "trained")),
        ("fine-tuned, against `quantum`", ("quantum", "fine_tuned", "trained")),
        ("fine-tuned, against `mean`", ("mean", "fine_tuned", "trained")),
        (
            "fine-tuned, against `random_dense` fine-tuned",
            ("random_dense", "fine_tuned", "fine_tuned"),
        ),
    ]
    found = [(title, tables.compared("unitary_re", *which)) for title, which in columns]
    found = [(title, rows) for title, rows in found if len(rows)]
    if not found:
        return []
    lines = [
        "### Did Re(U) alone carry it?",
        "",
        "From `comparisons.parquet`: the ratio of the error of `unitary_re` to that of the other, "
        "and what `unitary_re` is against it.",
        "",
    ]
    if any("random_dense" in title for title, _ in found):
        lines[-2] += (
            " `random_dense` has the same layer, encoder, decoder and fine-tuning, and a start "
            "that nothing taught."
        )
    body = []
    for n in tables.sizes:
        cells = [str(n)]
        for _, rows in found:
            row = rows.loc[n]
            value = estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
            cells.append(f"{value} {relation_words(row)}")
        body.append(cells)
    return [*lines, *table_lines(["n", *(title for title, _ in found)], body)]


def _published_section(tables: StudyTables) -> list[str]:
    table = tables.published
    if table.empty:
        return []
    counts = [
        f"{int(rows['within_tenth'].sum())} of {len(rows)} for `{model}`"
        for model, rows in table.groupby("model")
    ]
    lines = [
        "### Published figures, side by side",
        "",
        "From `published.parquet`. The article gives neither spread nor number of seeds, nor its "
        f"generator. Within 10 % of the published figure: {enumeration(counts)}.",
        "",
    ]
    header = ["n", "model", "published", "here", "deviation", "within 10 %"]
    body = [
        [
            str(row.n),
            f"`{row.model}`",
            number(row.published),
            estimate(row.mean, row.ci_low, row.ci_high),
            "" if np.isnan(row.deviation) else f"{row.deviation:+.1%}",
            "yes" if row.within_tenth else "no",
        ]
        for row in table.sort_values(["model", "n"]).itertuples()
    ]
    return [*lines, *table_lines(header, body)]


def _diverged_section(tables: StudyTables) -> list[str]:
    flagged = tables.metrics[tables.metrics["diverged"]]
    if flagged.empty:
        return ["No run diverged (`metrics.parquet`).", ""]
    counts = flagged.groupby(["model", "stage", "n"]).size()
    parts = [
        f"{_run_name(model, stage)} at n = {n} ({count} of {tables.seeds} seeds)"
        for (model, stage, n), count in counts.items()
    ]
    return [f"Diverged, and counted in full (`metrics.parquet`): {enumeration(parts)}.", ""]
