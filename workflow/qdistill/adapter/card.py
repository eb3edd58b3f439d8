"""The model card: what the adapter is, what the evidence supports, and how to load it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

from qdistill.adapter.evidence import Evidence
from qdistill.adapter.layout import KINDS, AdapterConfig
from qdistill.adapter.usage import usage_section
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import AUTO, ENTRIES, STUDENTS, has_circuit_origin
from qdistill.wording import (
    counted,
    estimate,
    number,
    p_value,
    quoted,
    seeds_in_words,
    table_lines,
)


def write_card(
    deployment: Deployment,
    config: AdapterConfig,
    evidence: Evidence,
    latents: Mapping[str, Any],
    folder: str,
    tracking_uri: str | None,
) -> str:
    """Write the card as Markdown with the Hugging Face metadata header.

    Parameters
    ----------
    deployment : Deployment
    config : AdapterConfig
    evidence : Evidence
    latents : mapping
        ``rows`` by split, and ``encoder`` where the features are those of texts.
    folder : str
        Where the adapter will be, for the examples.
    tracking_uri : str or None
        MLflow store where it is registered; None if it is not.
    """
    parts = [
        f"---\n{_header(deployment, config, evidence)}\n---",
        f"# Adapter of the study `{deployment.study}` for `{deployment.dataset}`",
        lead(evidence),
        f"It maps {config.inputs} features to {config.width} codes, and codes to "
        f"{config.outputs} outputs.",
        *_choice_section(deployment, evidence),
        *_data_section(deployment, latents, evidence),
        *_error_section(evidence),
        *_verdict_section(evidence),
        *_limits_section(config, evidence, latents),
        usage_section(deployment, config, folder, tracking_uri),
    ]
    return "\n\n".join(parts)


def _header(deployment: Deployment, config: AdapterConfig, evidence: Evidence) -> str:
    seed, seeds = evidence.seed, seeds_in_words(len(evidence.heldout))
    values = {
        f", mean of {seeds}": evidence.interval.estimate,
        f" of the exported seed {seed}": evidence.heldout[seed],
    }
    results = [
        EvalResult(
            task_type="feature-extraction",
            dataset_type=deployment.dataset,
            dataset_name=deployment.dataset,
            dataset_split="heldout",
            metric_type="mse",
            metric_name=f"held-out mean squared error{name}",
            metric_value=float(value),
        )
        for name, value in values.items()
    ]
    data = ModelCardData(
        library_name="qdistill",
        pipeline_tag="feature-extraction",
        tags=["embeddings", "dimensionality-reduction", config.kind],
        model_name=f"{deployment.study}-{deployment.dataset}-{evidence.choice.name}",
        eval_results=results,
    )
    return data.to_yaml()


def lead(evidence: Evidence) -> str:
    """Describe in one sentence which model this is, and whether a circuit is owed anything."""
    name = evidence.choice.name
    where = f"on `{evidence.condition['dataset']}` at n = {evidence.condition['n']}"
    meaning = ENTRIES[name].meaning
    known = f" ({meaning})" if meaning else ""
    if has_circuit_origin(name):
        form = " compiled into real matrices" if name != "compiled" and name not in STUDENTS else ""
        return f"This adapter is `{name}`{known}{form}, and {_circuit_clause(evidence, where)}."
    plain = _plain_clause(evidence, where)
    return f"This adapter is `{name}`{known}, not made from the circuit: {plain}."


def _ratio(row: Mapping[Any, Any] | pd.Series) -> str:
    return estimate(row["ratio"], row["ratio_low"], row["ratio_high"])


def _plain_clause(evidence: Evidence, where: str) -> str:
    row = evidence.against("quantum")
    if row is None:
        return "the study trained no `quantum` model to compare it with"
    share = f"its held-out error is {_ratio(row)} times that of `quantum`"
    seeds = seeds_in_words(int(row["seeds"]))
    return {
        "better": f"it does better than the circuit {where}; {share}",
        "not distinguishable": f"it does as well as the circuit {where}, as far as "
        f"{seeds} can tell; {share}",
        "worse": f"the circuit does better {where}, and this model was asked for by name; {share}",
        "undefined": f"the two could not be compared {where}",
    }[row["verdict"]]


def _circuit_clause(evidence: Evidence, where: str) -> str:
    row = evidence.attribution
    if row is None or row["verdict"] == "undefined":
        return (
            f"whether a simpler model does as well as the circuit {where} was not settled by the "
            "study"
        )
    if row["verdict"] == "distinct":
        return f"no simpler model of the study does as well as the circuit {where}"
    simplest = f"a plain `{row['simplest']}` without the circuit"
    share = f"the error of `quantum` is {_ratio(row)} times its"
    if row["relation"] == "worse":
        return f"{simplest} does better {where}; {share}"
    seeds = seeds_in_words(int(row["seeds"]))
    return f"{simplest} does as well {where}, as far as {seeds} can tell; {share}"


def _choice_section(deployment: Deployment, evidence: Evidence) -> list[str]:
    """Paragraphs, as in every section below."""
    choice, automatic = evidence.choice, evidence.automatic
    paragraphs = ["## Why this model"]
    if deployment.model != AUTO:
        other = ", and the comparisons agree"
        if automatic.name != choice.name:
            other = f"; the comparisons alone would have taken `{automatic.name}`"
        return [*paragraphs, f"`{choice.name}` was asked for by name{other}."]
    others = [name for name in choice.as_good if name != choice.best]
    rivals = f"Those are {quoted(others)}" if others else "All others are worse"
    candidates = counted(len(choice.candidates), "candidate")
    paragraphs += [
        f"Of {candidates} ({quoted(choice.candidates)}), "
        f"`{choice.best}` has the lowest mean held-out error. Taken is the simplest of it and "
        "those that cannot be told from it, by paired t intervals over the seeds and Holm's "
        f"correction over the candidates. {rivals}.",
        "This choice among models looked at the held-out rows, so the error below is somewhat "
        f"optimistic for the model that was chosen; by how much, with {candidates}, these rows "
        "cannot say. The seed was chosen without them.",
    ]
    if choice.left_out:
        paragraphs.append(f"Left out, for runs that diverged: {quoted(choice.left_out)}.")
    return paragraphs


def _data_section(
    deployment: Deployment, latents: Mapping[str, Any], evidence: Evidence
) -> list[str]:
    rows, seeds = latents["rows"], len(evidence.heldout)
    validation = evidence.validation
    error = validation.errors[evidence.seed]
    encoder = f", encoded by {latents['encoder']}" if latents.get("encoder") else ""
    return [
        "## Data, n and seeds",
        f"Data set `{deployment.dataset}` (kind `{deployment.settings['kind']}`){encoder}: "
        f"{rows['train']:,} training rows, of which each seed has {deployment.n} as its labelled "
        f"examples, {rows['unlabelled']:,} unlabelled and {rows['heldout']:,} held-out rows. "
        f"Protocol `{deployment.protocol}`, a bottleneck of {2**deployment.qubits} numbers "
        f"({deployment.qubits} qubits, where it is a circuit), {seeds_in_words(seeds)}.",
        f"The exported weights are those of seed {evidence.seed}, which has the median "
        f"cross-validated error inside its labelled rows, {number(error)}; the error is "
        f"{validation.source}.",
    ]


def _error_section(evidence: Evidence) -> list[str]:
    choice, interval = evidence.choice, evidence.interval
    seeds = seeds_in_words(len(evidence.heldout))
    rows = []
    for row in evidence.comparisons.to_dict("records"):
        stage = "" if row["baseline_stage"] == "trained" else f" ({row['baseline_stage']})"
        rows.append(
            [
                f"`{row['baseline']}`{stage.replace('_', ' ')}",
                number(row["mean_baseline"]),
                estimate(row["difference"], row["ci_low"], row["ci_high"]),
                _ratio(row),
                "not defined" if row["p_holm"] != row["p_holm"] else p_value(row["p_holm"]),
                row["verdict"],
            ]
        )
    header = ["compared with", "its error", "difference", "ratio", "p (Holm)", "this adapter is"]
    return [
        "## Held-out error",
        f"Mean squared error of `{choice.name}` on the held-out rows, mean of {seeds}: "
        f"{estimate(interval.estimate, interval.low, interval.high)} (95 % Student t). The "
        f"exported seed alone: {number(float(evidence.heldout[evidence.seed]))}.",
        "Against everything else that the study holds, paired by seed: difference (this adapter "
        "minus the other) and ratio with 95 % intervals. *Not distinguishable* means that these "
        "seeds cannot tell the two apart, not that they are equal.",
        "\n".join(table_lines(header, rows)).rstrip(),
    ]


def _verdict_section(evidence: Evidence) -> list[str]:
    row = evidence.attribution
    if row is None:
        text = "The study trained no `quantum` model here, so there is no attribution"
    else:
        text = f"Is an advantage of `quantum` the circuit's own? The verdict is *{row['verdict']}*"
        if row["verdict"] == "not distinct":
            text += (
                f": the simplest model that does as well is `{row['simplest']}`; the error of "
                f"`quantum` is {_ratio(row)} times its"
            )
        elif row["missing"]:
            text += f"; the study lacks {row['missing']}"
    paragraphs = ["## Verdict on the circuit", f"{text}."]
    retained = evidence.transfer
    if retained is not None:
        share = estimate(retained["retained"], retained["ci_low"], retained["ci_high"])
        reason = f" ({retained['reason']})" if isinstance(retained["reason"], str) else ""
        paragraphs.append(
            f"Of the advantage of `quantum` over `classical`, `{evidence.choice.name}` retains the "
            f"share {share}: *{retained['verdict']}*{reason}."
        )
    return paragraphs


def _limits_section(
    config: AdapterConfig, evidence: Evidence, latents: Mapping[str, Any]
) -> list[str]:
    n = evidence.condition["n"]
    limits = [
        f"Trained on {n} examples of one source. Nothing here says how it does on other data.",
        "The error is that of the outputs; a lower one need not help a search or a classifier.",
        "The intervals are over seeds, with the same held-out rows for all of them.",
    ]
    if latents.get("encoder"):
        limits.append(f"Inputs must be vectors of {latents['encoder']}, prepared in the same way.")
    if evidence.diverged:
        limits.append(
            f"{seeds_in_words(evidence.diverged).capitalize()} of {len(evidence.heldout)} diverged."
        )
    if evidence.still_improving:
        limits.append(
            f"{evidence.still_improving} of {seeds_in_words(len(evidence.heldout))} ended at the "
            "most steps while the cross-validated error was still falling: longer training might "
            "lower the error."
        )
    if evidence.choice.name in STUDENTS:
        limits.append("The seed was chosen by the teacher's cross-validated error.")
    if config.kind == "linear" and config.origin.get("constant"):
        limits.append("Cross-validation chose the mean: every code is zero.")
    if KINDS[config.kind] == "unit":
        limits.append(
            "A vector that is exactly zero after the encoder has no unit vector: torch, "
            "sentence-transformers, the server and the command line refuse it. ONNX cannot; there "
            "the unit vector is taken as zero, and the codes are finite and mean nothing."
        )
    return ["## Limits", "\n".join(f"- {limit}" for limit in limits)]
