"""Every table of a study, as the page of details shows it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.statistics import paired_interval
from qdistill.judgement.tables import TRAINED_BELOW, StudyTables
from qdistill.study.registry import ENTRIES, RAW
from qdistill.verdict.views import View
from qdistill.wording import counted, crossing, enumeration, estimate, number

_FEW = 4  # up to so many different numbers are counted one by one

# Estimate -> its limits, which share a cell with it.
_LIMITS = {
    "difference": ("ci_low", "ci_high"),
    "retained": ("ci_low", "ci_high"),
    "n_star": ("ci_low", "ci_high"),
    "mean": ("ci_low", "ci_high"),
    "shots_needed": ("ci_low", "ci_high"),
    "floor_ratio": ("floor_low", "floor_high"),
    "recall": ("recall_low", "recall_high"),
    "accuracy": ("ci_low", "ci_high"),
    "ratio": ("ratio_low", "ratio_high"),
    "heldout_loss": ("heldout_low", "heldout_high"),
    "teacher_r2": ("teacher_r2_low", "teacher_r2_high"),
    "r2_gap": ("r2_gap_low", "r2_gap_high"),
    "train_gap": ("train_gap_low", "train_gap_high"),
    "estimate": ("low", "high"),
}
_ORDER = {name: place for place, name in enumerate((RAW, *ENTRIES))}


@dataclass(frozen=True)
class Section:
    """A table of the page; a cell that begins with an asterisk is the best of its column."""

    key: str  # its anchor
    title: str
    about: str  # what the rows are
    table: str  # name of the file that it comes from, without ``.parquet``
    header: list[str]
    rows: list[list[str]]


# Table -> heading and what its rows are.
_TABLES = {
    "findings": ("Findings", "What the verdict is written from."),
    "comparisons": ("Comparisons", "Two models' held-out errors, paired by seed."),
    "row_intervals": (
        "Held-out rows as a sample",
        "Two models' held-out errors, with limits for other rows as well as other seeds.",
    ),
    "attribution": ("Attribution", "The simplest model not shown to be worse than the circuit."),
    "crossover": ("Crossovers", "Where the circuit and a baseline change places."),
    "transfer": ("Transfer", "The share of the circuit's advantage that a student retains."),
    "overfitting": ("Overfitting", "The student by the size of its unlabelled pool."),
    "downstream_comparisons": ("Use of the codes", "Codes compared, higher being better."),
    "retrieval_front": (
        "Codes in fewer bytes",
        "What is found by the codes of a method in a form, tested against the best simpler method "
        "of at most as many bytes.",
    ),
    "score_comparisons": ("Classes told", "Accuracy and macro-F1 compared, higher being better."),
    "geometry": ("Geometry of kernels", "A quantum kernel beside classical ones, on the n rows."),
    "robustness_comparisons": (
        "Robustness",
        "Accuracy on perturbed rows, and how much of that on clean rows is kept; higher is better.",
    ),
    "shots_needed": (
        "Shots",
        "Shots a row at which a measured circuit's expected error is near the exact one.",
    ),
    "measured_comparisons": (
        "Students of counts",
        "Errors of a measured circuit, of students of its counts and of their rivals.",
    ),
    "device_measured": (
        "On a device",
        "Errors of circuits whose held-out rows a device of PennyLane's has measured.",
    ),
    "device_costs": ("Devices", "What they would take, in executions, hours and money."),
    "published": (
        "Published figures",
        "The article's errors and ours; deviation is ours / its - 1.",
    ),
    "benchmark_scores": (
        "Benchmarks",
        "Accuracies on held-out rows, ours and published; a suite's mean has no data set, and no "
        "score that is in fact of training rows.",
    ),
    "variance_shares": ("Variance", "What the variance of accuracies is due to."),
    "cost": ("Cost", "Times of steps and predictions, on one thread."),
}


def detail_sections(
    findings: pd.DataFrame, tables: StudyTables, views: Sequence[View]
) -> list[Section]:
    """Return every table that has rows; problems are in the order of their views."""
    sections = [_errors(tables.metrics, views)]
    for name, (title, about) in _TABLES.items():
        table = findings if name == "findings" else getattr(tables, name)
        sections.append(Section(name, title, about, name, *as_words(table)))
    for measure, title in (("recall", "Neighbours found"), ("probe_accuracy", "Probe")):
        sections.append(_levels(tables.downstream, measure, title, "downstream"))
    told = tables.metrics[tables.metrics["task"] == "classify"]
    for measure, title in (("heldout_accuracy", "Accuracy"), ("heldout_macro_f1", "Macro-F1")):
        sections.append(_levels(told, measure, title, "metrics"))
    sections.append(_levels(tables.robustness, "accuracy", "Perturbed inputs", "robustness"))
    sections += [_choices(tables.choices), _trainability(tables.trainability)]
    return [section for section in sections if section.rows]


def as_words(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a table, an estimate and its limits in one cell.

    It holds scalars, and tuples of names. What is missing is an empty cell.
    """
    joined = {name: _LIMITS[name] for name in table if name in _LIMITS}
    joined = {name: limits for name, limits in joined.items() if limits[0] in table}
    apart = {limit for limits in joined.values() for limit in limits} | {"versions", "qubits"}
    header = [name for name in table if name not in apart or (name == "qubits" and "what" in table)]
    order = [name for name in header if name in ("verdict", "seeds")]
    if order == ["seeds", "verdict"]:  # the verdict in sight, before the numbers
        header.remove("verdict")
        header.insert(header.index("seeds"), "verdict")
    rows = []
    for row in table.to_dict("records"):
        cells = []
        for name in header:
            if name in joined and not pd.isna(row[name]):
                tell = crossing if name == "n_star" else estimate
                cells.append(tell(row[name], *(row[limit] for limit in joined[name])))
            else:
                cells.append(_word(row[name]))
        rows.append(cells)
    return [name.replace("_", " ") for name in header], rows


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return enumeration(value)
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        exact = float(value)
        if exact.is_integer() and abs(exact) < 1e6:  # a count, which is not rounded
            return f"{exact:,.0f}"
        return "not in sight" if np.isinf(exact) else number(exact)
    return str(value)


