"""The verdict on one page, its details, and the note above the study's run in MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qdistill.judgement.benchmarks import NEAR, count_training_scores, pair_scores
from qdistill.judgement.findings.base import records_of
from qdistill.judgement.findings.use import headline_qubits
from qdistill.judgement.measurement import MOST_GAINED
from qdistill.judgement.overfitting import MARGIN
from qdistill.judgement.published import TOLERANCE
from qdistill.judgement.tables import StudyTables
from qdistill.storage.files import write_text
from qdistill.storage.tables import read_frame
from qdistill.study.timed import ARTICLE_QUBITS, ARTICLE_RATIO
from qdistill.verdict.details import detail_sections
from qdistill.verdict.templates import render
from qdistill.verdict.views import tally, views_of

# Findings that belong to no problem, or are counted over all: their names in the template.
_LISTS = {
    **{"costs": "cost", "runs": "runs", "texts": "repeated_texts", "published": "published"},
    **{"resampled": "rows", "priced": "device_cost", "shot_trained": "shot_training"},
}


def write_verdict(
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
    study: str,
    problems: Sequence[Mapping[str, Any]],
) -> None:
    """Write the documents of :func:`compose_verdict`: a verdict, and all that it leaves out.

    Inputs are tables by their contracts: ``findings`` and those of
    :class:`~qdistill.judgement.tables.StudyTables`. Raises DataError if a table is missing, damaged
    or breaks its contract.
    """
    findings = read_frame("findings", inputs["findings"])
    documents = compose_verdict(findings, StudyTables.read(inputs), study, problems)
    for name, text in documents.items():
        write_text(outputs[name], text)


def compose_verdict(
    findings: pd.DataFrame,
    tables: StudyTables,
    study: str,
    problems: Iterable[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """Compose the documents of a study from its findings.

    They are ``markdown`` and ``html``, the page; ``details``, one HTML page with every table;
    ``note``, the head of the page in Markdown. The study's name is also its folder under
    ``results/``; its problems are as :meth:`qdistill.study.tracks.Study.describe_problems`
    describes them.
    """
    views = views_of(findings, tables.metrics, problems)
    names = set(tables.metrics["model"])
    scrambled = [view for view in views if view.problem.is_scrambled]
    views = [view for view in views if not view.problem.is_scrambled]
    # Of many data sets, each with a published score: told together, in a section of their own.
    apart = [view for view in views if view.problem.is_benchmark]
    told = [view for view in views if not view.problem.is_benchmark]
    head = {"study": study, "views": told, "tally": tally(views), "names": names}
    head |= {"every": views, "apart": len(apart)}
    head |= {"scrambled": scrambled, "margin": _margin_of(tables.comparisons)}
    link = f"../results/{study}/details.html"
    values = _values_over_all(findings, tables)
    page = re.sub(r"\n{3,}", "\n\n", render("verdict.md", **head, **values, details=link))
    sections = detail_sections(findings, tables, views)
    return {
        "markdown": page,
        "html": render(
            "page.html", title=f"Verdict of {study}", text=page.replace(link, "details.html")
        ),
        "details": render("details.html", **head, sections=sections),
        "note": render("note.md", **head),
    }


def _margin_of(comparisons: pd.DataFrame) -> str:
    """Return the margin of equivalence in words."""
    return "the margin" if comparisons.empty else f"{100 * comparisons['margin'].iloc[0]:.3g} %"


def _values_over_all(findings: pd.DataFrame, tables: StudyTables) -> dict[str, Any]:
    """Return what the page says of no problem by itself."""
    rows = records_of(findings)
    chosen = {
        name: [row for row in rows if row["question"] == question]
        for name, question in _LISTS.items()
    }
    steps = [row["level"] for row in chosen["costs"] if row["measure"] == "training_ratio"]
    return {
        **chosen,
        **_benchmarks_of(tables),
        "seeds": int(tables.metrics["seed"].nunique()),
        "total_runs": len(tables.metrics),
        "rows_share": tables.row_intervals["rows_share"].median(),
        "training_qubits": headline_qubits(steps) if steps else None,
        "overfits_above": f"{MARGIN:g}",
        "most_gained": f"{100 * MOST_GAINED:g} %",
        "tolerance_of_shots": f"{100 * tables.shots_needed['tolerance'].max():g} %",
        "tolerance": f"{100 * TOLERANCE:g} %",
        "article_qubits": ARTICLE_QUBITS,
        "article_ratio": f"{ARTICLE_RATIO:g}",
    }


def _benchmarks_of(tables: StudyTables) -> dict[str, Any]:
    """Return accuracies beside published ones, suite by suite, the test of ranks, and shares."""
    ranks = tables.benchmark_ranks
    first = ranks.drop_duplicates(["origin", "model"]).sort_values("rank")
    return {
        "benchmarks": pair_scores(tables.benchmark_scores),
        "of_training": count_training_scores(tables.benchmark_scores),
        "ranked": first.to_dict("records"),
        "shares": tables.variance_shares.to_dict("records"),
        "near": f"{NEAR:g}",
    }
