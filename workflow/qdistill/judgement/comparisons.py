"""Paired comparisons of held-out errors, and which model an advantage is owed to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.statistics import holm, paired_interval, paired_ratio
from qdistill.registry import SIMPLICITY, family_of
from qdistill.tables import CONTRACTS, read_frame, read_metadata, write_table

CONDITION = ("dataset", "qubits", "n")
ALPHA = 0.05

# The models an advantage must survive to be the circuit's own. Whatever else the study holds
# that has no trained circuit is a rival too.
BASELINES = ("classical", "classical_dense")
REQUIRED_RIVALS = ("square", "linear", "tuned", "pca_cv", "mean")

Run = tuple[str, str]  # model and stage


def _trained(*models: str) -> tuple[Run, ...]:
    return tuple((model, "trained") for model in models)


# Besides the quantum model against every trained model: is the baseline any good, and
# does the real part of the learned circuit do more than another start of the same layer?
SIDE_QUESTIONS: tuple[tuple[Run, tuple[Run, ...]], ...] = (
    (("classical", "trained"), _trained("mean")),
    (
        ("unitary_re", "zero_shot"),
        (*_trained("mean", "classical", "quantum"), ("random_dense", "zero_shot")),
    ),
    (
        ("unitary_re", "fine_tuned"),
        (*_trained("mean", "classical", "quantum"), ("random_dense", "fine_tuned")),
    ),
)


def runs_of(condition: pd.DataFrame, model: str, stage: str = "trained") -> pd.DataFrame:
    """Give the runs of one model and stage at one condition, one per seed.

    Parameters
    ----------
    condition : DataFrame
        Rows of the metrics table of one (data set, qubits, n).
    model, stage : str
        Which runs.

    Returns
    -------
    DataFrame
        Columns ``heldout_mse`` and ``diverged``, indexed and sorted by seed; empty if the
        model is not part of the study.
    """
    hit = (condition["model"] == model) & (condition["stage"] == stage)
    return condition[hit].set_index("seed")[["heldout_mse", "diverged"]].sort_index()


def paired_runs(condition: pd.DataFrame, *runs: Run) -> list[pd.DataFrame]:
    """Give the runs of several models at one condition, paired by seed.

    Parameters
    ----------
    condition : DataFrame
        Rows of the metrics table of one (data set, qubits, n).
    *runs : tuple of (str, str)
        Model and stage of each.

    Returns
    -------
    list of DataFrame
        As :func:`runs_of` gives them, all with the same index.

    Raises
    ------
    DataError
        If two of them do not have the same seeds.
    """
    found = [runs_of(condition, *run) for run in runs]
    for run, frame in zip(runs[1:], found[1:], strict=True):
        missing = found[0].index.symmetric_difference(frame.index)
        if len(missing):
            where = ", ".join(f"{key} = {condition[key].iloc[0]}" for key in CONDITION)
            raise DataError(
                f"metrics table at {where}: seed {missing[0]} has only one of {runs[0][0]} "
                f"({runs[0][1]}) and {run[0]} ({run[1]}), which are paired by seed and need both"
            )
    return found


def compare_models(
    metrics: pd.DataFrame,
    challenger: str = "quantum",
    stage: str = "trained",
    baselines: Sequence[Run] | None = None,
) -> pd.DataFrame:
    """Compare one model with others at every condition, paired by seed.

    Parameters
    ----------
    metrics : DataFrame
        By the contract "metrics".
    challenger, stage : str
        The model whose error is the minuend and the numerator.
    baselines : sequence of (str, str), optional
        Models and stages to compare with; those that the study does not hold are left
        out. By default every other model with stage ``trained``, references included.

    Returns
    -------
    DataFrame
        By the contract "comparisons". ``difference`` is challenger - baseline of
        ``heldout_mse`` with 95 % Student t limits, ``ratio`` the geometric mean of
        challenger / baseline with the limits of the mean log-ratio. ``p_holm`` is
        corrected over the comparisons of this challenger at one condition. ``verdict`` is
        ``better`` where the challenger's error is lower, ``p_holm`` is below 0.05 and the
        interval excludes zero; ``worse`` where it is higher by the same rule; ``not
        distinguishable`` where these seeds do not tell the two apart (which does not show
        that they are the same); ``undefined`` where there are no limits: fewer than two seeds, no
        spread, or a diverged run without a finite error, which is never dropped. Empty
        if the study does not hold the challenger.

    Raises
    ------
    DataError
        If a seed, or a condition of a data set, has one model and not the other.
    """
    ours = metrics[(metrics["model"] == challenger) & (metrics["stage"] == stage)]
    rows = []
    for key, condition in metrics.groupby(list(CONDITION), sort=True):
        if not (ours["dataset"] == key[0]).any():
            continue
        present = condition[["model", "stage"]].drop_duplicates().itertuples(index=False, name=None)
        if baselines is None:
            rivals = sorted(run for run in present if run[1] == "trained")
        else:
            known = set(present)
            rivals = [run for run in baselines if run in known]
        rivals = [run for run in rivals if run != (challenger, stage)]
        rows += _compare_at(
            dict(zip(CONDITION, key, strict=True)), condition, challenger, stage, rivals
        )
    return pd.DataFrame(rows, columns=list(CONTRACTS["comparisons"].scalars))


def compare_study(metrics: pd.DataFrame) -> pd.DataFrame:
    """All comparisons of a study: the quantum model's and the side questions.

    Parameters
    ----------
    metrics : DataFrame
        By the contract "metrics".

    Returns
    -------
    DataFrame
        By the contract "comparisons": ``quantum`` against every trained model, and
        ``SIDE_QUESTIONS``. Each (challenger, stage) is a family of its own for Holm's
        correction.
    """
    parts = [compare_models(metrics)]
    for (challenger, stage), baselines in SIDE_QUESTIONS:
        parts.append(compare_models(metrics, challenger, stage, baselines))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def write_comparisons(metrics_path: str | Path, path: str | Path) -> None:
    """Read a study's metrics and write its comparisons table.

    Parameters
    ----------
    metrics_path, path : str or Path
        Tables by the contracts "metrics" and "comparisons".
    """
    table = compare_study(read_frame("metrics", metrics_path))
    write_table("comparisons", path, table, settings_of(metrics_path))


def settings_of(metrics_path: str | Path) -> dict[str, str]:
    """Name what a table made from the metrics alone depends on: the metrics' own digest."""
    return {"metrics": read_metadata(metrics_path).get("configuration_digest", "")}


