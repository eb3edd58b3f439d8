"""A finished study of made-up results, its import into MLflow, and what the store then holds."""

import json
import math
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy

from helpers.metrics import make_row
from helpers.names import STUDENTS
from qdistill.storage.tables import write_table
from qdistill.study.registry import stages_of
from qdistill.tracking.store import CONNECTION
from qdistill.tracking.sync import ModelRuns, sync_runs, sync_study
from qdistill.tracking.writer import KEY, OUTCOMES

STUDY = "small"
METRICS = Path("results/small/metrics.parquet")
CHOICES = Path("results/small/choices.parquet")
LATENTS = Path("data/synthetic-4q/latents.parquet")
FIGURE = Path("results/small/figures/crossover.svg")
RUNS_RECEIPT = Path("results/small/mlflow_runs.json")
RECEIPT = Path("results/small/mlflow.json")
MODELS = ("mean", "classical", "linear_tuned", "quantum", "unitary_re", "distilled_pool")
STAGES = {model: stages_of(model) for model in MODELS}
TRAINING = {
    "synthetic-4q/article/quantum": {"epochs": 3, "layers": 20},
    "synthetic-4q/article/classical": {"epochs": 3},
    "synthetic-4q/regularised/quantum": {"steps": 9000},
}
EPOCHS = 4
PROBLEM = {"dataset": "synthetic-4q", "qubits": 4}

# Of rows, by whichever way they were written: identifiers, and the time.
DRAWN = ("run_uuid", "timestamp", "start_time", "end_time", "artifact_uri", "experiment_id")
DRAWN += ("dataset_uuid", "input_uuid", "source_id", "destination_id")
TABLES = ("runs", "tags", "params", "metrics", "latest_metrics", "inputs", "datasets")

# By MLflow's client, as with a server: a run is half written. Into the file: a transaction is.
KILL_IN_SEVENTH_RUN = """
import contextlib, os, signal
from qdistill.tracking import writer
writer.open_database = lambda uri: contextlib.nullcontext()
from mlflow import MlflowClient
real, calls = MlflowClient.log_batch, []
def dying(self, *args, **kwargs):
    calls.append(args)
    if len(calls) == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *args, **kwargs)
MlflowClient.log_batch = dying
"""
KILL_IN_THIRD_TRANSACTION = """
import os, signal
from sqlalchemy import Connection, Insert
from qdistill.tracking import bulk
bulk._RUNS_AT_ONCE, real, tables = 3, Connection.execute, []
def dying(self, statement, *args, **kwargs):
    if isinstance(statement, Insert):
        tables.append(statement.table.name)
    if tables.count("runs") == 3 and tables[-1] == "metrics":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, statement, *args, **kwargs)
Connection.execute = dying
"""


def make_metrics(sizes=(100,), seeds=2, models=MODELS, protocols=("article",)):
    rows = [
        {
            **make_row("synthetic-4q", protocol, n, seed, model, stage, heldout=0.0),
            "train_loss": 0.5 / n + 0.01 * seed,
            "heldout_loss": 1.0 / n + 0.02 * seed + 0.1 * place,
            **{"general_loss": math.nan, "bits_per_character": math.nan},
            "teacher_r2": 0.9 - 0.1 * seed if model in STUDENTS else math.nan,
            "train_seconds": 1.5,
        }
        for protocol in protocols
        for n in sizes
        for seed in range(seeds)
        for place, model in enumerate(models)
        for stage in STAGES[model]
    ]
    return pd.DataFrame(rows)


def make_choices(seeds=2):
    """The choices of ``linear_tuned``: seeds agree on the kind, and not on the rank."""
    seed = np.arange(seeds)
    chosen = [json.dumps({"kind": "low_rank", "rank": 4 * (1 + each)}) for each in range(seeds)]
    key = {**PROBLEM, "protocol": "article", "n": 100, "seed": seed, "model": "linear_tuned"}
    errors = 0.02 + 0.01 * seed
    return pd.DataFrame({**key, "choice": chosen, "validation_loss": errors, "candidates": 30})


def make_history(seeds=2, scale=1.0, n=100, model="quantum", protocol="article"):
    epochs = np.tile(np.arange(EPOCHS), seeds)
    seed = np.repeat(np.arange(seeds), EPOCHS)
    losses = scale * (1 + seed) / (1 + epochs)
    key = {**PROBLEM, "protocol": protocol, "n": n, "model": model, "seed": seed, "epoch": epochs}
    errors = {"train_loss": losses, "heldout_loss": 2 * losses, "validation_loss": np.nan}
    return pd.DataFrame({**key, **errors, "seconds": 0.1 * epochs})


def history_path(model, protocol="article"):
    return Path(f"results/small/synthetic-4q/{protocol}/{model}/seeds~0-1/history.parquet")


