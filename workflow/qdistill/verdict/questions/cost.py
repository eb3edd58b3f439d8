"""The question what training with a circuit costs, and inference with and without one."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from qdistill.study.timed import ARTICLE_QUBITS, ARTICLE_RATIO, ONNX, OUR_ENGINES
from qdistill.verdict.sources import Finding, bullet, source
from qdistill.wording import counted, enumeration, number, quoted, table_lines

_NOT_MEASURED = (
    "Not measured in this study, whose configuration has `cost: null`. To measure it, give `cost` "
    "its settings as in `config/config.yaml` and run the study again, or "
    "`snakemake --cores all benchmark_engines` for the timing alone."
)
_INFERENCE = ("quantum", "compiled", ONNX, "distilled", "classical", "pennylane", "qulacs")


def cost_section(table: pd.DataFrame) -> list[str]:
    """Return lines of Markdown on what training and inference cost.

    Parameters
    ----------
    table : DataFrame
        By the contract "cost"; without rows where it was not measured.
    """
    lines = [
        "### Cost",
        "",
        "What does it cost to train a circuit, and to predict with one? The article gives "
        f'"~{ARTICLE_RATIO:g}x slower" for training at {ARTICLE_QUBITS} qubits. Circuits are '
        "simulated on a classical processor in both cases, and no time here is that of a quantum "
        "computer.",
        "",
    ]
    if table.empty:
        return [*lines, _NOT_MEASURED, ""]
    findings = [*_model_steps(table), *_circuit_steps(table), *_inference(table)]
    return [
        *lines,
        *map(bullet, findings),
        "",
        *_serving_table(table),
        *_inference_table(table),
    ]


def headline_qubits(sizes: pd.Series) -> int:
    """Choose the article's number of qubits if measured, else the nearest below or above."""
    return int(min(sorted(set(sizes)), key=lambda size: abs(size - ARTICLE_QUBITS)))


def _model_steps(table: pd.DataFrame) -> list[Finding]:
    """Say how much longer a training step of the circuit's model takes than the baseline's."""
    steps = table[table["what"] == "model_step"]
    pairs = steps[steps["engine"] == "quantum"]
    if pairs.empty:
        return []
    qubits = headline_qubits(pairs["qubits"])
    rows = pairs[pairs["qubits"] == qubits].sort_values("seeds")
    row = rows.iloc[-1]
    mine = _ratios(rows)
    ours, baseline = (
        _milliseconds(steps, engine, qubits, row["seeds"]) for engine in ("quantum", "classical")
    )
    text = (
        f"A training step of the whole model, encoder and decoder included, takes `quantum` "
        f"{mine} the time of `classical` at {qubits} qubits ({_sizes(row)}; with "
        f"{counted(int(row['seeds']), 'seed')} {number(ours)} against {number(baseline)} ms a "
        f"seed)"
    )
    same = qubits == ARTICLE_QUBITS
    text += f"; the article gives {ARTICLE_RATIO:g} times" + (
        "." if same else f" at {ARTICLE_QUBITS} qubits, which were not measured."
    )
    where = {"what": "model_step", "qubits": qubits}
    findings = [Finding(text, (source("cost", engine=["quantum", "classical"], **where),))]
    others = pairs[(pairs["qubits"] != qubits) & (pairs["seeds"] == row["seeds"])]
    if len(others):
        listed = enumeration(
            f"{number(each['ratio_to_classical'])} at {each['qubits']}"
            for _, each in others.sort_values("qubits").iterrows()
        )
        text = f"With {counted(int(row['seeds']), 'seed')} at once, that ratio is {listed} qubits."
        sizes = sorted(others["qubits"])
        found = source(
            "cost", engine="quantum", what="model_step", qubits=sizes, seeds=int(row["seeds"])
        )
        findings.append(Finding(text, (found,)))
    return findings


def _ratios(rows: pd.DataFrame) -> str:
    """'2.1 times', or '2.1 times (1 seed) and 1.6 times (10 seeds at once)'."""
    if len(rows) == 1:
        return f"{number(rows.iloc[0]['ratio_to_classical'])} times"
    return enumeration(
        f"{number(row['ratio_to_classical'])} times ({counted(int(row['seeds']), 'seed')}"
        f"{' at once' if row['seeds'] > 1 else ''})"
        for _, row in rows.iterrows()
    )


def _circuit_steps(table: pd.DataFrame) -> list[Finding]:
    """Say what a step of the circuit alone takes, beside a layer and other simulators."""
    steps = table[table["what"] == "circuit_step"]
    ours = steps[steps["engine"].isin(OUR_ENGINES) & (steps["seeds"] == 1)]
    if ours.empty:
        return []
    qubits = headline_qubits(ours["qubits"])
    at_size = steps[steps["qubits"] == qubits]
    row = ours[ours["qubits"] == qubits].sort_values("milliseconds").iloc[0]
    text = (
        f"The circuit alone takes {number(row['milliseconds'])} ms a step at {qubits} qubits with "
        f"the engine `{row['engine']}` ({_sizes(row)}): {row['ratio_to_classical']:.2f} times "
        "as long as a classical layer of the same width"
    )
    engines = [row["engine"], "classical"]
    if np.isfinite(row["speedup_over_pennylane"]):
        text += f", and 1/{number(row['speedup_over_pennylane'])} of PennyLane's `default.qubit`"
        engines.append("pennylane")
    findings = [_finding(f"{text}.", engines, qubits)]
    rivals = at_size[~at_size["engine"].isin([*OUR_ENGINES, "classical"])]
    rivals = rivals.sort_values("milliseconds")
    if len(rivals):
        listed = enumeration(
            f"`{each['engine']}` {number(each['milliseconds'])} ms" for _, each in rivals.iterrows()
        )
        findings.append(
            _finding(f"Other simulators there: {listed}.", list(rivals["engine"]), qubits)
        )
    return findings


