"""A page that needs nothing else, from Markdown."""

from __future__ import annotations

import html

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 1.5rem auto;
       padding: 0 1rem; color: #1b1b1b; background: #fff; }}
h1, h2, h3, h4 {{ line-height: 1.25; }}
h2 {{ margin-top: 2.2rem; border-bottom: 1px solid #ccc; }}
h3 {{ margin-top: 1.8rem; }}
li {{ margin-bottom: 0.5rem; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }}
th, td {{ border: 1px solid #ccc; padding: 0.25rem 0.5rem; text-align: left;
         vertical-align: top; }}
th {{ background: #f2f2f2; }}
code {{ background: #f2f2f2; padding: 0 0.2rem; overflow-wrap: anywhere; }}
code.source {{ background: none; padding: 0; color: #767676; font-size: 0.7rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def render_page(markdown: str, title: str) -> str:
    """Render Markdown as one self-contained HTML page.

    Parameters
    ----------
    markdown : str
        CommonMark with tables; HTML in it is shown as text. Inline code that begins with a
        bracket is a source, and is shown small.
    title : str
        Of the page.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = body.replace("<table>", '<div class="table"><table>')
    body = body.replace("</table>", "</table></div>")
    body = body.replace("<code>[", '<code class="source">[')
    return _PAGE.format(title=html.escape(title), body=body)
