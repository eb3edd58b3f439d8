"""Findings on how well classes are told: by whom, and whether a circuit does it better."""

import math

import numpy as np

from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.statistics import Interval, paired_interval, paired_ratio
from qdistill.judgement.tables import ProblemTables

# Measure -> its column of the metrics table, and whether more of it is better.
MEASURES = {
    "cross_entropy": ("heldout_loss", False),
    "accuracy": ("heldout_accuracy", True),
    "macro_f1": ("heldout_macro_f1", True),
}
WELL_BELOW = 0.5  # of sqrt(n): the classical kernel's bound on the error is then half as large
_NAMES = {column: name for name, (column, _) in MEASURES.items()}


def tellings(part: ProblemTables) -> list[Finding]:
    """Return log loss, accuracy and macro-F1 of everything that tells classes, at every n.

    ``best`` is what has the best mean over the seeds at its n; the level is the number of
    parameters.
    """
    told, found = part.metrics[part.metrics["task"] == "classify"], []
    for n, condition in told.groupby("n", sort=True):
        for measure, (column, is_high) in MEASURES.items():
            means = condition.groupby(["model", "stage"])[column].mean()
            means = means.where(np.isfinite(means)).dropna()
            best = (means.idxmax() if is_high else means.idxmin()) if len(means) else None
            for run, rows in condition.groupby(["model", "stage"], sort=True):
                value = paired_interval(rows[column].to_numpy())
                about = {"subject": run[0], "stage": run[1], "measure": measure}
                about |= {"estimate": value.estimate, "low": value.low, "high": value.high}
                about |= {"verdict": "best" if run == best else "not best"}
                about |= {"level": rows["n_parameters"].iloc[0], "seeds": len(rows)}
                where = {"model": run[0], "stage": run[1]}
                found.append(from_row("labels", key_of(part, n), {}, "metrics", where, **about))
    return found


def score_rivalries(part: ProblemTables) -> list[Finding]:
    """Compare how well each circuit tells classes with how well all others do."""
    found = []
    names = ("measure", "challenger", "challenger_stage", "baseline", "baseline_stage")
    for row in part.score_comparisons.to_dict("records"):
        pair = {name: row[name] for name in names}
        about = {"subject": row["challenger"], "stage": row["challenger_stage"]}
        about |= {"against": row["baseline"], "against_stage": row["baseline_stage"]}
        about |= {"measure": _NAMES[row["measure"]], "p": row["p_holm"], "reason": why(row)}
        limits = ("difference", "ci_low", "ci_high")
        key = key_of(part, row["n"])
        found.append(from_row("scores", key, row, "score_comparisons", pair, limits, **about))
    return found


def geometries(part: ProblemTables) -> list[Finding]:
    """Judge whether a quantum kernel could do better than a classical one, and here would.

    Huang et al. (2021): where the geometric difference g is well below sqrt(n), the level, there
    is ``no room`` for labels on which it does much better, and ``room`` from sqrt(n) on. The
    labels at hand ``suit`` it where their complexity is the lower under it; the estimate is then
    the ratio of complexities.
    """
    found = []
    for (n, encoding, against), rows in part.geometry.groupby(["n", "encoding", "against"]):
        where = {"encoding": encoding, "against": against}
        about = {"subject": f"kernel_{encoding}", "against": against, "seeds": len(rows)}
        level = math.sqrt(n)
        size = paired_interval(rows["geometric_difference"].to_numpy())
        ratio = paired_ratio(
            rows["complexity_quantum"].to_numpy(), rows["complexity_classical"].to_numpy()
        )
        for measure, value, below, bound, words in (
            ("geometric_difference", size, WELL_BELOW * level, level, ("no room", "room")),
            ("complexity_ratio", ratio, 1.0, 1.0, ("suits", "does not suit")),
        ):
            own = {**about, "estimate": value.estimate, "low": value.low, "high": value.high}
            own |= {"measure": measure, "level": bound}
            own |= {"verdict": _beside(value, below, bound, words)}
            key = key_of(part, n)
            found.append(from_row("geometry", key, {}, "geometry", where, **own))
    return found


def _beside(value: Interval, below: float, above: float, words: tuple[str, str]) -> str:
    """Return the first word where the limits are below one bound, the second above the other."""
    if not value.low <= value.high:  # there are no limits
        return "undefined"
    return words[0] if value.high < below else words[1] if value.low >= above else "open"
