"""The tables behind the answers, for one problem."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from qdistill.judgement.comparisons import CHALLENGERS, SIDE_QUESTIONS
from qdistill.study.registry import STUDENTS
from qdistill.verdict.relations import ratio_words, relation_words
from qdistill.verdict.students import retained_words, run_name
from qdistill.verdict.summary import run_rows
from qdistill.verdict.tables import ProblemTables
from qdistill.wording import enumeration, estimate, limits_in_n, number, p_value, table_lines

_STARTS = tuple(name for name, entry in STUDENTS.items() if entry.starts_from_unitary)


_MARKS = {"better": " (+)", "worse": " (\N{MINUS SIGN})"}
_FEW = 4  # up to so many different numbers are counted one by one


def details(part: ProblemTables) -> list[str]:
    """Return lines of Markdown: every table of one problem, each under its heading."""
    tables = [
        ("Does `quantum` beat the classical baseline?", "comparisons", _baseline(part)),
        ("The circuit against simpler models", "attribution, comparisons", _attribution(part)),
        ("Crossovers", "crossover", _crossovers(part)),
        ("What students retain", "transfer, metrics", _students(part)),
        ("Layers that start from the unitary", "comparisons", _starts(part)),
        ("The student by the size of its pool", "overfitting", _overfitting(part)),
        ("What tuning chose", "choices", choices_table(part)),
        ("What codes are good for", "downstream, downstream_comparisons", _downstream(part)),
        ("Other comparisons", "comparisons", _others(part)),
    ]
    lines = []
    for title, files, body in tables:
        if body:
            names = enumeration(f"`{name}.parquet`" for name in files.split(", "))
            lines += [f"#### {title}", "", f"From {names}.", "", *body]
    return [*lines, *_still_improving(part), *_diverged(part)]


def _baseline(part: ProblemTables) -> list[str]:
    rows, bar = part.compared("quantum", "classical"), part.compared("classical", "mean")
    header = ["n", "`quantum`", "`classical`", "quantum - classical", "ratio", "Holm p"]
    header.append("`quantum` is")
    header += ["`classical` against the training mean"] * bool(len(bar))
    body = []
    for n, row in rows.iterrows():
        cells = [
            str(n),
            number(row["mean_challenger"]),
            number(row["mean_baseline"]),
            estimate(row["difference"], row["ci_low"], row["ci_high"]),
            ratio_words(row),
            p_value(row["p_holm"]),
            relation_words(row),
        ]
        body.append(cells + ([relation_words(bar.loc[n])] if len(bar) else []))
    return table_lines(header, body) if body else []


def _attribution(part: ProblemTables) -> list[str]:
    """Ratio of the circuit's error to that of each rival, from the simplest rival on."""
    table = part.attribution
    rivals = dict.fromkeys(name for each in table["rivals"] for name in each.split(", ") if name)
    if not rivals:
        return []
    found = {rival: part.compared("quantum", rival) for rival in rivals}
    body = []
    for _, row in table.sort_values("n").iterrows():
        cells = [str(row["n"]), _attribution_words(row)]
        body.append(cells + [_relation_cell(rows, row["n"]) for rows in found.values()])
    lines = [
        "The ratio quantum / rival with its interval, and what `quantum` is against it; rivals "
        "stand from the simplest to the most elaborate.",
        "",
        *table_lines(["n", "advantage", *(f"`{rival}`" for rival in rivals)], body),
    ]
    missing = [name for each in table["missing"].unique() for name in each.split(", ") if name]
    if missing:
        names = enumeration(f"`{name}`" for name in dict.fromkeys(missing))
        lines += [f"A full attribution also needs {names}, which the study does not hold here.", ""]
    return lines


def _attribution_words(row: pd.Series) -> str:
    if row["verdict"] != "not distinct":
        return row["verdict"]
    how = "is better" if row["relation"] == "worse" else "not distinguishable"
    return f"not distinct: `{row['simplest']}` {how}"


def _relation_cell(rows: pd.DataFrame, n: int) -> str:
    if n not in rows.index:
        return ""
    row = rows.loc[n]
    words = f"{ratio_words(row)} {relation_words(row)}"
    return words if row["verdict"] != "undefined" else "undefined"


def _crossovers(part: ProblemTables) -> list[str]:
    body = [
        [
            f"`{row.baseline}`",
            str(row.verdict),
            f"{row.n_star:.0f}" if pd.notna(row.n_star) else "",
            limits_in_n(row.ci_low, row.ci_high) if pd.notna(row.ci_low) else "",
            f"`{row.ahead_below}`" if pd.notna(row.ahead_below) else "",
        ]
        for row in part.crossover.sort_values(["baseline", "n_star"]).itertuples()
    ]
    header = ["baseline", "verdict", "n*", "interval in n", "ahead below n*, or throughout"]
    return table_lines(header, body) if body else []


