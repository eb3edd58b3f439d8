"""Tables, findings and documents of a study from chosen losses."""

import json
from itertools import product

import pandas as pd

from helpers.metrics import make_metrics, rows_where
from qdistill.judgement.findings.gathering import gather_findings
from qdistill.judgement.published import read_published
from qdistill.judgement.study import judge_tables
from qdistill.judgement.tables import StudyTables
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.tables import make_frame
from qdistill.verdict.page import compose_verdict

ONE = dict(datasets=("synthetic-6q",), sizes=(100, 1000))
CIRCUIT = {"kind": "teacher-circuit", "qubits": 6, "layers": 2, "angle_range": 1.0}
SQUARES = {"kind": "squares", "qubits": 6, "noise": 0.25}


def leveled(**levels):
    """Losses by 'model' or 'model_stage'; 0.004 for those not named."""
    return lambda model, stage, n: levels.get(f"{model}_{stage}", levels.get(model, 0.004))


def tables_of(metrics, sweep=None, extra=(), budgets=(), **more):
    """All tables of a study, by the functions that the workflow uses."""
    made = {"metrics": metrics, "sweep": make_frame("sweep") if sweep is None else sweep, **more}
    judged = judge_tables(made, read_published(), extra, budgets=budgets)
    return StudyTables.complete({"choices": make_choices(metrics), **made, **judged})


def findings_of(metrics, problems=(), **more):
    """Findings of a study with these metrics."""
    return gather_findings(tables_of(metrics, **more), problems)


def documents_of(metrics, problems=(), study="study", **more):
    """The documents of a study with these metrics."""
    tables = tables_of(metrics, **more)
    return compose_verdict(gather_findings(tables, problems), tables, study, problems)


def found(findings, question, **where):
    """Rows of findings on a question."""
    return rows_where(findings, question=question, **where)


def words(rows, column="verdict"):
    """A column of findings, by n."""
    return rows.sort_values("n")[column].tolist()


def part_findings(names, problems=(), **settings):
    """Findings of a study of these models on one data set."""
    return findings_of(make_metrics(names=names, **{**ONE, **settings}), problems)


def described(dataset, protocol="article", projections="trained", **settings):
    about = {"dataset": dataset, "protocol": protocol, "track": "main"}
    return {**about, "projections": projections, "settings": settings}


def make_choices(metrics):
    """What tuning chose, by the contract "choices"; the same for every second seed."""
    keys = ["dataset", "qubits", "protocol", "n", "seed", "model"]
    rows = metrics[metrics["model"].isin(["linear_tuned", "quantum_tuned"])][keys].copy()
    ways = ({"layers": 2, "steps": 40}, {"layers": 20, "steps": 90})
    rows["choice"] = [json.dumps(ways[seed % 2]) for seed in rows["seed"]]
    rows["validation_loss"], rows["candidates"] = 0.1, 8
    return rows[CONTRACTS["choices"].scalars()]


def make_trainability(trained, layers=(1, 2, 4), ranges=(0.5, 1.0), seeds=10):
    """Trainability by the contract, ``trained(layers, range)`` seeds of each cell being so."""
    rows = [
        (depth, bound, seed, 1e-6 if seed < trained(depth, bound) else 1e-3)
        for depth, bound, seed in product(layers, ranges, range(seeds))
    ]
    varied = pd.DataFrame(rows, columns=["layers", "angle_range", "seed", "heldout_loss"])
    return varied.assign(qubits=6, n=50, train_loss=0.0, mean_heldout_loss=1e-3, diverged=False)
