"""Families of paired tests: what is compared at one condition, corrected together.

In each row, ``difference`` is challenger - baseline with 95 % Student t limits, and ``ratio`` the
geometric mean of challenger / baseline with the limits of the mean log-ratio. ``p_holm`` is
corrected over the family. ``verdict`` is

- ``better`` where the challenger's value is the better one, ``p_holm`` is below 0.05 and the
  interval excludes zero, and ``worse`` by the same rule where it is not;
- else ``equivalent`` where the two are shown to differ by less than ``margin``;
- ``not distinguishable`` where neither a difference nor equivalence is shown; ``seeds_needed`` says
  how many seeds would tell the two apart if they differ as observed
  (:func:`qdistill.judgement.power.seeds_needed`, at the level at which Holm's procedure tests the
  pair);
- ``undefined`` where there are no limits: fewer than two seeds, no spread, or a diverged run
  without a finite value, which is never dropped.

``p_equivalence`` is that of :func:`qdistill.judgement.equivalence.equivalence_p`, and
``equivalent`` holds where ``p_equivalence_holm``, corrected over the family too, is below 0.05. It
may hold of a pair that is told apart: the difference is shown, and to be small.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qdistill.judgement.equivalence import MARGINS, Margins, equivalence_p, scaled_differences
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
    margins: Margins = MARGINS,
) -> list[dict[str, Any]]:
    """Compare pairs of models at one condition, as one family of tests: a row for each, see above.

    Runs have columns ``measure`` and ``diverged`` and are indexed by seed; every measure but
    ``heldout_loss`` is better where it is higher. The condition's rows say what losses are, if they
    are not mean squared errors; they and the name of their table are for the message, too. Raises
    DataError if a seed has one of two paired models and not the other.
    """
    is_loss = measure == "heldout_loss"
    loss = condition.get("measure", pd.Series("mse")).iloc[0] if is_loss else None
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
        scaled, limit, margin = scaled_differences(values, others, loss, margins)
        paired |= {"margin": margin, "p_equivalence": equivalence_p(scaled, limit)}
        rows.append({**named, "seeds": len(ours), "diverged": diverged, **paired})
    _correct(rows, differences, 1 if is_loss else -1)
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
    small = holm([row["p_equivalence"] for row in rows])
    for row, values, p_holm, level, p_small in zip(
        rows, differences, adjusted, levels, small, strict=True
    ):
        row |= {"p_holm": p_holm, "p_equivalence_holm": p_small, "equivalent": p_small < ALPHA}
        low, high = sorted((sign * row["ci_low"], sign * row["ci_high"]))
        row["verdict"] = _verdict(low, high, p_holm, row["equivalent"])
        open_question = row["verdict"] == "not distinguishable"
        row["seeds_needed"] = seeds_needed(values, level) if open_question else np.nan


def _verdict(low: float, high: float, p_holm: float, is_equivalent: bool) -> str:
    """Return what the limits of a difference to the worse show, else whether equivalence is."""
    if np.isnan([low, high]).any():
        return "undefined"
    if p_holm < ALPHA and high < 0:
        return "better"
    if p_holm < ALPHA and low > 0:
        return "worse"
    return "equivalent" if is_equivalent else "not distinguishable"
