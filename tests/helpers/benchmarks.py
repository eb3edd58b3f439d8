"""Files of benchmarks as qml-benchmarks has them, made here."""

import numpy as np
import pandas as pd

from helpers.configuration import changes_of
from qdistill.storage.tables import make_frame

SHIPPED = "studies/qml-benchmarks.yaml"


def write_benchmarks(path, names, rows=(24, 12), width=4, **changes):
    """Write data sets whose class is the sign of the first feature; names are (suite, data set)."""
    generator, parts = np.random.default_rng(5), []
    for suite, data_set in names:
        features = generator.normal(size=(sum(rows), width))
        parts.append(
            pd.DataFrame(
                {
                    "suite": suite,
                    "data_set": data_set,
                    "split": ["train"] * rows[0] + ["test"] * rows[1],
                    "features": features.tolist(),
                    "label": np.where(features[:, 0] > 0, 1, -1),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True).assign(**changes)
    table.to_parquet(path, index=False)
    return table


def write_shipped(folder):
    """Write the file that the shipped study names, with rows of the same number and width."""
    entries = changes_of(SHIPPED)["datasets"]
    names = [(each["suite"], each["data_set"]) for each in entries]
    write_benchmarks(folder / entries[0]["path"], names, (240, 60), 10)


RANKED = (("ours", "quantum"), ("ours", "logistic"), ("published", "SVC"), ("published", "mean"))


def make_scores(sets=30):
    """Accuracies of which the last model's are far below and the others' alike."""
    generator = np.random.default_rng(7)
    rows = [
        {
            **{"suite": "s", "data_set": f"d{place}", "origin": origin, "model": model},
            **{"protocol": "regularised" if origin == "ours" else None, "n": 10},
            **{"data_sets": 1, "seeds": 5, "is_training": False},
            "accuracy": 0.1 if (origin, model) == RANKED[-1] else generator.uniform(0.5, 1.0),
        }
        for place in range(sets)
        for origin, model in RANKED
    ]
    return make_frame("benchmark_scores", rows)