def _students(part: ProblemTables) -> list[str]:
    table = part.transfer
    if table.empty or not {"quantum", "classical"} <= part.names:
        return []
    header = ["student", *(f"n = {n}" for n in part.sizes)]
    body = []
    for frame, mark in [(table, ""), (part.untaught, "*never saw the circuit:* ")]:
        for (student, stage), rows in frame.groupby(["student", "stage"], sort=True):
            cells = {row["n"]: _retained_cell(row) for _, row in rows.iterrows()}
            name = mark + run_name(student, stage)
            body.append([name, *(cells.get(n, "") for n in part.sizes)])
    return [
        "The retained fraction, 1 being the error of `quantum` and 0 that of `classical`.",
        "",
        *table_lines(header, body),
    ]


def _retained_cell(row: pd.Series) -> str:
    if row["verdict"] == "undefined":
        return "undefined"
    return f"{retained_words(row)} {row['verdict']}"


def _starts(part: ProblemTables) -> list[str]:
    return _comparison_table(part, lambda one, other: one in _STARTS and _is_asked(one, other))


def _others(part: ProblemTables) -> list[str]:
    """Show what stands nowhere else: side questions on models, and comparisons asked for."""
    return _comparison_table(part, _is_other)


def _is_other(challenger: str, baseline: str) -> bool:
    if challenger in CHALLENGERS:  # compared with everything; the rest is the ladder's
        return _is_asked(challenger, baseline)
    if challenger in _STARTS:
        return not _is_asked(challenger, baseline)
    return (challenger, baseline) != ("classical", "mean")


def _is_asked(challenger: str, baseline: str) -> bool:
    return baseline in SIDE_QUESTIONS.get(challenger, ())


def _comparison_table(part: ProblemTables, is_shown: Callable[[str, str], bool]) -> list[str]:
    """One row for each pair of models that is shown, one column for each n."""
    keys = ["challenger", "challenger_stage", "baseline", "baseline_stage"]
    body = []
    for (challenger, stage, baseline, against), own in part.comparisons.groupby(keys, sort=True):
        if not is_shown(challenger, baseline):
            continue
        by_size = own.set_index("n")
        name = f"{run_name(challenger, stage)} against {run_name(baseline, against)}"
        body.append([name, *(_relation_cell(by_size, n) for n in part.sizes)])
    if not body:
        return []
    return [
        "The ratio of the first model's error to the second's, and what the first is against it.",
        "",
        *table_lines(["models", *(f"n = {n}" for n in part.sizes)], body),
    ]


def _overfitting(part: ProblemTables) -> list[str]:
    body = [
        [
            str(row["n"]),
            f"{row['pool']:,}",
            estimate(row["heldout_mse"], row["heldout_low"], row["heldout_high"]),
            ratio_words(row),
            estimate(row["teacher_r2"], row["teacher_r2_low"], row["teacher_r2_high"]),
            estimate(row["r2_gap"], row["r2_gap_low"], row["r2_gap_high"]),
            row["verdict"],
        ]
        for _, row in part.overfitting.sort_values(["n", "pool"]).iterrows()
    ]
    header = [
        *("n", "unlabelled rows", "student's held-out error", "student / teacher"),
        *("R² on held-out rows", "R² on training rows above that", "student"),
    ]
    return table_lines(header, body) if body else []


def _diverged(part: ProblemTables) -> list[str]:
    found = _runs_with(part, "diverged")
    if not found:
        return ["No run diverged (`metrics.parquet`).", ""]
    return [f"Diverged, and counted in full (`metrics.parquet`): {found}.", ""]


def _still_improving(part: ProblemTables) -> list[str]:
    found = _runs_with(part, "still_improving")
    if not found:
        return []
    return [
        "Ended at the most steps while the cross-validated error was still falling, so that "
        f"longer training might lower the error (`metrics.parquet`): {found}.",
        "",
    ]


def _runs_with(part: ProblemTables, flag: str) -> str:
    """Models, n and numbers of seeds at which a column of the metrics is true."""
    counts = part.metrics[part.metrics[flag]].groupby(["model", "stage", "n"]).size()
    return enumeration(
        f"{run_name(model, stage)} at n = {n} ({count} of {part.seeds} seeds)"
        for (model, stage, n), count in counts.items()
    )


def choices_table(part: ProblemTables) -> list[str]:
    """Return lines of Markdown with what tuning chose at every n; none without tuned models."""
    table = part.choices
    body = []
    for (model, n), rows in table.groupby(["model", "n"], sort=True):
        chosen = [json.loads(choice) for choice in rows["choice"]]
        keys = dict.fromkeys(key for choice in chosen for key in choice)
        words = [
            f"{key.replace('_', ' ')}: "
            + summarise_values([choice[key] for choice in chosen if key in choice])
            for key in keys
        ]
        tried = int(rows["candidates"].max())
        body.append([f"`{model}`", str(n), "; ".join(words), f"{tried:,}"])
    if not body:
        return []
    return table_lines(["model", "n", "chosen (how many seeds)", "candidates"], body)


def summarise_values(values: Sequence[object]) -> str:
    """Count the values of the seeds, or return median and range of many different numbers."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values) and len(set(numbers)) > _FEW:
        middle, low, high = np.median(numbers), min(numbers), max(numbers)
        return f"median {number(middle)} ({number(low)} to {number(high)})"
    counts = Counter(_word(value) for value in values).most_common()
    return ", ".join(f"{value} ({count})" for value, count in counts)


def _word(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return str(value).replace("_", " ")


def _downstream(part: ProblemTables) -> list[str]:
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