def _finding(text: str, engines: list[str], qubits: int) -> Finding:
    where = {"what": "circuit_step", "qubits": qubits, "seeds": 1}
    return Finding(text, (source("cost", engine=engines, **where),))


def _inference_at_headline(table: pd.DataFrame) -> pd.DataFrame:
    """Select inference at the headline's qubits; nothing where none was timed."""
    rows = table[table["what"] == "inference"]
    return rows if rows.empty else rows[rows["qubits"] == headline_qubits(rows["qubits"])]


def _inference(table: pd.DataFrame) -> list[Finding]:
    """Say what a prediction costs in the largest batch in which all our models were timed."""
    rows = _inference_at_headline(table)
    if rows.empty:
        return []
    qubits = rows["qubits"].iloc[0]
    findings = []
    for batch in sorted({int(rows["batch"].min()), int(rows["batch"].max())}):
        times = _microseconds(rows[rows["batch"] == batch])
        listed = enumeration(f"`{name}` {number(time)} µs" for name, time in times.items())
        size = "one by one" if batch == 1 else f"in batches of {batch:,}"
        text = f"Inference at {qubits} qubits, {size}, takes per example {listed}."
        where = {"what": "inference", "qubits": qubits, "batch": batch}
        findings.append(Finding(text, (source("cost", engine=list(times), **where),)))
    return findings


def _serving_table(table: pd.DataFrame) -> list[str]:
    """Microseconds per row and rows per second of every model at the headline's qubits."""
    rows = _inference_at_headline(table)
    if rows.empty:
        return []
    qubits = rows["qubits"].iloc[0]
    batches = sorted(set(rows["batch"]))
    times = {batch: _microseconds(rows[rows["batch"] == batch]) for batch in batches}
    body = []
    for name in (name for name in _INFERENCE if (rows["engine"] == name).any()):
        found = [times[batch].get(name) for batch in batches]
        micros = ["" if time is None else number(time) for time in found]
        rates = ["" if time is None else number(1e6 / time) for time in found]
        body.append([f"`{name}`", *micros, *rates])
    header = [
        "model",
        *(f"µs a row, batch {batch:,}" for batch in batches),
        *(f"rows a second, batch {batch:,}" for batch in batches),
    ]
    return [
        f"Serving at {qubits} qubits, on one thread, everything in turn in one run (from "
        "`cost.parquet`, rows whose `what` is `inference`): microseconds a row, and rows a "
        "second. `quantum` is the circuit in our engine, `pennylane` the same in PennyLane, "
        f"`compiled` the same as two real matrices, and `{ONNX}` is `compiled` in ONNX Runtime.",
        "",
        *table_lines(header, body),
    ]


def _inference_table(table: pd.DataFrame) -> list[str]:
    """Microseconds per example of every model, for every batch and number of qubits."""
    rows = table[table["what"] == "inference"]
    if rows.empty:
        return []
    names = [name for name in _INFERENCE if (rows["engine"] == name).any()]
    body = []
    for (qubits, batch), part in rows.groupby(["qubits", "batch"], sort=True):
        times = _microseconds(part)
        cells = [number(times[name]) if name in times else "" for name in names]
        body.append([str(qubits), f"{batch:,}", *cells])
    header = ["qubits", "batch", *(f"`{name}`" for name in names)]
    versions = json.loads(table.iloc[0]["versions"])
    return [
        "Microseconds per example at inference with the whole model (from `cost.parquet`), on "
        f"one thread of {versions['cpu']}; a cell is empty where a batch would have taken too "
        f"long. {quoted(['distilled'])} is any student that is one layer A ĥ + c.",
        "",
        *table_lines(header, body),
    ]


def _microseconds(rows: pd.DataFrame) -> Mapping[str, float]:
    """Time of one example in one batch size by model, in the order of the verdict."""
    found = {row.engine: 1e3 * row.milliseconds / row.batch for row in rows.itertuples()}
    return {name: found[name] for name in _INFERENCE if name in found}


def _milliseconds(rows: pd.DataFrame, engine: str, qubits: int, seeds: int) -> float:
    hit = (rows["engine"] == engine) & (rows["qubits"] == qubits) & (rows["seeds"] == seeds)
    return float(rows.loc[hit, "milliseconds"].iloc[0])


def _sizes(row: pd.Series) -> str:
    return f"{counted(int(row['layers']), 'layer')}, batches of {row['batch']}"
