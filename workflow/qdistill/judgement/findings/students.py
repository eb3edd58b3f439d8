"""Findings on students: what they keep, and what of the circuit they need."""

import pandas as pd

from qdistill.judgement.findings.base import (
    Finding,
    from_comparison,
    from_comparisons,
    from_row,
    key_of,
    why,
)
from qdistill.judgement.tables import ProblemTables
from qdistill.judgement.transfer import baseline_of

RANDOM_STARTS = ("random_dense", "random_orthogonal")
PARTS = ("unitary_im", "unitary_abs", "unitary_abs2")  # of the unitary, in place of Re U
SWEPT = "distilled_pool"
_TEACHER = {"against": "quantum", "against_stage": "trained"}


def transfers(part: ProblemTables) -> list[Finding]:
    """Return what fraction of the advantage each student retains.

    Models that never saw the circuit are put through the same formula.
    """
    baseline = baseline_of(part.names)
    if not {"quantum", baseline} <= part.names:
        return []
    found = []
    for table, name in ((part.transfer, "transfer"), (part.untaught, "metrics")):
        for row in table.to_dict("records"):
            key, run = key_of(part, row["n"]), {"student": row["student"], "stage": row["stage"]}
            if name == "metrics":
                run = {"model": [row["student"], baseline, "quantum"], "stage": row["stage"]}
            about = {"subject": row["student"], "stage": row["stage"], "measure": "retained"}
            limits = ("retained", "ci_low", "ci_high")
            found.append(from_row("transfer", key, row, name, run, limits, **about, **_TEACHER))
    return found


def overfittings(part: ProblemTables) -> list[Finding]:
    """Judge the student of the smallest and of the largest pool: gaps in R², ratio of errors."""
    table = part.overfitting
    if table.empty or "quantum" not in part.names:
        return []
    pools = {int(table["pool"].min()), int(table["pool"].max())}
    found = []
    for row in table[table["pool"].isin(pools)].to_dict("records"):
        for measure in ("r2_gap", "train_gap", "ratio"):
            key, pool = key_of(part, row["n"]), {"pool": row["pool"]}
            limits = (measure, f"{measure}_low", f"{measure}_high")
            about = {"subject": SWEPT, "stage": "distilled", "level": row["pool"], **_TEACHER}
            own = from_row("overfitting", key, row, "overfitting", pool, limits, **about)
            reason = why(row) if row["pool"] else "no_pool"
            found.append(own | {"measure": measure, "reason": reason})
    return found


def real_parts(part: ProblemTables) -> list[Finding]:
    """Compare Re(U) as a layer with simple models, and as a start with random ones."""
    pairs = [
        ("unitary_re", stage, name, "trained")
        for stage in ("zero_shot", "fine_tuned")
        for name in ("mean", "classical")
    ]
    return [*_starts(part), *from_comparisons("real_part", part, pairs)]


def _starts(part: ProblemTables) -> list[Finding]:
    """Judge whether the learned start helps: it must beat every random one.

    The estimate is the ratio to the start that comes nearest to refuting that.
    """
    stage = "fine_tuned"
    starts = pd.concat([part.compared("unitary_re", name, stage, stage) for name in RANDOM_STARTS])
    found = []
    for n in sorted(set(starts["n"])):
        here = starts[starts["n"] == n]
        verdicts = set(here["verdict"])
        verdict = {"better": "helps", "worse": "hurts"}.get(here["verdict"].iloc[0], "not shown")
        if len(verdicts) > 1:
            verdict = "not shown"
        if "undefined" in verdicts:
            verdict = "undefined"
        # the doubtful one: the largest ratio, or the smallest of a start that hurts
        closest = here.sort_values("ratio", ascending=verdict != "hurts").iloc[-1]
        found.append(from_comparison("real_part", closest.to_dict(), verdict))
    return found


def phases(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with one without phases, and Re(U) with other parts of the unitary."""
    stage = "fine_tuned"
    pairs = [("quantum", "trained", "real_circuit", "trained")]
    pairs += [(name, stage, "unitary_re", stage) for name in PARTS]
    return from_comparisons("phase", part, pairs)
