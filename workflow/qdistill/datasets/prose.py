"""Prose out of docstrings: split into paragraphs, mark-up removed, non-prose refused."""

import re
from textwrap import dedent

# Sections of numpydoc whose paragraphs are lists of names, not prose.
_LIST_SECTIONS = frozenset(
    {
        "Attributes",
        "Keyword Arguments",
        "Methods",
        "Other Parameters",
        "Parameters",
        "Raises",
        "Receives",
        "References",
        "Returns",
        "See Also",
        "Warns",
        "Yields",
    }
)

_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.])\1{2,}$")

# First characters of a line that belongs to code, a directive, a field, a table or a list.
_NOT_PROSE_LINE = re.compile(
    r"""
    \s                          # indented: an item's description, a literal block
    | >>> | \.\.                # doctest; directive, comment, or doctest continuation
    | :(?![\w:+-]+:`)           # field list (a role such as :func:`f` is allowed)
    | \| | \+[-=]               # table
    | [-*+•]\s | \#\S?\.?\s     # bullets
    | \(?[0-9a-zA-Z][.)]\s      # enumeration
    | \[\w+\]\s                 # footnote
    | @ | ``` | ~~~ | \$ | % | < | \\begin | \\end
    """,
    re.VERBOSE,
)

# The opening line of a directive whose body is prose like any other.
_ADMONITION = re.compile(r"\A\s*\.\. (?:note|warning|tip|important|seealso)::[ ]*\n(?=\s)")

_MARKUP = (
    (re.compile(r":[\w:+-]+:`([^`<]+?)\s*<[^`>]+>`"), r"\1"),  # :ref:`words <target>`
    (re.compile(r":[\w:+-]+:`~[^`]*?([^`.]+)`"), r"\1"),  # :class:`~package.Name`
    (re.compile(r":[\w:+-]+:`([^`]+)`"), r"\1"),  # :class:`Name`
    (re.compile(r"`([^`<]+?)\s*<[^`>]+>`_*"), r"\1"),  # `words <address>`_
    (re.compile(r"\[([^\]]+)\]\([^)\s]+\)"), r"\1"),  # [words](address)
    (re.compile(r"(\[[\w#]+\])_"), r"\1"),  # footnote mark
    (re.compile(r"``([^`]+)``"), r"\1"),
    (re.compile(r"`([^`]+)`_*"), r"\1"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])"), r"\1"),
    (re.compile(r"\\ "), ""),  # an escaped space joins
    (re.compile(r"\s*:(?:\s*:)+\s*$"), ":"),
    (re.compile(r"\s+"), " "),
)

_PLAIN_WORD = re.compile(
    r"[(\"'\u201c]*[A-Za-z][A-Za-z'\u2019-]*[)\"'\u201d]*[.,;:!?]*[)\"'\u201d]*"
)
_ENDING = re.compile(r"[.!?:][)\"'\u201d]*$")
_FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "be", "by", "can", "for", "from", "has", "if", "in"),
        *("into", "is", "it", "its", "not", "of", "on", "or", "that", "the", "then", "this"),
        *("to", "used", "was", "we", "when", "where", "which", "will", "with", "you"),
    )
)
_FEWEST_WORDS = 8
_PLAIN_SHARE = 0.8


def prose_paragraphs(docstring: str, minimum: int, maximum: int) -> list[str]:
    """Return the paragraphs of a docstring that are English prose, one line each, without mark-up.

    Kept are paragraphs of plain sentences, also those inside notes and other directives.
    Doctests, literal blocks, field lists, parameter lists, tables, bullets, headings and
    references (reStructuredText, and the sections of numpydoc and Google style) are left
    out, and so is whatever has too few ordinary words, such as formulas. The docstring is as
    ``ast.get_docstring`` gives it, without its common indentation; the limits of length, both
    inclusive, are in characters, after the mark-up is removed.
    """
    found = []
    section = ""
    for block in re.split(r"\n\s*\n", docstring):
        lines, heading = _without_heading(dedent(_ADMONITION.sub("", block)).splitlines())
        section = heading or section
        if section in _LIST_SECTIONS or not lines:
            continue
        joined = " ".join(lines)
        # Without its mark-up a text is no longer.
        if len(joined) < minimum or ">>>" in joined or any(map(_NOT_PROSE_LINE.match, lines)):
            continue
        text = _plain(joined)
        if minimum <= len(text) <= maximum and _is_prose(text):
            found.append(text)
    return found


def normal_form(text: str) -> str:
    """Return text with white space and case made equal, to find duplicates by."""
    return " ".join(text.split()).casefold()


def _without_heading(lines: list[str]) -> tuple[list[str], str]:
    """Lines below the last underlined heading of a block, and that heading."""
    for index in range(len(lines) - 1, -1, -1):
        if _UNDERLINE.match(lines[index].strip()):
            return lines[index + 1 :], lines[index - 1].strip() if index else ""
    return lines, ""


def _plain(text: str) -> str:
    """Text without reStructuredText's and Markdown's inline mark-up."""
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def _is_prose(text: str) -> bool:
    """Whether a line of text reads as English sentences rather than names or formulas."""
    words = text.split()
    plain = [word for word in words if _PLAIN_WORD.fullmatch(word)]
    function_words = {word.lower().strip(".,;:") for word in plain} & _FUNCTION_WORDS
    return (
        text[0].isupper()
        and bool(_ENDING.search(text))
        and len(plain) >= _FEWEST_WORDS
        and len(plain) >= _PLAIN_SHARE * len(words)
        and len(function_words) >= 2
    )
