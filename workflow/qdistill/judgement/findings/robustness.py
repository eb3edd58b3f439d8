"""Findings on what noise and rotation of their inputs cost circuits and their students."""

from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.tables import ProblemTables


def robustnesses(part: ProblemTables) -> list[Finding]:
    """Return how the circuit and its students of soft labels withstand what others are given.

    The level is that of the perturbation, which the measure names with what is compared:
    ``noise_kept`` is the change of accuracy by noise, ``rotation_accuracy`` what remains of it
    under rotation. The estimate is a difference, higher being better.
    """
    named = ("challenger", "challenger_stage", "baseline", "baseline_stage")
    chosen = ("perturbation", "level", "measure", *named)
    found = []
    for row in part.robustness_comparisons.to_dict("records"):
        pair = (row[name] for name in named)
        found.append(
            from_row(
                "robustness",
                key_of(part, row["n"]),
                row,
                "robustness_comparisons",
                {name: row[name] for name in chosen},
                ("difference", "ci_low", "ci_high"),
                **dict(zip(("subject", "stage", "against", "against_stage"), pair, strict=True)),
                level=row["level"],
                measure=f"{row['perturbation']}_{row['measure']}",
                p=row["p_holm"],
                reason=why(row),
            )
        )
    return found
