"""Measure how a training step's cost grows with qubits, seeds and features, and a run's with n.

Steps are of whole models, forward, backward and Adam, in turn, on one thread; what grows with n is
read off the metrics of a finished study. Of each, a power law is fitted: milliseconds ~ size ** b.

    python workflow/benchmarks/growth.py --metrics results/default/metrics.parquet
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import numpy as np
import pandas as pd

from qdistill.circuits.threads import prepare_torch
from qdistill.cost.steps import model_step
from qdistill.cost.timing import time_interleaved
from qdistill.storage.tables import read_frame

_MODELS = ("classical", "quantum")
_USUAL = {"qubits": 6, "seeds": 10, "features": 256}
_GRIDS: Mapping[str, tuple[int, ...]] = {
    "qubits": (4, 5, 6, 7, 8),
    "seeds": (1, 2, 5, 10, 20),
    "features": (128, 256, 512, 1024),
}
_LAYERS, _BATCH, _ROUNDS = 20, 32, 15


def time_steps(what: str) -> Iterator[tuple[str, str, int, float]]:
    """Time both models at each value of one size: model, size, value, milliseconds."""
    steps = {}
    for value in _GRIDS[what]:
        sizes = {**_USUAL, what: value}
        if what == "qubits":
            sizes["features"] = 4 * 2**value  # as the data sets have it
        for name in _MODELS:
            steps[name, value] = model_step(
                name, layers=_LAYERS, batch=_BATCH, engine="auto", **sizes
            )
    for (name, value), milliseconds in time_interleaved(steps, _ROUNDS).items():
        yield name, what, value, milliseconds


def read_runs(path: str) -> Iterator[tuple[str, str, int, float]]:
    """Read the time of one seed's training at each n off a study's metrics: as the steps'."""
    metrics = read_frame("metrics", path)
    metrics = metrics[metrics["model"].isin(_MODELS) & (metrics["measure"] == "mse")]
    keys = ["model", "dataset", "protocol"]
    for (model, dataset, protocol), rows in metrics.groupby(keys):
        for n, seconds in rows.groupby("n")["train_seconds"].mean().items():
            yield model, f"n, {dataset} {protocol}", n, 1e3 * seconds


def tabulate(rows: Iterable[tuple[str, str, int, float]]) -> pd.DataFrame:
    """Return a row for each model and size: milliseconds at each value, and the exponent."""
    table = pd.DataFrame(rows, columns=["model", "what", "value", "milliseconds"])
    found = []
    for (what, model), own in table.groupby(["what", "model"], sort=False):
        sizes = 2 ** own["value"] if what == "qubits" else own["value"]
        slope = np.nan
        if len(own) > 1:
            slope = np.polyfit(np.log(sizes.astype(float)), np.log(own["milliseconds"]), 1)[0]
        cells = ", ".join(f"{v:g}: {t:.3g}" for v, t in own[["value", "milliseconds"]].to_numpy())
        found.append({"grows with": what, "model": model, "exponent": slope, "milliseconds": cells})
    return pd.DataFrame(found)


def main() -> None:
    """Print the table, and the versions that it was made with."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--metrics", help="of a finished study, for what grows with n")
    path = parser.parse_args().metrics
    prepare_torch(threads=1)
    rows = [row for what in _GRIDS for row in time_steps(what)]
    rows += read_runs(path) if path else []
    print("exponent of 2 ** qubits, of seeds together, of features, and of n")
    print(tabulate(rows).to_string(index=False, float_format="%.2f"))
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy")))


if __name__ == "__main__":
    main()
