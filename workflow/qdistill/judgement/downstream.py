"""Paired comparisons of what codes are good for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.judgement.pairing import CONDITION, Run, check_same_seeds
from qdistill.judgement.power import ALPHA, holm_levels, seeds_needed
from qdistill.judgement.statistics import holm, paired_interval
from qdistill.storage.tables import make_frame, read_frame, read_metadata, write_table
from qdistill.study.registry import RAW

# Measure -> what every code is compared with. The full vectors define whose neighbours are
# right, so their recall is 1 and nothing is to be tested there.
BASELINES: dict[str, tuple[str, ...]] = {"recall": ("pca",), "probe_accuracy": ("pca", RAW)}


def compare_downstream(table: pd.DataFrame) -> pd.DataFrame:
    """Compare every code with PCA codes and with the full vectors, paired by seed.

    Parameters
    ----------
    table : DataFrame
        By the contract "downstream".

    Returns
    -------
    DataFrame
        By the contract "downstream_comparisons". ``difference`` is challenger - baseline with
        95 % Student t limits. All challengers of one baseline at one condition and measure are
        one family for Holm's correction, since the question is whether *any* code is better.
        ``verdict`` is ``better`` where the challenger's value is higher, ``p_holm`` is below
        0.05 and the interval excludes zero; ``worse`` where it is lower by the same rule;
        ``not distinguishable`` where these seeds do not tell the two apart; ``undefined`` where
        there are no limits. PCA codes are a challenger of the full vectors. A probe that the
        data set does not allow has no rows.

    Raises
    ------
    DataError
        If a seed has one of two compared codes and not the other.
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
            for baseline in baselines:
                found = _compare_with((baseline, "trained"), measure, condition, runs)
                rows += [{**where, "measure": measure, **row} for row in found]
    return make_frame("downstream_comparisons", rows)


def write_downstream_comparisons(downstream_path: str | Path, path: str | Path) -> None:
    """Read a study's downstream measures and write their comparisons.

    Parameters
    ----------
    downstream_path, path : str or Path
        Tables by the contracts "downstream" and "downstream_comparisons".
    """
    table = compare_downstream(read_frame("downstream", downstream_path))
    settings = {"downstream": read_metadata(downstream_path).get("configuration_digest", "")}
    write_table("downstream_comparisons", path, table, settings)


def _compare_with(
    baseline: Run, measure: str, condition: pd.DataFrame, runs: dict[Run, pd.DataFrame]
) -> list[dict]:
    """Compare all codes with one baseline at one condition."""
    if baseline not in runs:
        return []
    theirs, rows, differences = runs[baseline], [], []
    for run, ours in runs.items():
        if run[0] in (RAW, baseline[0]):  # the full vectors are never a challenger
            continue
        names = (f"{run[0]} ({run[1]})", f"{baseline[0]} ({baseline[1]})")
        check_same_seeds(condition, ours.index, theirs.index, names, "downstream")
        difference = (ours[measure] - theirs[measure]).to_numpy()
        differences.append(difference)
        rows.append(_compared(run, baseline[0], measure, ours, theirs, difference))
    p_values = [row["p_value"] for row in rows]
    adjusted, levels = holm(p_values), holm_levels(p_values)
    for row, values, p_holm, level in zip(rows, differences, adjusted, levels, strict=True):
        row["p_holm"] = p_holm
        row["verdict"] = _verdict(row["ci_low"], row["ci_high"], p_holm)
        open_question = row["verdict"] == "not distinguishable"
        row["seeds_needed"] = seeds_needed(values, level) if open_question else np.nan
    return rows


def _compared(
    run: Run,
    baseline: str,
    measure: str,
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    difference: Sequence[float] | np.ndarray,
) -> dict:
    interval = paired_interval(difference)
    return {
        "challenger": run[0],
        "challenger_stage": run[1],
        "baseline": baseline,
        "seeds": len(ours),
        "diverged": int((ours["diverged"] | theirs["diverged"]).sum()),
        "mean_challenger": ours[measure].mean(skipna=False),
        "mean_baseline": theirs[measure].mean(skipna=False),
        "difference": interval.estimate,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "p_value": interval.p_value,
    }


def _verdict(low: float, high: float, p_holm: float) -> str:
    """Name what limits show of a measure that is better where it is higher."""
    if np.isnan([low, high]).any():
        return "undefined"
    if p_holm < ALPHA and low > 0:
        return "better"
    return "worse" if p_holm < ALPHA and high < 0 else "not distinguishable"
