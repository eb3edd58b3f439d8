"""The user's own texts: read, checked, split by document, and written as paragraphs."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.documents import Paragraph, deal_documents, write_paragraphs
from qdistill.datasets.label_columns import partition_labels, read_labels
from qdistill.datasets.sampling import draw_sample
from qdistill.datasets.text_tables import check_filled, read_columns
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.study.reading import is_table, part_files, read_text
from qdistill.study.user_files import text_files

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def collect_texts(settings: Mapping[str, Any], largest_n: int, path: str | Path) -> None:
    """Read the user's texts, split them by document, and write ``paragraphs.parquet``.

    Each row of a table is one paragraph and, unless ``document_column`` says otherwise, a
    document of its own. In a folder each file is a document, with blank lines between its
    paragraphs. A single file of plain text would be one document, which no split can keep
    whole, so there each paragraph is a document of its own.

    The user's files are never changed. Column ``row`` counts the rows of the table, or the
    paragraphs of all files together, from 0; those shorter or longer than the settings allow are
    left out, and their number is in the log and in the file. Raises DataError if a file cannot be
    read (see :func:`~qdistill.datasets.text_tables.read_columns`,
    :func:`~qdistill.datasets.label_columns.read_labels` and
    :func:`~qdistill.study.reading.read_text`), a text, document or label is empty, or there
    are too few documents or paragraphs for the splits, ``largest_n`` to train on.
    """
    found = read_texts(settings)
    low, high = settings["minimum_characters"], settings["maximum_characters"]
    rows = usable_rows(found, settings)
    short = sum(len(each.text) < low for each in found)
    left_out = {"too_short": short, "too_long": len(found) - len(rows) - short}
    log = logging.getLogger(__name__)
    log.info("%s: %d paragraphs", settings["path"], len(found))
    if len(rows) < len(found):
        log.warning(
            "left out: %d paragraphs below %d characters and %d above %d",
            *(short, low, left_out["too_long"], high),
        )
    rows = [rows[place] for place in draw_sample(len(rows), settings)]
    kept = [found[row] for row in rows]
    splits = split_texts([each.document for each in kept], settings, largest_n)
    for split in ("train", "unlabelled", "heldout"):
        inside = {each.document for each, own in zip(kept, splits, strict=True) if own == split}
        count = np.count_nonzero(splits == split)
        log.info("%s: %d paragraphs of %d documents", split, count, len(inside))
    about = {"left_out": json.dumps(left_out)}
    write_paragraphs(rows, splits.tolist(), kept, path, settings, about)


def usable_rows(found: Sequence[Paragraph], settings: Mapping[str, Any]) -> list[int]:
    """List the paragraphs that are neither shorter nor longer than the settings allow."""
    low, high = settings["minimum_characters"], settings["maximum_characters"]
    return [row for row, each in enumerate(found) if low <= len(each.text) <= high]


def split_texts(
    documents: Sequence[str], settings: Mapping[str, Any], largest_n: int
) -> np.ndarray:
    """Draw each paragraph's split, by its document, as near to the shares as those allow.

    Raises DataError for fewer documents than splits, or fewer training rows than ``largest_n``.
    """
    heldout, unlabelled = settings["heldout_fraction"], settings["unlabelled_fraction"]
    wanted = {"train": 1 - heldout - unlabelled, "unlabelled": unlabelled, "heldout": heldout}
    count = len(set(documents))
    limits = (
        f"of {settings['minimum_characters']} to {settings['maximum_characters']} characters "
        "(minimum_characters, maximum_characters)"
    )
    if count < len(wanted):
        raise DataError(
            f"{settings['path']}: {count} documents have paragraphs {limits}, and the splits "
            f"train, unlabelled and heldout, which share no document, need {len(wanted)}"
        )
    generator = generator_for(settings["split_seed"], 0, "text split")
    dealt = deal_documents(documents, wanted, generator)
    if len(dealt["train"]) < largest_n:
        raise DataError(
            f"{settings['path']}: its {len(documents)} paragraphs {limits} in {count} documents "
            f"leave {len(dealt['train'])} to train on, and n = {largest_n} needs {largest_n}"
        )
    split = np.empty(len(documents), dtype="<U10")
    for name, rows in dealt.items():
        split[rows] = name
    return split


def split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of plain text, which stand between blank lines, each on one line."""
    blocks = (" ".join(block.split()) for block in _BLANK_LINES.split(text))
    return [block for block in blocks if block]


def read_texts(settings: Mapping[str, Any]) -> list[Paragraph]:
    """Read every paragraph of the user's, in order; see :func:`collect_texts`."""
    path = Path(settings["path"])
    if is_table(path):
        return _read_parts(part_files(path), settings)
    if path.is_dir():
        return _read_files(text_files(path), path)
    logging.getLogger(__name__).warning(
        "%s: one file, so each of its paragraphs is a document of its own, and neighbours may be "
        "in different splits; files in a folder are documents that stay whole",
        path,
    )
    return [
        Paragraph(text, source := f"{path.name} paragraph {number}", source)
        for number, text in enumerate(split_paragraphs(read_text(path)), start=1)
    ]


def _read_files(files: Sequence[str], folder: Path) -> list[Paragraph]:
    """Paragraphs of a folder's files, each file a document."""
    found: list[Paragraph] = []
    log = logging.getLogger(__name__)
    passed_over = sum(file.is_file() for file in folder.rglob("*")) - len(files)
    if passed_over:
        log.warning(
            "%s: passed over %d files that are hidden, links, or not plain text by their extension",
            *(folder, passed_over),
        )
    for file in files:
        document = Path(file).relative_to(folder).as_posix()
        texts = split_paragraphs(read_text(file))
        if not texts:
            log.warning("%s: empty", file)
        for number, text in enumerate(texts, start=1):
            found.append(Paragraph(text, f"{document} paragraph {number}", document))
    return found


def _read_parts(parts: Sequence[Path], settings: Mapping[str, Any]) -> list[Paragraph]:
    """Paragraphs of a table in one file or several, which may be divided by their labels."""
    name = settings["label_column"]
    told = None if name is None else partition_labels(parts, settings["path"], name)
    labels = [None] * len(parts) if told is None else told
    both = zip(parts, labels, strict=True)
    return [each for part, label in both for each in _read_table(part, settings, label)]


def _read_table(
    path: Path, settings: Mapping[str, Any], told: str | None = None
) -> list[Paragraph]:
    """Paragraphs of a table, one a row; ``told`` is the label that all of them have."""
    keys = ("text_column", "document_column")
    given = {key: settings[key] for key in keys if settings[key] is not None}
    columns = read_columns(path, list(given.values()))
    for name in given.values():
        check_filled(path, name, columns[name])
    texts = columns[given["text_column"]]
    folder = Path(settings["path"])
    named = path.relative_to(folder).as_posix() if folder.is_dir() else path.name
    sources = [f"{named} row {row}" for row in range(len(texts))]
    documents = columns[given["document_column"]] if "document_column" in given else sources
    label = settings["label_column"]
    is_told = label is None or told is not None
    labels = [told] * len(texts) if is_told else read_labels(path, label)
    parts = zip(texts, sources, documents, labels, strict=True)
    return [Paragraph(text.strip(), source, doc, label) for text, source, doc, label in parts]
