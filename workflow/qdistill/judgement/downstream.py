"""Paired comparisons of what codes are good for."""

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import compare_family
from qdistill.judgement.pairing import CONDITION
from qdistill.storage.tables import make_frame
from qdistill.study.registry import RAW

# Measure -> what every code is compared with. The full vectors define whose neighbours are
# right, so their recall is 1 and nothing is to be tested there.
BASELINES: dict[str, tuple[str, ...]] = {"recall": ("pca",), "probe_accuracy": ("pca", RAW)}


def compare_downstream(table: pd.DataFrame, margins: Margins = MARGINS) -> pd.DataFrame:
    """Compare every code with PCA codes and with the full vectors, paired by seed.

    The table that is returned is by the contract "downstream_comparisons"; see
    :mod:`qdistill.judgement.families` for its columns. All challengers of one baseline at one
    condition and measure are one family, since the question is whether *any* code is better. PCA
    codes are a challenger of the full vectors. A probe that the data set does not allow has no
    rows. Raises DataError if a seed has one of two compared codes and not the other.
    """
    rows = []
    for key, condition in table.groupby(list(CONDITION), sort=True):
        where = dict(zip(CONDITION, key, strict=True))
        runs = {
            run: part.set_index("seed").sort_index()
            for run, part in condition.groupby(["model", "stage"], sort=True)
        }
        for measure, baselines in BASELINES.items():
            if measure == "probe_accuracy" and condition["probe_undefined"].notna().all():
                continue
            for name in baselines:
                baseline = (name, "trained")
                # the full vectors are never a challenger
                others = [run for run in runs if run[0] not in (RAW, name) and baseline in runs]
                pairs = [(run, baseline) for run in others]
                found = compare_family(condition, runs, pairs, measure, "downstream", margins)
                rows += [{**where, "measure": measure, **row} for row in found]
    return make_frame("downstream_comparisons", rows)
