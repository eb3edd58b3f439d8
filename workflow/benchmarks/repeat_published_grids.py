r"""Choose settings of SVC and MLPClassifier as Bowles, Ahmed and Schuld did, and score them.

Grids, cross-validation and seeds are those of qml-benchmarks 0.1 (arXiv 2403.07059): the accuracy
in five folds of the training rows chooses, and five fits with the seeds 0 to 4 are scored on the
held-out rows. Nothing is standardised. Beside ours stand the published accuracies on held-out and
on training rows. With `--oracle` the held-out rows themselves choose besides: more than that no
setting of the grid can have. A data set takes SVC a second and MLPClassifier a few minutes.

    python workflow/benchmarks/repeat_published_grids.py qml_benchmarks_data.parquet \
        --suites two_curves_diff --models SVC --oracle
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # read as NumPy starts

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from qdistill.judgement.benchmarks import read_scores

Rows = tuple[np.ndarray, np.ndarray]  # features (rows, D), labels (rows,)

_SUITES = ("hidden_manifold_diff", "hyperplanes_diff", "two_curves_diff")
_SEEDS = range(5)
_FOLDS = 5
_SEARCH_SEED = 42
_MODELS: dict[str, tuple[Callable[..., Any], Mapping[str, list[Any]]]] = {
    "SVC": (SVC, {"gamma": [0.001, 0.01, 0.1, 1.0], "C": [0.1, 1.0, 10.0, 100.0]}),
    "MLPClassifier": (
        lambda **settings: MLPClassifier(max_iter=3000, **settings),
        {
            "batch_size": [32],
            "learning_rate_init": [0.001, 0.01, 0.1],
            "hidden_layer_sizes": [(100,), (10, 10, 10, 10), (50, 10, 5)],
            "alpha": [0.01, 0.001, 0.0001],
        },
    ),
}


def read_rows(path: Path, data_set: str) -> tuple[Rows, Rows]:
    """Read the rows of a data set to train and to test on."""
    frame = pd.read_parquet(path, filters=[("data_set", "==", data_set)])
    parts = [frame[frame["split"] == split] for split in ("train", "test")]
    train, test = ((np.stack(part["features"]), part["label"].to_numpy()) for part in parts)
    return train, test


def list_data_sets(suites: list[str], wanted: list[str], every: int) -> pd.DataFrame:
    """List data sets with their suites: those wanted, or every so many of each suite."""
    known = read_scores()[["suite", "data_set"]].drop_duplicates()
    # Files of one suite had another name once; the scores are there under both.
    known = known[~known["data_set"].str.startswith("two_manifold")]
    if wanted:
        return known[known["data_set"].isin(wanted)]
    known = known[known["suite"].isin(suites)]
    return known[known.groupby("suite").cumcount() % every == 0]


def score(model: str, settings: Mapping[str, Any], train: Rows, test: Rows, seed: int) -> list:
    """Fit a model and return its accuracies on held-out and on training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of steps that did not converge
        fitted = _MODELS[model][0](**settings, random_state=seed).fit(*train)
    return [fitted.score(*test), fitted.score(*train)]


def score_settings(
    model: str, settings: list[Mapping[str, Any]], rows: tuple[Rows, Rows], cores: int
) -> np.ndarray:
    """Return accuracies of each setting, mean over seeds: (settings, held-out and training)."""
    jobs = (delayed(score)(model, each, *rows, seed) for each in settings for seed in _SEEDS)
    found = np.array(Parallel(n_jobs=cores)(jobs))
    return found.reshape(len(settings), len(_SEEDS), 2).mean(axis=1)


def repeat(model: str, rows: tuple[Rows, Rows], cores: int, oracle: bool) -> dict[str, Any]:
    """Choose settings inside the training rows, and score them."""
    make, grid = _MODELS[model]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(
            make(random_state=_SEARCH_SEED), grid, cv=_FOLDS, n_jobs=cores, refit=False
        ).fit(*rows[0])
    held, kept = score_settings(model, [search.best_params_], rows, cores)[0]
    found = {"validated": search.best_score_, "held out": held, "training": kept}
    if oracle:
        found["oracle"] = score_settings(model, list(ParameterGrid(grid)), rows, cores)[:, 0].max()
    return found


def tabulate(given: argparse.Namespace) -> pd.DataFrame:
    """Repeat what is asked for, print each row as it is found, and return the table."""
    published, table = read_scores().set_index(["data_set", "model"]), []
    for _, named in list_data_sets(given.suites, given.data_sets, given.every).iterrows():
        rows = read_rows(given.path, named["data_set"])
        for model in given.models:
            began, theirs = time.perf_counter(), published.loc[(named["data_set"], model)]
            row = {**named, "model": model, **repeat(model, rows, given.cores, given.oracle)}
            row["published held out"] = theirs["test_accuracy"]
            row["published training"] = theirs["train_accuracy"]
            table.append({**row, "seconds": time.perf_counter() - began})
            line = pd.DataFrame(table[-1:]).round(4).to_csv(index=False, header=len(table) == 1)
            print(line, end="", flush=True)
    return pd.DataFrame(table)


def main() -> None:
    """Print accuracies by data set as they are found, and means by suite at the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, help="the file of the data sets")
    parser.add_argument("--suites", nargs="+", choices=_SUITES, default=list(_SUITES))
    parser.add_argument("--data-sets", nargs="+", default=[], help="these alone, of any suite")
    parser.add_argument("--models", nargs="+", choices=list(_MODELS), default=list(_MODELS))
    parser.add_argument("--every", type=int, default=1, help="of each suite, every so many")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--oracle", action="store_true", help="held-out rows choose besides")
    whole = tabulate(parser.parse_args()).drop(columns="data_set").groupby(["suite", "model"])
    print(whole.mean().assign(data_sets=whole.size()).round(4).to_string())


if __name__ == "__main__":
    main()
