"""A table of downstream measures beside some metrics, with values that are chosen."""

import numpy as np
import pandas as pd

from qdistill.storage.tables import make_frame
from qdistill.study.registry import stages_of

_KEYS = ["dataset", "qubits", "protocol", "n", "seed"]
_SETTINGS = {"metric": "cosine", "neighbours": 10, "queries": 800, "examples_per_class": 5}
_PROBE = {"classes": 30, "probe_rows": 741, "probe_chance": 0.139}
_NO_PROBE = {"classes": 0, "probe_rows": 0, "probe_chance": np.nan, "probe_accuracy": np.nan}
_WITHOUT_CODES = ("mean", "pca_cv", "oracle")


def make_downstream(
    metrics, recall=None, accuracy=None, noise=0.005, reason=None, random_seed=0
) -> pd.DataFrame:
    """Downstream measures of everything in some metrics, and of the full vectors.

    Means of recall and of the probe's accuracy are by name, 0.5 for those not named. The noise is
    on top of twice that which a seed's codes share; ``reason`` is why there is no probe.
    """
    recall, accuracy = recall or {}, accuracy or {}
    generator = np.random.default_rng(random_seed)
    rows = []
    for key, _ in metrics.groupby(_KEYS, sort=True):
        where = dict(zip(_KEYS, key, strict=True))
        shared = 2 * noise * generator.standard_normal(2)
        names = [name for name in dict.fromkeys(metrics["model"]) if name not in _WITHOUT_CODES]
        for name in ("raw", *names):
            values = np.array([recall.get(name, 0.5), accuracy.get(name, 0.5)])
            values = np.clip(values + shared + noise * generator.standard_normal(2), 0, 1)
            stage = "trained" if name == "raw" else stages_of(name)[-1]
            found = {"recall": 1.0 if name == "raw" else values[0], "diverged": False}
            found |= _NO_PROBE if reason else {**_PROBE, "probe_accuracy": values[1]}
            found |= {**_SETTINGS, "probe_undefined": reason}
            rows.append({**where, "model": name, "stage": stage, **found})
    return make_frame("downstream", rows)


def lose_codes(table, model, n, seed) -> pd.DataFrame:
    """The same table with the codes of one run not finite."""
    hit = (table["model"] == model) & (table["n"] == n) & (table["seed"] == seed)
    lost = {name: table[name].mask(hit) for name in ("recall", "probe_accuracy")}
    return table.assign(**lost, diverged=table["diverged"] | hit)
