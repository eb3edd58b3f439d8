"""Findings on circuits that are measured, and on students of what was measured."""

import pandas as pd

from qdistill.judgement.findings.base import Finding, from_row, key_of, why
from qdistill.judgement.measurement import find_reached, wanted_errors
from qdistill.judgement.statistics import paired_ratio
from qdistill.judgement.tables import ProblemTables

NOISELESS = "noiseless"
HALF = 0.5  # of the state, below which most of it is lost


def shots(part: ProblemTables) -> list[Finding]:
    """Return the shots at which a measured circuit errs little more than without a limit.

    The stage is how it is measured, as :func:`condition_of` names it; the level is the error that
    any number of shots leaves, in units of the exact one, which noise raises. The measure
    ``refitted ratio`` is that with read-outs fitted to the codes as they are measured.
    """
    found = []
    for row in part.shots_needed.to_dict("records"):
        for measure, limits in (
            ("shots", ("shots_needed", "ci_low", "ci_high")),
            ("refitted ratio", ("refitted_ratio", "refitted_low", "refitted_high")),
        ):
            found.append(
                from_row(
                    *("shots", key_of(part, row["n"]), row, "shots_needed"),
                    {name: row[name] for name in ("model", "noise", "mitigation")},
                    limits,
                    subject=row["model"],
                    stage=condition_of(row),
                    level=row["floor_ratio"],
                    measure=measure,
                )
            )
    return found


def noises(part: ProblemTables) -> list[Finding]:
    """Return what noisy gates leave of the state: of the whole circuit, and how deep it may be.

    The stage is the noise. By the measure the estimate is the mean ``fidelity`` after the last
    layer, or the most ``layers`` after which it is :data:`HALF` or more; the level is the number of
    two-qubit gates up to there.
    """
    found = []
    keys = ["n", "model", "noise"]
    for (n, model, noise), own in part.noise_depth.groupby(keys, sort=False):
        means = own.groupby("layers")[["fidelity", "two_qubit_gates"]].mean()
        fidelity, gates = means["fidelity"], means["two_qubit_gates"]
        last = fidelity.index.max()
        deep = fidelity.index[fidelity >= HALF].max() if (fidelity >= HALF).any() else 0
        where = {"model": model, "noise": noise}
        for measure, estimate, layer in (
            ("fidelity", fidelity[last], last),
            ("layers", deep, deep),
        ):
            row = {"seeds": own["seed"].nunique(), measure: estimate}
            found.append(
                from_row(
                    *("noise", key_of(part, n), row, "noise_depth", where, (measure,)),
                    verdict="left",
                    subject=model,
                    stage=noise,
                    level=gates.get(layer, 0),
                    measure=measure,
                )
            )
    return found


def denoisings(part: ProblemTables) -> list[Finding]:
    """Return how students of counts, and the circuit as measured, stand beside all else.

    That is where a total, which the measure names, is spent on most rows and on fewest; other ways
    to spend it are in the table. The level is the shots a row, the stage how circuits are measured,
    and the estimate a ratio of errors, below one where the subject's is lower.
    """
    table = part.measured_comparisons
    keys = ["n", "teacher", "noise", "mitigation", "total"]
    spent = table.groupby(keys)["rows"]
    ends = (table["rows"] == spent.transform("max")) | (table["rows"] == spent.transform("min"))
    found = []
    for row in table[ends].to_dict("records"):
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


def devices(part: ProblemTables) -> list[Finding]:
    """Return the error of circuits that a device measured, over that of exact probabilities.

    The stage is the device, the level its shots a row. Against ``expected`` it is over the error
    that as many shots are expected to give without noise.
    """
    found = []
    keys = ["n", "model", "device", "shots"]
    for key, own in part.device_measured.groupby(keys, sort=True):
        where = dict(zip(keys, key, strict=True))
        n = where.pop("n")
        for against in ("exact", "expected"):
            ratio = paired_ratio(own["measured_loss"], own[f"{against}_loss"])
            row = {"seeds": len(own), **ratio.columns("ratio")}
            limits = ("ratio", "ci_low", "ci_high")
            found.append(
                from_row(
                    *("device", key_of(part, n), row, "device_measured", where, limits),
                    verdict="measured",
                    subject=where["model"],
                    stage=where["device"],
                    against=against,
                    level=where["shots"],
                    measure="ratio",
                )
            )
    return found


def shot_trainings(table: pd.DataFrame) -> list[Finding]:
    """Return what training by gradients of counts takes of a device, on each small problem.

    The stage is the problem, the level the shots of an execution, and the estimate the executions
    or, as the measure says, the shots until :data:`MOST_GAINED` of what the exact gradient gains is
    gained: the geometric mean over the seeds, missing where not all come so far.
    """
    found = []
    reached = find_reached(table, wanted_errors(table))
    for key, own in reached.groupby(["problem", "method", "shots"], sort=False):
        where = dict(zip(("problem", "method", "shots"), key, strict=True))
        came = own["executions"].notna()
        verdict = "reached" if came.all() else "reached in part" if came.any() else "not reached"
        for measure in ("executions", "total_shots") if where["shots"] else ("executions",):
            taken = paired_ratio(own[measure], pd.Series(1.0, own.index))
            row = {"seeds": len(own), **taken.columns("taken")}
            limits = ("taken", "ci_low", "ci_high")
            found.append(
                from_row(
                    *("shot_training", {}, row, "shot_training", where, limits),
                    verdict=verdict,
                    subject=where["method"],
                    stage=where["problem"],
                    level=where["shots"],
                    measure=measure,
                )
            )
    return found


def device_costs(table: pd.DataFrame) -> list[Finding]:
    """Return what devices would take: executions, hours and money; the level are the rows.

    The measure says for what and in which unit: ``training, hours``.
    """
    found = []
    for row in table.to_dict("records"):
        where = {name: row[name] for name in ("device", "what")}
        for column, unit in (("executions",) * 2, ("hours",) * 2, ("price", row["currency"])):
            found.append(
                from_row(
                    *("device_cost", {}, row, "device_costs", where, (column,)),
                    verdict="priced",
                    subject=row["device"],
                    level=row["rows"],
                    measure=f"{row['what']}, {unit}",
                )
            )
    return found


def condition_of(row: dict) -> str:
    """Describe noise and mitigation: ``noiseless``, or ``superconducting, readout``."""
    named = [row[name] for name in ("noise", "mitigation") if row[name] != "none"]
    return ", ".join(named) or NOISELESS
