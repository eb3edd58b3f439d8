"""Documents from templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from qdistill import wording
from qdistill.places import WORKFLOW
from qdistill.study.noise import load_presets
from qdistill.study.registry import ENTRIES, STUDENTS, is_of_circuit
from qdistill.verdict.views import View, interval

_TEMPLATES = WORKFLOW / "report" / "templates"


def render(template: str, **values: Any) -> str:
    """Return a document: a file of ``workflow/report/templates``, given without ``.jinja``, filled.

    A value that it asks for and that is not given is an error.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": wording.number,
        "p_value": wording.p_value,
        "counted": wording.counted,
        "listed": wording.enumeration,
        "quoted": wording.quoted,
        "capitalised": wording.capitalised,
        "interval": interval,
        "markdown": _markdown,
        "table": _table,
    }
    environment.globals |= {
        "entries": ENTRIES,
        "students": STUDENTS,
        "reasons": wording.REASONS,
        "estimate": wording.estimate,
        "crossing": wording.crossing,
        "is_of_circuit": is_of_circuit,
        "is_device": is_device,
        "answers": answers,
    }
    return environment.get_template(f"{template}.jinja").render(values)


def is_device(stage: str) -> bool:
    """Return whether a circuit was measured at the rates of a device, not those of a sweep."""
    return stage.partition(",")[0] in load_presets()


def answers(views: Iterable[View], say: Callable[[View], str]) -> list[tuple[str, str]]:
    """List what a macro says of each problem, problems with the same answer together.

    Returns
    -------
    list of (str, str)
        Names of the problems, and the sentence; problems without one are left out.
    """
    said: dict[str, dict[str, list[str]]] = {}
    for view in views:
        words = wording.capitalised(" ".join(say(view).split()))
        if words:
            by_protocol = said.setdefault(words, {})
            by_protocol.setdefault(view.problem.protocol, []).append(f"`{view.problem.dataset}`")
    return [
        ("; ".join(f"{', '.join(names)} {protocol}" for protocol, names in groups.items()), words)
        for words, groups in said.items()
    ]


def _table(text: str) -> str:
    """Return a table of Markdown, or nothing where it has a header alone."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(lines) if len(lines) > 2 else ""


def _markdown(text: str) -> str:
    """Return Markdown as HTML; HTML in it is shown as text."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
