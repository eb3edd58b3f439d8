"""Findings on the circuit model: its advantage, whose it is, and where it ends."""

from collections.abc import Collection

import numpy as np

from qdistill.errors import DataError
from qdistill.judgement.attribution import BASELINES
from qdistill.judgement.choice import choose_model
from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.families import compare_family
from qdistill.judgement.findings.base import (
    Finding,
    from_comparison,
    from_comparisons,
    from_row,
    key_of,
    select_rows,
)
from qdistill.judgement.findings.memorisation import tells_classes
from qdistill.judgement.pairing import last_stage
from qdistill.judgement.tables import ProblemTables
from qdistill.study.registry import (
    AUTO,
    ENTRIES,
    MODELS,
    STUDENTS,
    contenders,
    place_on_ladder,
)

REMOVED = tuple((entry.twin_of, name) for name, entry in ENTRIES.items() if entry.removes)
_TRAINED = "trained"
# Candidates of a choice that are nothing to deploy here.
_BESIDES = {"mean", "frozen_base"}


def choices(part: ProblemTables) -> list[Finding]:
    """Choose a model at each n by the rule of ``deploy`` with ``model: auto``.

    The mean, which has no codes to deploy, is a candidate here: nothing may be worth using. Where
    classes are told so is every model, classifiers of scikit-learn included.
    Nothing is chosen from a single candidate or seed, or where every candidate diverged. The
    estimate is the ratio of its error to that of ``quantum``, or else of the mean.
    """
    candidates = _candidates(part.names, tells_classes(part.metrics))
    found: list[Finding] = []
    if len(candidates) < 2 or part.seeds < 2:
        return found
    for n in part.sizes:
        rows = part.metrics[part.metrics["n"] == n]
        try:
            run = last_stage(choose_model(rows, AUTO, candidates, part.margins).name)
        except DataError:  # each candidate has a diverged run
            continue
        others = [name for name in ("quantum", "mean") if name in part.names and name != run[0]]
        key = key_of(part, n)
        if not others:
            alone = {"subject": run[0], "stage": run[1], "verdict": "alone", "measure": "ratio"}
            found.append(from_row("choice", key, {}, "metrics", {"model": run[0]}, **alone))
            continue
        (row,) = compare_models(rows, *run, [(others[0], _TRAINED)], part.margins).to_dict(
            "records"
        )
        models = select_rows(**key, model=[run[0], others[0]])
        found.append(from_comparison("choice", row) | {"table": "metrics", "rows": models})
    return found


def _candidates(names: Collection[str], is_told: bool) -> list[str]:
    """List what is chosen among: models, the simplest first, then students.

    Where classes are told, what is used is a whole model, with or without a form as an adapter.
    """
    deployed, besides = contenders(names), _BESIDES.union(MODELS if is_told else ())
    models = {*deployed, *besides.intersection(names)} - STUDENTS.keys()
    students = [name for name in deployed if name in STUDENTS]
    return [*sorted(models, key=place_on_ladder), *students]


def controls(part: ProblemTables) -> list[Finding]:
    """Judge of a problem with a planted answer whether the instrument gives it."""
    if not part.problem.is_control:
        return []
    judge = _judge_null if part.problem.is_null else _judge_positive
    about = {"subject": "quantum", "stage": _TRAINED, "measure": "ratio"}
    return [
        from_row("control", key_of(part, row["n"]), row, "attribution", **about) | judge(part, row)
        for row in part.attribution.to_dict("records")
    ]


def _judge_null(part: ProblemTables, row: dict) -> Finding:
    """Return that a circuit is not distinct on what it has learnt, or was found to be."""
    if row["verdict"] != "not distinct":
        return {"verdict": "failed" if row["verdict"] == "distinct" else "undefined"}
    if part.compared("quantum", "mean")["verdict"].iloc[-1:].tolist() == ["better"]:
        return {"verdict": "passed"}
    return {"verdict": "undefined", "against": "mean", "reason": "null_not_reached"}


