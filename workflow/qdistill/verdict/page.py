"""Pages that need nothing else, from templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

_TEMPLATES = Path(__file__).parents[2] / "report" / "templates"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def render_page(template: str, **values: Any) -> str:
    """Return a self-contained HTML page.

    Parameters
    ----------
    template : str
        Name of a template in ``workflow/report/templates``, which has the filters ``markdown``
        for a text and ``inline_markdown`` for a phrase; HTML in both is shown as text.
    **values
        What the template is filled with; one that it lacks is an error.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = _MARKDOWN.render
    environment.filters["inline_markdown"] = _MARKDOWN.renderInline
    return environment.get_template(f"{template}.html.jinja").render(values)
