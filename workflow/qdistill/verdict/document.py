"""The verdict on a study in words, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qdistill.storage.files import write_text
from qdistill.study.registry import ENTRIES
from qdistill.verdict.details import details
from qdistill.verdict.duplicates import duplicate_findings, duplicates_section
from qdistill.verdict.page import render_page
from qdistill.verdict.problems import order_problems
from qdistill.verdict.published import published_section
from qdistill.verdict.questions import QUESTIONS
from qdistill.verdict.questions.cost import cost_section
from qdistill.verdict.short import in_short
from qdistill.verdict.sources import bullet, join
from qdistill.verdict.summary import summarise_problems
from qdistill.verdict.tables import ProblemTables, StudyTables
from qdistill.verdict.trainability import trainability_section
from qdistill.wording import capitalised, enumeration, table_lines

_HOW_TO_READ = (
    "Errors are mean squared errors on held-out rows, lower being better; a ratio is the first "
    "model's error over the second's. Brackets hold 95 % intervals over the seeds (Student t on "
    "paired differences and log-ratios, Fieller for fractions). *Better* and *worse* need an "
    "interval that excludes zero and a Holm p below 0.05. *Not distinguishable* means that these "
    "seeds do not tell two models apart, not that they are the same; *not confirmed* that one "
    "interval alone would, but that Holm's correction for the number of comparisons takes it "
    "back. Crossovers and retained fractions rest on single tests, without that correction. How "
    "many seeds would decide something is a plan, and rough: the number, those already run "
    "included, at which a test would succeed with 80 % probability if the observed mean and "
    "spread were the true ones. At the end of a finding stands what it rests on, as "
    "`[table.parquet: column = value, ...]`, with `|` between values of which any will do."
)


def compose_verdict(
    tables: StudyTables,
    study: str,
    problems: Iterable[Mapping[str, Any]] = (),
    duplicates: Mapping[str, str] | None = None,
) -> str:
    """Compose the verdict of a study as Markdown.

    Parameters
    ----------
    tables : StudyTables
        All tables of the study.
    study : str
        Its name, which is also its folder under ``results/``.
    problems : iterable of mappings
        From :meth:`qdistill.study.tracks.Study.describe_problems`.
    duplicates : mapping of str to str, optional
        From :func:`qdistill.verdict.duplicates.duplicate_findings`.
    """
    parts = [tables.of(problem) for problem in order_problems(tables.metrics, problems)]
    names = frozenset(tables.metrics["model"])
    lines = [
        f"# Verdict of the study `{study}`",
        "",
        "## In short",
        "",
        *in_short(parts),
        "",
        *_problems_section(parts),
        *duplicates_section([part.problem for part in parts], duplicates or {}),
        f"**How to read this.** {_HOW_TO_READ} All tables are in `results/{study}/`; what each "
        "model is stands at the end.",
        "",
        "## The open questions",
        "",
        *_question_sections(parts, names),
        *cost_section(tables.cost),
        *published_section(tables, parts),
        *trainability_section(tables.trainability),
        "## Details",
        "",
    ]
    for part in parts:
        task = f"{capitalised(part.problem.task)}."
        lines += [f"### {part.problem.title}", "", task, "", *details(part)]
    return "\n".join([*lines, *_glossary(names)]).rstrip() + "\n"


def write_verdict(
    inputs: Mapping[str, Any],
    markdown_path: str | Path,
    html_path: str | Path,
    summary_path: str | Path,
    study: str,
    problems: Sequence[Mapping[str, Any]],
) -> None:
    """Write the verdict of a study and its summary table.

    Parameters
    ----------
    inputs : mapping of str to path
        Parquet files named ``metrics``, ``comparisons``, ``crossover``, ``transfer``,
        ``published``, ``attribution``, ``overfitting`` and ``choices``; ``trainability``,
        ``cost``, ``downstream``, ``downstream_comparisons`` and ``duplicates``, the files of
        data sets of texts, may be absent or empty lists.
    markdown_path, html_path : str or Path
        The verdict, as Markdown and as one self-contained HTML page.
    summary_path : str or Path
        The table of mean held-out errors, as HTML.
    study : str
        Name of the study.
    problems : sequence of mappings
        From :meth:`qdistill.study.tracks.Study.describe_problems`.

    Raises
    ------
    DataError
        If a table is missing, damaged or breaks its contract.
    """
    tables = StudyTables.read(inputs)
    duplicates = duplicate_findings(inputs.get("duplicates", ()))
    verdict = compose_verdict(tables, study, problems, duplicates)
    write_text(markdown_path, verdict)
    write_text(html_path, render_page("verdict", title=f"Verdict of {study}", text=verdict))
    found = summarise_problems(tables, problems)
    title = f"Held-out errors of {study}"
    write_text(summary_path, render_page("summary", title=title, study=study, problems=found))


def _problems_section(parts: Sequence[ProblemTables]) -> list[str]:
    rows = [
        [
            f"`{part.problem.dataset}`",
            part.problem.protocol,
            str(part.problem.qubits),
            part.problem.task,
            enumeration(part.sizes),
            str(part.seeds),
        ]
        for part in parts
    ]
    header = ["data set", "protocol", "qubits", "what is asked", "n", "seeds"]
    return [
        "## The problems",
        "",
        "A problem is a data set under a protocol. The article's protocol trains for a fixed "
        "number of epochs; the converged one for as long as the cross-validated loss falls, "
        "up to a number of steps that the study sets.",
        "",
        *table_lines(header, rows),
    ]


def _question_sections(parts: Sequence[ProblemTables], names: frozenset[str]) -> list[str]:
    lines = []
    for question in QUESTIONS:
        found = [(part, question.answer(part)) for part in parts]
        bullets = [bullet(join(said), part.problem.label) for part, said in found if said]
        lines += [f"### {question.title}", "", question.introduce(names), ""]
        lines += bullets or [question.unanswered]
        lines.append("")
    return lines


def _glossary(names: Collection[str]) -> list[str]:
    """Lines of Markdown that say what each name of a study is."""
    rows = [[f"`{name}`", entry.meaning] for name, entry in ENTRIES.items() if name in names]
    return [
        "## The models",
        "",
        "Every model encodes a row linearly into a code, passes it through its bottleneck and "
        "decodes the result linearly; only the bottleneck differs. Students keep the encoder and "
        "the decoder of their teacher.",
        "",
        *table_lines(["name", "what it is"], rows),
    ]