def _errors(metrics: pd.DataFrame, views: Iterable[View]) -> Section:
    """Tabulate mean held-out errors, problem by problem, the best marked."""
    sizes = sorted({n for view in views for n in view.sizes})
    rows = []
    for view in views:
        key = view.problem.dataset, view.problem.protocol
        own = metrics[(metrics["dataset"] == key[0]) & (metrics["protocol"] == key[1])]
        rows += _means(own, "heldout_loss", sizes, view.label.replace("`", ""), best=min)
    about = "Mean over the seeds; the lowest of each problem and n in bold, the oracle apart."
    header = ["problem", "model", *(f"n = {n:,}" for n in sizes)]
    return Section("errors", "Held-out errors", about, "metrics", header, rows)


def _levels(table: pd.DataFrame, measure: str, title: str, source: str) -> Section:
    """Tabulate the mean of what codes or models are good for, the highest marked."""
    sizes = sorted(int(n) for n in table["n"].unique())
    rows = []
    keys = [name for name in ("dataset", "protocol", "perturbation", "level") if name in table]
    for key, own in table.groupby(keys, sort=False):
        if own[measure].notna().any():
            rows += _means(own, measure, sizes, " ".join(map(_word, key)), best=max)
    about = "Mean over the seeds of what is achieved on held-out rows; the highest in bold."
    header = [
        "problem",
        "code" if source == "downstream" else "model",
        *(f"n = {n:,}" for n in sizes),
    ]
    return Section(measure, title, about, source, header, rows)


