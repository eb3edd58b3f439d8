"""Findings on circuits that are measured, and on students of what was measured."""

from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.tables import ProblemTables

NOISELESS = "noiseless"


def shots(part: ProblemTables) -> list[Finding]:
    """Return the shots at which a measured circuit errs little more than without a limit.

    The stage is how it is measured, as :func:`condition_of` names it; the level is the error that
    any number of shots leaves, in units of the exact one, which noise raises.
    """
    return [
        from_row(
            "shots",
            key_of(part, row["n"]),
            row,
            "shots_needed",
            {name: row[name] for name in ("model", "noise", "mitigation")},
            ("shots_needed", "ci_low", "ci_high"),
            subject=row["model"],
            stage=condition_of(row),
            level=row["floor_ratio"],
            measure="shots",
        )
        for row in part.shots_needed.to_dict("records")
    ]


def noises(part: ProblemTables) -> list[Finding]:
    """Return what noisy gates leave of the state after the whole circuit: a mean fidelity.

    The stage is the noise, the level the number of the circuit's two-qubit gates.
    """
    found = []
    keys = ["n", "model", "noise"]
    for (n, model, noise), own in part.noise_depth.groupby(keys, sort=True):
        last = own[own["layers"] == own["layers"].max()]
        row = {"seeds": len(last), "fidelity": last["fidelity"].mean(skipna=False)}
        where = {"model": model, "noise": noise, "layers": int(last["layers"].iloc[0])}
        gates = float(last["two_qubit_gates"].iloc[0])
        found.append(
            from_row(
                *("noise", key_of(part, n), row, "noise_depth", where, ("fidelity",)),
                verdict="left",
                subject=model,
                stage=noise,
                level=gates,
                measure="fidelity",
            )
        )
    return found


def denoisings(part: ProblemTables) -> list[Finding]:
    """Return how students of counts, and the circuit as measured, stand beside all else.

    That is where a total, which the measure names, is spent on most rows; other ways to spend it
    are in the table. The level is the shots a row, the stage how circuits are measured, and the
    estimate a ratio of errors, below one where the subject's is lower.
    """
    table = part.measured_comparisons
    keys = ["n", "teacher", "noise", "mitigation", "total"]
    most = table.groupby(keys)["rows"].transform("max") if len(table) else table["rows"]
    found = []
    for row in table[table["rows"] == most].to_dict("records"):
        named = ("teacher", "noise", "mitigation", "total", "shots", "challenger", "baseline")
        found.append(
            from_row(
                "denoising",
                key_of(part, row["n"]),
                row,
                "measured_comparisons",
                {name: row[name] for name in named},
                ("ratio", "ratio_low", "ratio_high"),
                subject=row["challenger"],
                stage=condition_of(row),
                against=row["baseline"],
                level=row["shots"],
                measure=f"ratio, {row['total']:,} shots",
                p=row["p_holm"],
                reason=why(row),
            )
        )
    return found


def condition_of(row: dict) -> str:
    """Name noise and mitigation: ``noiseless``, or ``superconducting, readout``."""
    named = [row[name] for name in ("noise", "mitigation") if row[name] != "none"]
    return ", ".join(named) or NOISELESS
