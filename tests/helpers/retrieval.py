"""A table of codes in fewer bytes beside some metrics, with recalls that are chosen."""

import numpy as np
import pandas as pd

from qdistill.storage.tables import make_frame
from qdistill.study.registry import stages_of

_KEYS = ["dataset", "qubits", "protocol", "n", "seed"]
# Bytes of codes of 64 numbers, and of what is not trained.
TRAINED = {"float32": 256, "float16": 128, "int8": 64, "binary": 8}
UNTRAINED = {("raw", "float32"): 1536, ("raw", "binary"): 48, ("pca", "int8"): 64}
UNTRAINED |= {("pca", "float32"): 48, ("pq_pool", "product"): 64}
_WITHOUT_CODES = ("mean", "pca", "pca_cv", "oracle")


def make_retrieval(metrics, recall=None, noise=0.005, random_seed=0) -> pd.DataFrame:
    """What is found by everything trained in some metrics, and by rivals without training.

    Means of recall are by ``method`` or ``method form``, 0.5 for those not named; the full vectors
    as float32 find everything. Bits find half, and what is rescored finds 0.02 more.
    """
    recall, generator, rows = recall or {}, np.random.default_rng(random_seed), []
    for key, _ in metrics.groupby(_KEYS, sort=True):
        where = dict(zip(_KEYS, key, strict=True))
        names = [name for name in dict.fromkeys(metrics["model"]) if name not in _WITHOUT_CODES]
        stores = {(name, form): size for name in names for form, size in TRAINED.items()}
        for (name, form), size in {**stores, **UNTRAINED}.items():
            whole = recall.get(name, 0.5) * (0.5 if form == "binary" else 1)
            mean = recall.get(f"{name} {form}", whole)
            for rescored in (False, True) if form in ("binary", "product") else (False,):
                value = mean + 0.02 * rescored + noise * generator.standard_normal()
                value = 1.0 if (name, form) == ("raw", "float32") else np.clip(value, 0, 1)
                row = {"method": name, "form": form, "rescored": rescored, "bytes": size}
                row |= {"stage": "trained" if name not in names else stages_of(name)[-1]}
                row |= {"width": 64 if name in names else size, "recall": value}
                row |= {"probe_accuracy": 0.3, "diverged": False}
                row |= {"fit_seconds": 0.2, "apply_microseconds": 3.0}
                row |= {"metric": "cosine", "neighbours": 10, "queries": 800}
                rows.append({**where, **row})
    return make_frame("retrieval", rows)


def lose_recall(table, method, n, seed) -> pd.DataFrame:
    """The same table with the codes of one run not finite."""
    hit = (table["method"] == method) & (table["n"] == n) & (table["seed"] == seed)
    return table.assign(recall=table["recall"].mask(hit), diverged=table["diverged"] | hit)
