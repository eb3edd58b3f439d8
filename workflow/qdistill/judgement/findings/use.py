"""Findings on what codes are good for, what models cost, and how far runs can be trusted."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from qdistill.judgement.findings.base import Finding, from_row, key_of, select_rows, why
from qdistill.judgement.tables import ProblemTables
from qdistill.storage.tables import read_frame, read_metadata
from qdistill.study.registry import is_of_circuit
from qdistill.study.timed import ARTICLE_QUBITS, OUR_ENGINES

OVERLAP_ABOVE = 0.25  # of a seed's rows; a smaller share in common with another counts as little


def uses(part: ProblemTables) -> list[Finding]:
    """Find the best code that a circuit had a part in, and the best of the others.

    Both are compared with PCA codes and, by the probe, with the full vectors; the estimate is a
    difference, higher being better.
    """
    table = part.downstream_comparisons
    origin = table["challenger"].map(is_of_circuit).astype(bool)
    found = []
    keys = ["n", "measure", "baseline"]
    for key, rows in table.assign(of_circuit=origin).groupby([*keys, "of_circuit"], sort=True):
        known = rows[rows["difference"].notna()]
        best = (rows if known.empty else known.sort_values("difference")).iloc[-1]
        names = ("measure", "challenger", "challenger_stage", "baseline")
        own = from_row(
            "downstream",
            key_of(part, key[0]),
            best,
            "downstream_comparisons",
            {name: best[name] for name in names},
            ("difference", "ci_low", "ci_high"),
            subject=best["challenger"],
            stage=best["challenger_stage"],
            against=best["baseline"],
            against_stage="trained",
            measure=best["measure"],
            p=best["p_holm"],
        )
        found.append(own | {"reason": why(best)})
    for reason in part.downstream["probe_undefined"].dropna().unique():
        row = {"verdict": "undefined", "reason": reason, "measure": "probe_accuracy"}
        found.append(from_row("downstream", key_of(part), {}, "downstream", **row))
    return found


def flagged_runs(part: ProblemTables) -> list[Finding]:
    """Count the seeds that diverged, or that more steps might have improved."""
    found = []
    for column in ("diverged", "choice_at_edge"):
        flagged = part.metrics[part.metrics[column]]
        for (n, model, stage), rows in flagged.groupby(["n", "model", "stage"], sort=True):
            where = {"model": model, "stage": stage, column: True}
            about = {"verdict": column.replace("_", " "), "seeds": part.seeds, "measure": "seeds"}
            about |= {"subject": model, "stage": stage, "estimate": len(rows)}
            found.append(from_row("runs", key_of(part, n), {}, "metrics", where, **about))
    return found


def overlaps(part: ProblemTables) -> list[Finding]:
    """Return what share of its rows a seed is expected to have in common with any other.

    Where that is ``much``, the spread over seeds understates that of rows drawn afresh.
    """
    rows, found = part.problem.train_rows, []
    for n in part.sizes if rows else ():
        verdict = "much" if n / rows > OVERLAP_ABOVE else "little"
        about = {"measure": "share", "estimate": n / rows, "level": rows, "seeds": part.seeds}
        found.append(from_row("overlap", key_of(part, n), {}, "metrics", verdict=verdict, **about))
    return found


def headline_qubits(sizes: Iterable[int]) -> int:
    """Choose the article's number of qubits if measured, else the nearest below or above."""
    return int(min(sorted(set(sizes)), key=lambda size: abs(size - ARTICLE_QUBITS)))


def costs(table: pd.DataFrame) -> list[Finding]:
    """Return what a training step and a prediction cost.

    Training is the ratio to the classical baseline at each number of qubits (``level``), for one
    seed or several at once (``seeds``); the circuit alone is set beside PennyLane; inference is
    in microseconds a row, by batch (``level``), at the number of qubits nearest to the article's.
    """
    found = []
    steps = table[(table["what"] == "model_step") & (table["engine"] == "quantum")]
    for row in steps.to_dict("records"):
        found.append(_cost(row, "training_ratio", row["ratio_to_classical"], row["qubits"]))
    alone = table[(table["what"] == "circuit_step") & table["engine"].isin(OUR_ENGINES)]
    for row in alone[alone["speedup_over_pennylane"].notna()].to_dict("records"):
        speedup = row["speedup_over_pennylane"]
        found.append(_cost(row, "speedup", speedup, row["qubits"]) | {"against": "pennylane"})
    rows = table[table["what"] == "inference"]
    if len(rows):
        for row in rows[rows["qubits"] == headline_qubits(rows["qubits"])].to_dict("records"):
            micros = 1e3 * row["milliseconds"] / row["batch"]
            found.append(_cost(row, "microseconds", micros, row["batch"]) | {"against": None})
    return found


def _cost(row: dict, measure: str, estimate: float, level: int) -> Finding:
    key = {column: row[column] for column in ("what", "engine", "qubits", "batch", "seeds")}
    about = {"subject": row["engine"], "against": "classical", "level": level}
    about |= {"verdict": "measured", "measure": measure, "estimate": estimate}
    return from_row("cost", {}, row, "cost", key, **about)


def repeated_texts(paths: Iterable[str | Path]) -> list[Finding]:
    """Count in each data set of texts the rows (of ``level``) that repeat one of another split.

    The tables are those of :func:`~qdistill.datasets.duplicates.find_duplicates`. Raises DataError
    if a table is missing, damaged or breaks its contract.
    """
    found = []
    for path in paths:
        table, metadata = read_frame("duplicates", path), read_metadata(path)
        settings, rows = json.loads(metadata["settings"]), json.loads(metadata["rows"])
        about = {"question": "repeated_texts", "dataset": settings["name"], "measure": "rows"}
        about |= {"table": "duplicates", "verdict": "none", "estimate": 0, "rows": ""}
        became = "left out" if settings.get("duplicates") == "drop" else "left in"
        pairs = list(table.groupby(["split", "other_split"], sort=True))
        for (split, other), own in pairs:
            where = {"subject": split, "against": other, "level": rows[split], "verdict": became}
            where |= {"estimate": len(own), "rows": select_rows(split=split, other_split=other)}
            found.append({**about, **where})
        found += [] if pairs else [about]
    return found