def _means(
    table: pd.DataFrame, value: str, sizes: Sequence[int], label: str, best: Any
) -> list[list[str]]:
    """List every model and stage, with its mean and interval at every n."""
    found = {
        (str(model), str(stage), int(n)): paired_interval(rows[value])
        for (model, stage, n), rows in table.groupby(["model", "stage", "n"])
    }
    lost = table[table["diverged"]].groupby(["model", "stage", "n"]).size().to_dict()
    runs = sorted({key[:2] for key in found}, key=lambda run: (_ORDER.get(run[0], 99), run))
    marked = set()
    for n in sizes:
        means = {
            run: found[*run, n].estimate
            for run in runs
            if (*run, n) in found
            and np.isfinite(found[*run, n].estimate)
            and not (run[0] == RAW or ENTRIES[run[0]].is_oracle)
        }
        if means:
            marked.add((*best(means, key=lambda run: means[run]), n))
    lines = []
    for model, stage in runs:
        cells = []
        for n in sizes:
            interval = found.get((model, stage, n))
            words = (
                "" if interval is None else estimate(interval.estimate, interval.low, interval.high)
            )
            count = lost.get((model, stage, n), 0)
            words += f" ({count} diverged)" if count else ""
            cells.append(("*" if (model, stage, n) in marked else "") + words)
        name = model if stage == "trained" else f"{model} ({stage.replace('_', ' ')})"
        lines.append([label, name, *cells])
    return lines


def _choices(table: pd.DataFrame) -> Section:
    """Count what was chosen, over the seeds."""
    rows = []
    keys = ["dataset", "protocol", "model", "n"]
    for (dataset, protocol, model, n), own in table.groupby(keys, sort=True):
        chosen = [json.loads(choice) for choice in own["choice"]]
        names = dict.fromkeys(key for choice in chosen for key in choice)
        words = [
            f"{name.replace('_', ' ')}: "
            + summarise_values([choice[name] for choice in chosen if name in choice])
            for name in names
        ]
        tried = f"{int(own['candidates'].max()):,}"
        rows.append([f"{dataset} {protocol}", model, f"{n:,}", "; ".join(words), tried])
    header = ["problem", "model", "n", "chosen (how many seeds)", "candidates"]
    about = "Settings chosen by cross-validation inside the n rows."
    return Section("choices", "What cross-validation chose", about, "choices", header, rows)


def summarise_values(values: Sequence[object]) -> str:
    """Count the values of the seeds, or return median and range of many different numbers."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values) and len(set(numbers)) > _FEW:
        middle, low, high = np.median(numbers), min(numbers), max(numbers)
        return f"median {number(middle)} ({number(low)} to {number(high)})"
    counts = Counter(_word(value).replace("_", " ") for value in values).most_common()
    return ", ".join(f"{value} ({count})" for value, count in counts)


def _trainability(table: pd.DataFrame) -> Section:
    """Count the seeds that end below a share of the mean's error, by depth and range of angles."""
    bounds = sorted(float(bound) for bound in table["angle_range"].unique())
    ends = table.assign(trained=table["heldout_loss"] < TRAINED_BELOW * table["mean_heldout_loss"])
    rows = []
    for (qubits, n, layers), own in ends.groupby(["qubits", "n", "layers"], sort=True):
        cells: Mapping[Any, pd.DataFrame] = dict(iter(own.groupby("angle_range")))
        counts = [
            f"{int(cells[bound]['trained'].sum())} of {counted(len(cells[bound]), 'seed')}"
            if bound in cells
            else ""
            for bound in bounds
        ]
        rows.append([f"{qubits}", f"{n}", f"{layers}", *counts])
    about = (
        "Circuits trained on the outputs of circuits of the same depth, the angles of both drawn "
        f"within the same range: seeds that end below {100 * TRAINED_BELOW:g} % of the mean's "
        "held-out error."
    )
    header = ["qubits", "n", "layers", *(f"±{bound:.3g}" for bound in bounds)]
    title = "Where circuits can be trained"
    return Section("trainability", title, about, "trainability", header, rows)