def _judge_positive(part: ProblemTables, row: dict) -> Finding:
    """Return whether a circuit is distinct, and beats what is no rival of it elsewhere, too."""
    if row["verdict"] != "distinct":
        return {"verdict": "failed" if row["verdict"] == "not distinct" else "undefined"}
    for name in (*BASELINES, "real_circuit"):
        for verdict in part.compared("quantum", name).query(f"n == {row['n']}")["verdict"]:
            if verdict != "better":
                reason = _RELATIONS.get(verdict, "rival_not_compared")
                failed = "undefined" if verdict == "undefined" else "failed"
                return {"verdict": failed, "against": name, "reason": reason}
    return {"verdict": "passed"}


def advantages(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with the article's baseline, and both kinds as tuned."""
    pairs = [("quantum", "classical"), ("quantum_tuned", "linear_tuned")]
    return from_comparisons("advantage", part, [(a, _TRAINED, b, _TRAINED) for a, b in pairs])


def scales(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with the article's baseline where both have codes of one scale.

    Either the baseline's are divided by N, or the circuit's multiplied: is an advantage the scale?
    """
    pairs = [("quantum", "classical_scaled"), ("quantum_scaled", "classical")]
    return from_comparisons("scale", part, [(a, _TRAINED, b, _TRAINED) for a, b in pairs])


def attributions(part: ProblemTables) -> list[Finding]:
    """Find the simplest model not shown to be worse, the closest rival, or the one that is missing.

    The estimate is the ratio of the circuit's error to that model's.
    """
    found = []
    for row in part.attribution.to_dict("records"):
        key = key_of(part, row["n"])
        rivals = {name: part.compared("quantum", name).loc[row["n"]] for name in row["rivals"]}
        if row["verdict"] == "not distinct":
            name, reason = row["simplest"], _RELATIONS[row["relation"]]
        elif row["verdict"] == "distinct":  # the error of the closest is the least above
            name, reason = max(rivals, key=lambda rival: rivals[rival]["ratio"]), None
        else:
            failed = [name for name, own in rivals.items() if own["verdict"] == "undefined"]
            code = "no_rival" if row["missing"] else "rival_not_compared"
            for name in row["missing"] or failed:
                about = {"subject": "quantum", "stage": _TRAINED, "against": name, "reason": code}
                found.append(
                    from_row("attribution", key, row, "attribution", measure="ratio", **about)
                )
            continue
        compared = part.compared("quantum", name).loc[row["n"]].to_dict()
        own = from_comparison("attribution", compared, row["verdict"])
        rows = {"table": "attribution", "rows": select_rows(**key)}
        found.append(own | {"reason": reason, **rows})
    return found


_RELATIONS = {
    "worse": "simpler_is_better",
    "equivalent": "simpler_is_as_good",
    "not distinguishable": "simpler_not_told_apart",
}


def ablations(part: ProblemTables) -> list[Finding]:
    """Compare each circuit with itself without one of its parts."""
    pairs = [(circuit, _TRAINED, name, _TRAINED) for circuit, name in REMOVED]
    return from_comparisons("ablation", part, pairs)


def readouts(part: ProblemTables) -> list[Finding]:
    """Compare the circuit with others where each has a read-out fitted to its own codes."""
    refitted = part.metrics.assign(heldout_loss=part.metrics["refitted_loss"])
    found = []
    known = refitted[refitted["heldout_loss"].notna()]
    for row in compare_models(known, margins=part.margins).to_dict("records"):
        models = {"model": ["quantum", row["baseline"]], "stage": _TRAINED}
        rows = select_rows(**key_of(part, row["n"]), **models)
        found.append(from_comparison("readout", row) | {"table": "metrics", "rows": rows})
    return found


def swept(part: ProblemTables) -> list[Finding]:
    """Compare a model at each value of a setting with itself: with its deepest form, or at scale 1.

    The estimate is the ratio of errors. Nothing is compared where that value was not tried.
    """
    found = []
    for (n, model, setting), rows in part.setting_sweep.groupby(["n", "model", "setting"]):
        question, table = {"layers": "depth"}.get(setting, setting), "setting_sweep"
        key = key_of(part, n)
        runs = {(str(x), _TRAINED): own.set_index("seed") for x, own in rows.groupby("value")}
        own = (str(rows["value"].max() if setting == "layers" else 1.0), _TRAINED)
        pairs = [(other, own) for other in runs if other != own and own in runs]
        for row in compare_family(rows, runs, pairs, table=table, margins=part.margins):
            values = [float(row[side]) for side in ("challenger", "baseline")]
            one = from_comparison(question, key | row) | {"table": table, "level": values[0]}
            one |= {"subject": model, "against": model}
            where = select_rows(**key, model=model, setting=setting, value=values)
            found.append(one | {"rows": where})
    return found


def row_intervals(part: ProblemTables) -> list[Finding]:
    """Judge whether each verdict over seeds holds where held-out rows are a sample as well.

    The estimate is the ratio of errors, with limits for both.
    """
    found = []
    for row in part.row_intervals.to_dict("records"):
        pair = {name: row[name] for name in ("challenger", "baseline")}
        compared = part.compared(*pair.values())
        if row["n"] not in compared.index or np.isnan(row["ratio_low"]):
            continue
        verdict, key = compared.loc[row["n"], "verdict"], key_of(part, row["n"])
        if verdict not in ("better", "worse"):
            continue
        apart = row["ratio_high"] < 1 if verdict == "better" else row["ratio_low"] > 1
        about = {"subject": row["challenger"], "against": row["baseline"], "measure": "ratio"}
        about |= {"stage": _TRAINED, "against_stage": _TRAINED, "seeds": part.seeds}
        about |= {"verdict": "holds" if apart else "changes"}
        limits = ("ratio", "ratio_low", "ratio_high")
        found.append(from_row("rows", key, row, "row_intervals", pair, limits, **about))
    return found


def crossovers(part: ProblemTables) -> list[Finding]:
    """Locate for every baseline where it and the circuit change places; the estimate is an n."""
    found = []
    for row in part.crossover.to_dict("records"):
        pair = {name: row[name] for name in ("challenger", "baseline")}
        about = {"subject": row["challenger"], "against": row["baseline"], "measure": "n"}
        about |= {"stage": _TRAINED, "against_stage": _TRAINED}
        limits, reason = ("n_star", "ci_low", "ci_high"), _why_crossover(part, row)
        own = from_row("crossover", key_of(part), row, "crossover", pair, limits, **about)
        found.append(own | {"reason": reason})
    return found


def _why_crossover(part: ProblemTables, row: dict) -> str:
    """Return who is ahead below the crossing, or throughout, or why that cannot be said."""
    if row["verdict"] != "undefined":
        return "challenger_ahead" if row["ahead_below"] == row["challenger"] else "baseline_ahead"
    if len(part.sizes) < 2:
        return "one_n"
    if part.seeds < 2:
        return "one_seed"
    rows = part.compared(row["challenger"], row["baseline"])
    if not np.isfinite(rows["difference"]).all():
        return "diverged"
    if not np.isfinite(rows["ratio"]).all():
        return "zero_error"
    return "no_spread" if rows["p_value"].isna().any() else "told_apart_at_no_n"


def reproductions(part: ProblemTables) -> list[Finding]:
    """Set our errors beside those that the article prints; the estimate is ours / theirs - 1."""
    found = []
    for row in part.published.to_dict("records"):
        own = from_row(
            "published",
            key_of(part, row["n"]),
            row,
            "published",
            {"model": row["model"]},
            subject=row["model"],
            stage=_TRAINED,
            verdict="reproduced" if row["within_twentieth"] else "not reproduced",
            measure="deviation",
            level=row["published"],
            estimate=row["deviation"],
            reason="diverged" if row["diverged"] else None,
        )
        limits = {name: row[f"ci_{name}"] / row["published"] - 1 for name in ("low", "high")}
        found.append(own | limits)
    return found
