"""Tables of a verdict from chosen losses, and the sources of its findings, read back."""

import json
import re
from functools import cache

import numpy as np
import pandas as pd

from helpers.metrics import make_metrics, make_sweep
from qdistill.judgement.attribution import attribute
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.downstream import compare_downstream
from qdistill.judgement.overfitting import judge_overfitting
from qdistill.judgement.published import tabulate_published
from qdistill.judgement.transfer import judge_transfer
from qdistill.storage.contracts import CONTRACTS
from qdistill.verdict.problems import order_problems
from qdistill.verdict.tables import StudyTables, no_rows

ONE = dict(datasets=("synthetic-6q",), sizes=(100, 1000))
CIRCUIT = {"kind": "teacher-circuit", "qubits": 6, "layers": 2, "angle_range": 1.0}
FEW = ("mean", "classical", "quantum")
MARKOV = {"kind": "markov", "qubits": 6, "concentration": 1.0}


def leveled(**levels):
    """Losses by 'model' or 'model_stage'; 0.004 for those not named."""
    return lambda model, stage, n: levels.get(f"{model}_{stage}", levels.get(model, 0.004))


def tables_of(
    metrics,
    sweep=None,
    choices=None,
    trainability=None,
    cost=None,
    extra=(),
    downstream=None,
):
    """All tables of a study, by the functions that the workflow uses."""
    if sweep is None and (metrics["model"] == "quantum").any():
        sweep = make_sweep(metrics, pools=(0, 1000))
    comparisons = compare_study(metrics, extra)
    return StudyTables(
        metrics=metrics,
        comparisons=comparisons,
        crossover=locate_crossovers(metrics),
        transfer=judge_transfer(metrics),
        published=tabulate_published(metrics),
        attribution=attribute(comparisons),
        overfitting=no_rows("overfitting") if sweep is None else judge_overfitting(metrics, sweep),
        choices=make_choices(metrics) if choices is None else choices,
        trainability=no_rows("trainability") if trainability is None else trainability,
        cost=no_rows("cost") if cost is None else cost,
        downstream=no_rows("downstream") if downstream is None else downstream,
        downstream_comparisons=(
            no_rows("downstream_comparisons")
            if downstream is None
            else compare_downstream(downstream)
        ),
    )


def only_part(tables, described=()):
    """The tables of a study's only problem."""
    (problem,) = order_problems(tables.metrics, described)
    return tables.of(problem)


def described(dataset, protocol="article", projections="trained", **settings):
    return {
        "dataset": dataset,
        "protocol": protocol,
        "track": "main",
        "projections": projections,
        "settings": settings,
    }


def make_choices(metrics):
    """What tuning chose, by the contract "choices"; the same for every second seed."""
    keys = ["dataset", "qubits", "protocol", "n", "seed", "model"]
    rows = metrics[metrics["model"].isin(["linear_tuned", "quantum_tuned"])][keys].copy()
    ways = ({"layers": 2, "steps": 40}, {"layers": 20, "steps": 90})
    rows["choice"] = [json.dumps(ways[seed % 2]) for seed in rows["seed"]]
    rows["validation_mse"], rows["candidates"] = 0.1, 8
    return rows[CONTRACTS["choices"].scalars()]


def make_trainability(trained, layers=(1, 2, 4), ranges=(0.5, 1.0), seeds=10):
    """Trainability by the contract, ``trained(layers, range)`` seeds of each cell being so."""
    rows = [
        {
            "qubits": 6,
            "n": 50,
            "layers": depth,
            "angle_range": bound,
            "seed": seed,
            "train_mse": 0.0,
            "heldout_mse": 1e-6 if seed < trained(depth, bound) else 1e-3,
            "mean_heldout_mse": 1e-3,
            "diverged": False,
        }
        for depth in layers
        for bound in ranges
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


_CITED = re.compile(r" `\[([^\]`]+)\]`$")


def bullets(text, title=None):
    """Items of lists in a part of a verdict: (words, sources) of each."""
    found = []
    for line in section(text, title).splitlines():
        if line.startswith("- "):
            cited = _CITED.search(line)
            assert cited, f"no source: {line}"
            found.append((line[: cited.start()], [read_source(s) for s in cited[1].split("; ")]))
    return found


def every_bullet(text):
    """Items of every list of findings."""
    titles = ("In short", "The open questions", "Published and reproduced")
    titles += ("Where circuits can be trained",)
    return [each for t in titles if f"## {t}\n" in text for each in bullets(text, t)]


def section(text, title=None):
    """The part of a document under a heading, up to the next of its level or above."""
    if title is None:
        return text
    start = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert start, f"no heading {title}"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def read_source(source):
    """Table and conditions of a source, as a reader would take it."""
    table, conditions = source.split(".parquet: ")
    pairs = (condition.split(" = ") for condition in conditions.split(", "))
    return table, {column: values.split("|") for column, values in pairs}


def rows_of(tables, source):
    """Rows that a source selects."""
    table, where = source
    frame = getattr(tables, table)
    hit = np.ones(len(frame), dtype=bool)
    for column, values in where.items():
        assert set(values) <= set(frame[column].astype(str)), f"{column} of {source}"
        hit &= frame[column].astype(str).isin(values).to_numpy()
    return frame[hit]


@cache
def standard_part():
    """The only problem of the typical study at n = 100 and 1000, which no test changes."""
    return only_part(tables_of(make_metrics(**ONE)))


def part_of(names, sweep=None, **settings):
    """The only problem of a study of these models."""
    metrics = make_metrics(names=names, **{**ONE, **settings})
    return only_part(tables_of(metrics, sweep(metrics) if sweep else None))


def said(question, part):
    return " ".join(finding.text for finding in question.answer(part))
