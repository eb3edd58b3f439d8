"""All that is judged of a study, from its tables of results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.judgement.attribution import attribute
from qdistill.judgement.benchmarks import rank_scores, read_scores, tabulate_scores
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.downstream import compare_downstream
from qdistill.judgement.equivalence import MARGINS, Margins
from qdistill.judgement.findings.gathering import gather_findings
from qdistill.judgement.measurement import compare_measured, count_shots
from qdistill.judgement.overfitting import judge_overfitting
from qdistill.judgement.published import read_published, tabulate_published
from qdistill.judgement.retrieval import judge_front
from qdistill.judgement.robustness import compare_robustness
from qdistill.judgement.scores import compare_scores
from qdistill.judgement.tables import StudyTables
from qdistill.judgement.transfer import judge_transfer
from qdistill.judgement.variance import share_variance
from qdistill.storage.files import digest_of
from qdistill.storage.tables import read_frame, read_metadata, write_table
from qdistill.study.dataset_kinds import KINDS


def judge_study(
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
    extra: Sequence[Mapping[str, str]] = (),
    problems: Sequence[Mapping[str, Any]] = (),
    margins: Margins = MARGINS,
    budgets: Sequence[int] = (),
    tolerance: float = 0.05,
) -> None:
    """Read a study's tables of results, and write what is judged and found.

    Inputs are tables by the contracts ``metrics`` and ``sweep``, and, where the study has them,
    ``setting_sweep``, ``row_intervals``, ``downstream``, ``retrieval``, ``robustness``,
    ``measured``, ``noise_depth``, ``measured_students`` and ``cost``; ``published``, a CSV as
    :func:`read_published` reads it; and, which may be absent, ``scores`` as :func:`read_scores`
    does and a list of ``duplicates``. Outputs are ``findings``, the tables of :func:`judge_tables`
    and, if asked for, of :func:`judge_benchmarks`. The problems are as
    :meth:`qdistill.study.tracks.Study.describe_problems` describes them, the budgets as
    :func:`judge_front` takes them, the tolerance as :func:`count_shots`. Raises DataError if an
    input is damaged, or a seed is missing in one of two runs that are paired.
    """
    published = read_published(inputs["published"])
    read = {k: path for k, path in inputs.items() if k not in ("published", "scores", "duplicates")}
    frames = {kind: read_frame(kind, path) for kind, path in read.items()}
    tables = judge_tables(frames, published, extra, margins, budgets, tolerance)
    if {"benchmark_scores", "variance_shares"} & outputs.keys():
        scores = read_scores(inputs["scores"]) if inputs.get("scores") else None
        asked = judge_benchmarks(frames["metrics"], problems, scores)
        tables |= {kind: table for kind, table in asked.items() if kind in outputs}
    known = StudyTables.complete({**frames, **tables})
    tables["findings"] = gather_findings(known, problems, inputs.get("duplicates", ()), margins)
    settings = {
        "comparisons": [dict(pair) for pair in extra],
        "equivalence": asdict(margins),
        "budgets": list(budgets),
        "tolerance": tolerance,
        "published": digest_of(published.to_csv(index=False)),
        **{
            kind: read_metadata(path).get("configuration_digest", "") for kind, path in read.items()
        },
    }
    for kind, table in tables.items():
        write_table(kind, outputs[kind], table, settings)


def judge_benchmarks(
    metrics: pd.DataFrame,
    problems: Sequence[Mapping[str, Any]],
    scores: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Judge data sets of classes together: shares of variance and, with scores, benchmarks.

    Variance is shared among problems in which everything is trained and labels have to do with
    rows. Published scores are as :func:`read_scores` gives them; each table is by the contract of
    its name.
    """
    apart = [
        (each["dataset"], each["protocol"])
        for each in problems
        if each["projections"] != "trained" or KINDS[each["settings"]["kind"]].is_scrambled
    ]
    keys = pd.MultiIndex.from_frame(metrics[["dataset", "protocol"]])
    tables = {"variance_shares": share_variance(metrics[~keys.isin(apart)])}
    if scores is not None:
        tables["benchmark_scores"] = tabulate_scores(metrics, problems, scores)
        tables["benchmark_ranks"] = rank_scores(tables["benchmark_scores"])
    return tables


def tasks_of(metrics: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the task of each problem, by data set and protocol."""
    return metrics.groupby(["dataset", "protocol"])["task"].first().to_dict()


def judge_tables(
    frames: Mapping[str, pd.DataFrame],
    published: pd.DataFrame,
    extra: Sequence[Mapping[str, str]] = (),
    margins: Margins = MARGINS,
    budgets: Sequence[int] = (),
    tolerance: float = 0.05,
) -> dict[str, pd.DataFrame]:
    """Judge a study by its ``metrics``, ``sweep`` and, where it has them, five more tables.

    They are ``downstream``, of codes that were put to use, ``retrieval``, of codes in fewer bytes,
    which has budgets, ``robustness``, of perturbed inputs, ``measured``, of circuits with shots,
    which has a tolerance, and ``measured_students``.
    Published figures are as :func:`read_published` gives them, further comparisons as
    :func:`compare_study` takes them. Each table is by the contract of its name.
    """
    metrics = frames["metrics"]
    comparisons = compare_study(metrics, extra, margins)
    tables = {
        "comparisons": comparisons,
        "attribution": attribute(comparisons, tasks_of(metrics)),
        "crossover": locate_crossovers(metrics),
        "transfer": judge_transfer(metrics),
        "overfitting": judge_overfitting(metrics, frames["sweep"]),
        "published": tabulate_published(metrics, published),
    }
    if "downstream" in frames:
        tables["downstream_comparisons"] = compare_downstream(frames["downstream"], margins)
    if "retrieval" in frames:
        tables["retrieval_front"] = judge_front(frames["retrieval"], budgets, margins)
    if (metrics["task"] == "classify").any():
        tables["score_comparisons"] = compare_scores(metrics, margins)
    if "robustness" in frames:
        tables["robustness_comparisons"] = compare_robustness(frames["robustness"], margins)
    if "measured" in frames:
        tables["shots_needed"] = count_shots(frames["measured"], tolerance)
    if "measured_students" in frames:
        tables["measured_comparisons"] = compare_measured(frames["measured_students"], margins)
    return tables
