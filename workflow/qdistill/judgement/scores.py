"""Paired comparisons of how well classes are told: accuracy and macro-F1, higher being better."""

import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import compare_family
from qdistill.judgement.pairing import CONDITION
from qdistill.storage.tables import make_frame
from qdistill.study.registry import family_of

SCORES = ("heldout_accuracy", "heldout_macro_f1")


def compare_scores(metrics: pd.DataFrame, margins: Margins = MARGINS) -> pd.DataFrame:
    """Compare every trained circuit with every other model and student, paired by seed.

    The table that is returned is by the contract "score_comparisons"; see
    :mod:`qdistill.judgement.families` for its columns. All pairs of one circuit at one condition
    and measure are one family. Raises DataError if a seed has one of two compared models and not
    the other.
    """
    rows = []
    told = metrics[metrics["task"] == "classify"]
    for key, condition in told.groupby(list(CONDITION), sort=True):
        where = dict(zip(CONDITION, key, strict=True))
        runs = {
            run: part.set_index("seed").sort_index()
            for run, part in condition.groupby(["model", "stage"], sort=True)
        }
        for circuit in [run for run in runs if family_of(run[0]) == "quantum"]:
            pairs = [(circuit, run) for run in runs if run != circuit]
            for measure in SCORES:
                found = compare_family(condition, runs, pairs, measure, margins=margins)
                rows += [{**where, "measure": measure, **row} for row in found]
    return make_frame("score_comparisons", rows)
