"""Families of paired tests: what is compared at one condition, corrected together.

In each row, ``difference`` is challenger - baseline with 95 % Student t limits, and ``ratio`` the
geometric mean of challenger / baseline with the limits of the mean log-ratio. ``p_holm`` is
corrected over the family. ``verdict`` is

- ``better`` where the challenger's value is the better one, ``p_holm`` is below 0.05 and the
  interval excludes zero, and ``worse`` by the same rule where it is not;
- ``not distinguishable`` where these seeds do not tell the two apart, which does not show that
  they are the same; ``seeds_needed`` says how many seeds would tell them apart if they differ as
  observed (:func:`qdistill.judgement.power.seeds_needed`, at the level at which Holm's procedure
  tests the pair);
- ``undefined`` where there are no limits: fewer than two seeds, no spread, or a diverged run
  without a finite value, which is never dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.pairing import Run, check_same_seeds
from qdistill.judgement.power import ALPHA, holm_levels, seeds_needed
from qdistill.judgement.statistics import holm, paired_interval, paired_ratio

Pair = tuple[Run, Run]  # challenger and baseline


def compare_family(
    condition: pd.DataFrame,
    runs: Mapping[Run, pd.DataFrame],
    pairs: Sequence[Pair],
    measure: str = "heldout_loss",
    table: str = "metrics",
) -> list[dict[str, Any]]:
    """Compare pairs of models at one condition, as one family of tests: a row for each, see above.

    Runs have columns ``measure`` and ``diverged`` and are indexed by seed; every measure but
    ``heldout_loss`` is better where it is higher. The condition's rows and the name of their table
    are for the message. Raises DataError if a seed has one of two paired models and not the other.
    """
    rows, differences = [], []
    for challenger, baseline in pairs:
        ours, theirs = runs[challenger], runs[baseline]
        check_same_seeds(condition, ours.index, theirs.index, (challenger, baseline), table)
        values, others = ours[measure].to_numpy(), theirs[measure].to_numpy()
        with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, is NaN
            differences.append(values - others)
        diverged = int((ours["diverged"] | theirs["diverged"]).sum())
        named = dict(challenger=challenger[0], challenger_stage=challenger[1])
        named |= dict(baseline=baseline[0], baseline_stage=baseline[1])
        paired = _compare_pair(values, others, differences[-1])
        rows.append({**named, "seeds": len(ours), "diverged": diverged, **paired})
    _correct(rows, differences, 1 if measure == "heldout_loss" else -1)
    return rows


def _compare_pair(values: np.ndarray, others: np.ndarray, differences: np.ndarray) -> dict:
    """Return all of a row that does not depend on the rest of its family."""
    difference, ratio = paired_interval(differences), paired_ratio(values, others)
    return {
        "mean_challenger": values.mean(),
        "mean_baseline": others.mean(),
        **difference.columns("difference"),
        **ratio.columns("ratio", "ratio"),
        "p_value": difference.p_value,
    }


def _correct(rows: list[dict], differences: list[np.ndarray], sign: int) -> None:
    """Add what depends on the family; ``sign`` is that of a difference to the worse."""
    p_values = [row["p_value"] for row in rows]
    adjusted, levels = holm(p_values), holm_levels(p_values)
    for row, values, p_holm, level in zip(rows, differences, adjusted, levels, strict=True):
        row["p_holm"] = p_holm
        low, high = sorted((sign * row["ci_low"], sign * row["ci_high"]))
        row["verdict"] = _verdict(low, high, p_holm)
        open_question = row["verdict"] == "not distinguishable"
        row["seeds_needed"] = seeds_needed(values, level) if open_question else np.nan


def _verdict(low: float, high: float, p_holm: float) -> str:
    """Return what the limits of a difference to the worse show."""
    if np.isnan([low, high]).any():
        return "undefined"
    if p_holm < ALPHA and high < 0:
        return "better"
    return "worse" if p_holm < ALPHA and low > 0 else "not distinguishable"
