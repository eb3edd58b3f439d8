"""Time the sync of many runs into MLflow, and the load of the UI's page with them.

The study is made up, its tables are by the contracts. Stores are an SQLite file, a PostgreSQL
server's database written to directly, and MLflow's own server over such a database. PostgreSQL and
Chromium must be installed; both are started here, as the tests start them.

    PYTHONPATH=tests python workflow/benchmarks/time_index.py 10000 sqlite database server
"""

import argparse
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from helpers.browser import browser_page, browser_version
from helpers.metrics import make_metrics
from helpers.servers import postgres_version, running_mlflow, running_postgres
from qdistill.storage.files import write_text
from qdistill.storage.tables import write_table
from qdistill.study.registry import BOTTLENECKS, STUDENTS
from qdistill.tracking.sync import ModelRuns, sync_runs, sync_study

_STUDY, _EPOCHS, _LOADS = "pretended", 50, 5
_DATASETS, _SIZES = ("synthetic-6q", "docstrings"), (50, 100, 200, 500, 1000)
_MODELS = (
    *("mean", "pca", "pca_cv", "linear", "square", "frozen_circuit", "classical", "quantum"),
    *("separable", "compiled", "unitary_re", "random_dense", "distilled_pool"),
)
_FIRST_ROW = "Boolean(document.querySelector('.ag-center-cols-container .ag-row')?.innerText)"


def make_study(runs: int) -> ModelRuns:
    """Write the tables of a study of about so many runs into the working directory."""
    of_one_seed = len(make_metrics(_DATASETS, _SIZES, 1, _MODELS))
    metrics = make_metrics(_DATASETS, _SIZES, max(1, round(runs / of_one_seed)), _MODELS)
    write_table("metrics", "metrics.parquet", metrics, {})
    histories = []
    trained = metrics[metrics["model"].isin([*BOTTLENECKS, *STUDENTS])]
    for (dataset, model), rows in trained.groupby(["dataset", "model"]):
        if model == "compiled":
            continue  # not trained
        histories.append(Path(dataset, model, "history.parquet"))
        write_table("history", histories[-1], _history(rows), {})
    data = {name: Path(name, "latents.parquet") for name in _DATASETS}
    for path in data.values():
        write_text(path, "of these, the index has the digest alone")
    write_text("note.md", "A pretended study.\n")
    training = {
        f"{dataset}/article/{model}": {"epochs": _EPOCHS, "layers": 20, "learning_rate": 1e-3}
        for dataset in _DATASETS
        for model in trained["model"].unique()
    }
    return ModelRuns(_STUDY, "metrics.parquet", histories, training, data=data)


def _history(rows: pd.DataFrame) -> pd.DataFrame:
    """Return learning curves for runs of a model."""
    keys = ["dataset", "qubits", "protocol", "n", "model", "seed"]
    whole = rows[keys].drop_duplicates().merge(pd.Series(range(_EPOCHS + 1), name="epoch"), "cross")
    errors = np.random.default_rng(0).uniform(0.001, 0.01, (len(whole), 2))
    columns = dict(zip(("train_loss", "heldout_loss"), errors.T, strict=True))
    return whole.assign(**columns, validation_loss=np.nan, seconds=0.1 * whole["epoch"])


@contextlib.contextmanager
def open_kind(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the URI that a study is synced to, and the store that a server of the UI is over."""
    if kind == "sqlite":
        yield (uri := f"sqlite:///{folder}/mlflow.db"), uri
        return
    with running_postgres(durable=True) as database:
        if kind == "database":
            yield database, database
            return
        with running_mlflow(database, folder / "server", workers=4) as server:
            yield server, database


def time_syncs(study: ModelRuns, uri: str) -> tuple[dict[str, float], str]:
    """Time a sync of all runs and one with nothing to do; and the experiment's identifier."""
    found: dict[str, float] = {}
    for name, outcome in (("first sync, s", "created"), ("again, s", "unchanged")):
        began = time.perf_counter()
        receipt = sync_runs(study, "runs.json", uri)
        if "error" in receipt:
            raise SystemExit(receipt["error"])
        sync_study(study, "runs.json", [], ["note.md"], "note.md", {}, "receipt.json", uri)
        found[name] = time.perf_counter() - began
        found["runs"] = receipt[outcome]
    return found, receipt["experiment_id"]


def time_page(server: str, experiment: str, folder: Path) -> dict[str, float]:
    """Time the page of an experiment's runs until the first of them is there."""
    address = f"{server}/#/experiments/{experiment}/runs"
    with browser_page(folder) as page:
        times = [page.time_until(address, _FIRST_ROW) for _ in range(1 + _LOADS)]
    return {"first page, s": times[0], "page again, s": median(times[1:])}


def time_kind(kind: str, runs: int) -> dict[str, object]:
    """Time everything with one kind of store."""
    with tempfile.TemporaryDirectory() as temporary, contextlib.chdir(temporary):
        folder, study = Path(temporary), make_study(runs)
        with open_kind(kind, folder) as (uri, store):
            times, experiment = time_syncs(study, uri)
            with running_mlflow(store, folder / "ui", workers=4) as server:
                times |= time_page(server, experiment, folder / "profile")
    return {"store": kind, **times}


def main() -> None:
    """Print a table, the versions that it was made with, and how busy the machine was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=int)
    parser.add_argument("stores", nargs="+", choices=["sqlite", "database", "server"])
    arguments = parser.parse_args()
    rows = []
    for kind in arguments.stores:
        before = os.getloadavg()[1]
        rows.append(time_kind(kind, arguments.runs) | {"load before": before})
        print(rows[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.1f"))
    print(f"at most {peak:.0f} MB; {os.cpu_count()} cores; mlflow {version('mlflow')},")
    print(f"SQLAlchemy {version('SQLAlchemy')}, {postgres_version()}, {browser_version()}")


if __name__ == "__main__":
    main()