def write_study(metrics=None, histories=("quantum", "unitary_re")):
    metrics = make_metrics() if metrics is None else metrics
    write_table("metrics", METRICS, metrics, {})
    CHOICES.unlink(missing_ok=True)
    if "linear_tuned" in set(metrics["model"]):
        write_table("choices", CHOICES, make_choices(), {})
    for model in histories:
        write_table("history", history_path(model), make_history(model=model), {})
    LATENTS.parent.mkdir(parents=True, exist_ok=True)
    LATENTS.write_text("of these, the index has the digest alone")
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    FIGURE.write_text("<svg/>")
    Path("verdict.md").write_text("# Verdict\n\nQuantum loses to the mean.\n")
    Path("note.md").write_text("Quantum loses to the mean.\n")


def model_runs():
    histories = sorted(Path("results/small").rglob("history.parquet"))
    choices = CHOICES if CHOICES.exists() else None
    return ModelRuns(STUDY, METRICS, histories, TRAINING, choices, {PROBLEM["dataset"]: LATENTS})


def sync_the_runs(uri=None):
    return sync_runs(model_runs(), RUNS_RECEIPT, uri)


def sync_the_study(uri=None):
    figures, settings = [FIGURE], {"study": STUDY, "training": {"epochs": 3}}
    carried = (figures, ["verdict.md"], "note.md", settings)
    return sync_study(model_runs(), RUNS_RECEIPT, *carried, RECEIPT, uri)


def sync(uri=None):
    """Both halves, as the workflow runs them."""
    sync_the_runs(uri)
    return sync_the_study(uri)


def counts(receipt):
    return {outcome: receipt[outcome] for outcome in OUTCOMES}


def all_runs(client, receipt):
    """Runs of an experiment by their key; others are nobody's, or a user's."""
    runs = client.search_runs([receipt["experiment_id"]], max_results=1000)
    return {run.data.tags[KEY]: run for run in runs if KEY in run.data.tags}


def content(client, receipt):
    """All that a reader of the store sees, without the identifiers and times MLflow draws."""
    runs = all_runs(client, receipt)
    names = {run.info.run_id: key for key, run in runs.items()}
    found = {}
    for key, run in runs.items():
        tags = dict(run.data.tags)
        parent = tags.pop("mlflow.parentRunId", None)
        data = (run.data.params, run.data.metrics)
        inputs = [each.dataset.to_dictionary() for each in run.inputs.dataset_inputs]
        found[key] = (run.info.status, tags, names.get(parent, parent), *data, inputs)
    return found


def database_rows(path="results/mlflow.db"):
    with sqlite3.connect(path) as connection:
        tables = ["runs", "metrics", "latest_metrics", "params", "tags", "experiment_tags"]
        tables += ["datasets", "inputs"]
        return {t: sorted(map(repr, connection.execute(f"SELECT * FROM {t}"))) for t in tables}


def sync_in_a_process(preparation):
    """Sync in a process of its own, after running some code there."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{preparation}\n"
    code += "from helpers.tracking import sync\nsync()\n"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def hostile_variables(run, experiment):
    """Every variable that MLflow knows, as a user may have set it, but for those of connections.

    Whatever takes a name or an identifier is given the user's run, or else what is not the
    default.
    """
    from mlflow import environment_variables
    from mlflow.environment_variables import _BooleanEnvironmentVariable, _EnvironmentVariable

    found = {"MLFLOW_EXPERIMENT_ID": experiment, "MLFLOW_EXPERIMENT_NAME": "the user's own"}
    found |= {"MLFLOW_REGISTRY_URI": "sqlite:///users.db", "MLFLOW_LOGGING_LEVEL": "DEBUG"}
    found |= {"MLFLOW_RUN_CONTEXT": '{"mlflow.source.name": "theirs"}'}
    for variable in vars(environment_variables).values():
        if isinstance(variable, _BooleanEnvironmentVariable):
            found.setdefault(variable.name, "false" if variable.default else "true")
        elif isinstance(variable, _EnvironmentVariable) and "MLFLOW" in variable.name:
            found.setdefault(variable.name, "1" if variable.type is not str else run)
    return {name: value for name, value in found.items() if not name.startswith(CONNECTION)} | {
        "MLFLOW_REGISTRY_URI": found["MLFLOW_REGISTRY_URI"]
    }


def as_it_is(client, run):
    """All of a run that anyone could see, and the number of runs beside it."""
    now = client.get_run(run.info.run_id)
    beside = client.search_runs([run.info.experiment_id])
    return now.to_dictionary(), len(beside), now.outputs.model_outputs


def rows_of(uri, names):
    """All rows of the tables of runs, but for what is drawn or of the time of writing."""
    found = {}
    with sqlalchemy.create_engine(uri).connect() as connection:
        for table in TABLES:
            rows = connection.execute(sqlalchemy.text(f"SELECT * FROM {table}")).mappings()
            found[table] = sorted(
                repr(
                    {
                        **{key: value for key, value in row.items() if key not in DRAWN},
                        "run": names.get(row.get("run_uuid", row.get("destination_id"))),
                        "value": names.get(row.get("value"), row.get("value")),
                    }
                )
                for row in rows
            )
    return found