def attribute(comparisons: pd.DataFrame, challenger: str = "quantum") -> pd.DataFrame:
    """Say at each condition whether an advantage is the challenger's own.

    Parameters
    ----------
    comparisons : DataFrame
        By the contract "comparisons".
    challenger : str
        The model in question.

    Returns
    -------
    DataFrame
        Columns ``dataset, qubits, n, seeds, verdict, simplest, relation, rivals,
        missing``. ``verdict`` is ``distinct`` if the challenger is better than each of
        its rivals in the study; ``not distinct`` if one of them does as well,
        ``simplest`` then being the first such model on the ladder of simplicity and
        ``relation`` what the comparison says of it (``not distinguishable`` with these
        seeds; ``worse``: the challenger is worse); ``undefined`` if no rival does as well
        but one could not be compared, or none is there. ``rivals`` are those compared and
        ``missing`` those the design asks for that the study lacks, as tuples.
    """
    hit = (
        (comparisons["challenger"] == challenger)
        & (comparisons["challenger_stage"] == "trained")
        & (comparisons["baseline_stage"] == "trained")
    )
    rows = []
    for key, condition in comparisons[hit].groupby(list(CONDITION), sort=True):
        verdicts = dict(zip(condition["baseline"], condition["verdict"], strict=True))
        rivals = sorted(filter(_is_rival, verdicts), key=_place)
        as_good = [name for name in rivals if verdicts[name] in ("not distinguishable", "worse")]
        beaten_all = rivals and all(verdicts[name] == "better" for name in rivals)
        alone = "distinct" if beaten_all else "undefined"
        rows.append(
            {
                **dict(zip(CONDITION, key, strict=True)),
                "seeds": int(condition["seeds"].iloc[0]),
                "verdict": "not distinct" if as_good else alone,
                "simplest": as_good[0] if as_good else None,
                "relation": verdicts[as_good[0]] if as_good else None,
                "rivals": tuple(rivals),
                "missing": tuple(name for name in REQUIRED_RIVALS if name not in verdicts),
            }
        )
    columns = [*CONDITION, "seeds", "verdict", "simplest", "relation", "rivals", "missing"]
    return pd.DataFrame(rows, columns=columns)


def _is_rival(name: str) -> bool:
    """Tell whether a model competes for the circuit's advantage: no circuit is trained in it.

    The oracle does not, since it knows the distribution, and neither do the baselines, which
    the advantage is claimed over.
    """
    apart = name == "oracle" or name in BASELINES
    return not apart and family_of(name) in ("reference", "classical", "control")


def _place(name: str) -> tuple[int, str]:
    """Place on the ladder of simplicity; names that it lacks come last."""
    return SIMPLICITY.index(name) if name in SIMPLICITY else len(SIMPLICITY), name


def _compare_at(
    key: dict, condition: pd.DataFrame, challenger: str, stage: str, rivals: Sequence[Run]
) -> list[dict]:
    rows = []
    for baseline, baseline_stage in rivals:
        ours, theirs = paired_runs(condition, (challenger, stage), (baseline, baseline_stage))
        loss, other = ours["heldout_mse"].to_numpy(), theirs["heldout_mse"].to_numpy()
        with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, is NaN
            difference = paired_interval(loss - other)
        ratio = paired_ratio(loss, other)
        rows.append(
            {
                **key,
                "challenger": challenger,
                "challenger_stage": stage,
                "baseline": baseline,
                "baseline_stage": baseline_stage,
                "seeds": len(ours),
                "diverged": int((ours["diverged"] | theirs["diverged"]).sum()),
                "mean_challenger": loss.mean(),
                "mean_baseline": other.mean(),
                "difference": difference.estimate,
                "ci_low": difference.low,
                "ci_high": difference.high,
                "ratio": ratio.estimate,
                "ratio_low": ratio.low,
                "ratio_high": ratio.high,
                "p_value": difference.p_value,
            }
        )
    adjusted = holm([row["p_value"] for row in rows])
    for row, p_holm in zip(rows, adjusted, strict=True):
        row["p_holm"] = p_holm
        row["verdict"] = _verdict(row["ci_low"], row["ci_high"], p_holm)
    return rows


def _verdict(low: float, high: float, p_holm: float) -> str:
    if np.isnan([low, high]).any():
        return "undefined"
    if p_holm < ALPHA and high < 0:
        return "better"
    return "worse" if p_holm < ALPHA and low > 0 else "not distinguishable"
