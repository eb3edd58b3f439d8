"""The verdict on a study in words, as Markdown and as HTML, and its summary table."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

from qdistill.files import write_text
from qdistill.verdict.sections import sections, summary_lines
from qdistill.verdict.sentences import in_short
from qdistill.verdict.tables import StudyTables, seeds_in_words

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 1.5rem auto;
       padding: 0 1rem; color: #1b1b1b; background: #fff; }}
h1, h2, h3 {{ line-height: 1.25; }}
h2 {{ margin-top: 2.2rem; border-bottom: 1px solid #ccc; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }}
th, td {{ border: 1px solid #ccc; padding: 0.25rem 0.5rem; text-align: left;
         vertical-align: top; }}
th {{ background: #f2f2f2; }}
code {{ background: #f2f2f2; padding: 0 0.2rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""

_HOW_TO_READ = (
    "How to read this: errors are mean squared errors on held-out rows, lower being better; "
    "brackets hold 95 % intervals over the seeds (Student t on paired differences and log-ratios, "
    "Fieller for fractions). *Better* and *worse* need an interval that excludes zero and a Holm "
    "p below 0.05. *Not distinguishable* means that these seeds do not tell two models apart, "
    "not that they are the same; *not confirmed* that one interval alone would, but that Holm's "
    "correction for the number of comparisons takes it back. Crossovers and retained fractions "
    "rest on single tests, without that correction."
)


def compose_verdict(tables: StudyTables, study: str) -> str:
    """Compose the verdict of a study as Markdown.

    Parameters
    ----------
    tables : StudyTables
        All tables of the study.
    study : str
        Its name, which is also its folder under ``results/``.
    """
    parts = {pair: tables.of(*pair) for pair in tables.datasets}
    lines = [f"# Verdict of the study `{study}`", "", "## In short", ""]
    for (dataset, qubits), part in parts.items():
        answers = in_short(part) or ["The study does not hold the models that a verdict needs."]
        lines += [f"**`{dataset}`** ({qubits} qubits, {seeds_in_words(part.seeds)})", ""]
        lines += [*(f"- {answer}" for answer in answers), ""]
    lines += [
        _HOW_TO_READ,
        "",
        f"All numbers come from the Parquet files in `results/{study}/`.",
        "",
    ]
    for (dataset, qubits), part in parts.items():
        lines += [f"## `{dataset}`, {qubits} qubits", "", *sections(part)]
    return "\n".join(lines).rstrip() + "\n"


def compose_summary(tables: StudyTables, study: str) -> str:
    """Compose the table of mean held-out errors of a study as Markdown.

    Parameters
    ----------
    tables : StudyTables
        All tables of the study.
    study : str
        Its name.
    """
    lines = [
        f"# Held-out errors of the study `{study}`",
        "",
        "Mean squared error on the held-out rows, mean over the seeds with its 95 % interval "
        f"(Student t), from `results/{study}/metrics.parquet`. Overlapping intervals do not show "
        "that two models are alike: the verdict compares them paired by seed.",
        "",
    ]
    for dataset, qubits in tables.datasets:
        part = tables.of(dataset, qubits)
        lines += [
            f"## `{dataset}`, {qubits} qubits, {seeds_in_words(part.seeds)}",
            "",
            *summary_lines(part),
        ]
    return "\n".join(lines).rstrip() + "\n"


def render_page(markdown: str, title: str) -> str:
    """Render Markdown as one self-contained HTML page.

    Parameters
    ----------
    markdown : str
        CommonMark with tables; HTML in it is shown as text.
    title : str
        Of the page.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = body.replace("<table>", '<div class="table"><table>')
    body = body.replace("</table>", "</table></div>")
    return _PAGE.format(title=html.escape(title), body=body)


def write_verdict(
    inputs: Mapping[str, str | Path],
    markdown_path: str | Path,
    html_path: str | Path,
    summary_path: str | Path,
    study: str,
) -> None:
    """Write the verdict of a study and its summary table.

    Parameters
    ----------
    inputs : mapping of str to path
        Parquet files named ``metrics``, ``comparisons``, ``crossover``, ``transfer``
        and ``published``.
    markdown_path, html_path : str or Path
        The verdict, as Markdown and as one self-contained HTML page.
    summary_path : str or Path
        The table of mean held-out errors, as HTML.
    study : str
        Name of the study.

    Raises
    ------
    DataError
        If a table is missing, damaged or breaks its contract.
    """
    tables = StudyTables.read(**inputs)
    verdict = compose_verdict(tables, study)
    write_text(markdown_path, verdict)
    write_text(html_path, render_page(verdict, f"Verdict of the study {study}"))
    summary = compose_summary(tables, study)
    write_text(summary_path, render_page(summary, f"Held-out errors of the study {study}"))
