"""What circuits lose when they are measured, and whether students of counts win it back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.families import compare_family
from qdistill.judgement.pairing import CONDITION
from qdistill.judgement.statistics import paired_ratio
from qdistill.storage.contracts.devices import EXACT
from qdistill.storage.tables import make_frame

STAGE = "measured"
MOST_GAINED = 0.95
_RUN = ["problem", "method", "shots", "seed"]
_SPENT = ("teacher", "noise", "mitigation", "total", "shots", "rows")
# The student, and the circuit as measured, beside all else.
_CHALLENGERS = ("student", "teacher", "student_refitted", "teacher_refitted")


def count_shots(measured: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Find the shots at which the expected error is within a share of the exact one.

    The table is by the contract "measured", what is returned by "shots_needed". A row's expected
    error is that without a limit of shots, the floor, and what falls as one over the shots; the
    exact one is without noise besides. A seed whose floor is not within the share has no such
    number: where that is so of all, the verdict is ``out of reach``, of some, ``undecided``.
    """
    rows = []
    keys = [*CONDITION, "model"]
    for key, of_model in measured.groupby(keys, sort=True):
        without = of_model[(of_model["noise"] == "none") & (of_model["shots"] == EXACT)]
        exact = without.set_index("seed").sort_index()
        for about, own in of_model.groupby(["noise", "mitigation"], sort=True):
            where = dict(zip((*keys, "noise", "mitigation"), (*key, *about), strict=True))
            rows.append({**where, **_reach(own, exact, tolerance)})
    return make_frame("shots_needed", rows)


def _reach(own: pd.DataFrame, without: pd.DataFrame, tolerance: float) -> dict[str, Any]:
    exact, unlimited = without["expected_loss"], own[own["shots"] == EXACT].set_index("seed")
    refitted = paired_ratio(unlimited["refitted_loss"].sort_index(), without["refitted_loss"])
    wide = own.pivot(index="seed", columns="shots", values="expected_loss").sort_index()
    floor, most = wide[EXACT], max(wide.columns)
    ratio = paired_ratio(floor, exact)
    spread = (wide[most] - floor) * most  # what one shot a row would add
    room = (1 + tolerance) * exact - floor
    needed = (spread / room.where(room > 0)).to_numpy()
    found: dict[str, Any] = {
        "seeds": len(wide),
        "diverged": int(own.groupby("seed")["diverged"].any().sum()),
    }
    found |= {"exact_loss": exact.mean(skipna=False), "tolerance": tolerance}
    found |= ratio.columns("floor_ratio", "floor") | refitted.columns("refitted_ratio", "refitted")
    reached = paired_ratio(needed, np.ones(len(needed)))
    if not np.isfinite(ratio.estimate) or most == EXACT:
        verdict = "undefined"
    elif np.isfinite(needed).all():
        verdict = "in reach"
    else:
        verdict = "undecided" if np.isfinite(needed).any() else "out of reach"
    return {**found, **reached.columns("shots_needed"), "verdict": verdict}


def compare_measured(students: pd.DataFrame, margins: Margins = MARGINS) -> pd.DataFrame:
    """Compare students of counts, and the circuit as measured, with each other and all else.

    The table is by the contract "measured_students", what is returned by "measured_comparisons";
    see :mod:`qdistill.judgement.families` for its columns. All pairs of one way to measure and to
    spend are one family. Raises DataError if a seed has one of two compared models and not the
    other.
    """
    rows = []
    for key, condition in students.groupby([*CONDITION, *_SPENT], sort=True):
        where = dict(zip((*CONDITION, *_SPENT), key, strict=True))
        runs = {
            (str(model), STAGE): own.set_index("seed").sort_index()
            for model, own in condition.groupby("model", sort=False)
        }
        pairs = [
            ((ours, STAGE), other)
            for place, ours in enumerate(_CHALLENGERS)
            for other in runs
            if (ours, STAGE) in runs and other[0] not in _CHALLENGERS[: place + 1]
        ]
        named = "heldout_loss", "measured_students", margins
        rows += [{**where, **row} for row in compare_family(condition, runs, pairs, *named)]
    return make_frame("measured_comparisons", rows)


def find_reached(table: pd.DataFrame, errors: Mapping[str, float]) -> pd.DataFrame:
    """Find what each run had taken when its held-out error first was at or below its problem's.

    The table is one of the contract "shot_training". Returned is a row for each problem, method,
    number of shots and seed, with ``executions`` and ``total_shots``, missing of what never was.
    """
    below = table[table["heldout_loss"] <= table["problem"].map(errors)]
    first = below.sort_values("step").groupby(_RUN)[["executions", "total_shots"]].first()
    runs = pd.MultiIndex.from_frame(table[_RUN].drop_duplicates())
    return first.reindex(runs).reset_index()


def wanted_errors(table: pd.DataFrame) -> dict[str, float]:
    """Compute the error of each problem at which :data:`MOST_GAINED` of what is to be had is.

    That is what the exact gradient gains from its start to its end, the means over the seeds.
    """
    exact = table[table["method"] == "exact"].sort_values("step").groupby(["problem", "seed"])
    ends = exact["heldout_loss"].agg(["first", "last"]).groupby("problem").mean()
    return (ends["first"] - MOST_GAINED * (ends["first"] - ends["last"])).to_dict()
