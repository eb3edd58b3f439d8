"""Texts that stand in two splits, word for word or nearly so."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdistill.datasets.prose import normal_form
from qdistill.storage.tables import read_frame, write_with_settings

# Two texts are near duplicates if they share this part of all their runs of three words
# (Jaccard similarity). One word of thirty changed leaves 0.81, two words 0.65.
THRESHOLD = 0.7
_RUN = 3
# Of a pair, the row of the split that comes later here is the copy.
_ORDER = ("train", "heldout", "unlabelled")

# In 32 bands of 4 hash values a pair at the threshold is met with probability 0.9998, and one
# that shares a tenth of its runs with probability 0.003.
_BANDS, _BAND_ROWS = 32, 4
_SKETCH_SEED = 1

# Chinese and Japanese are written without spaces: there each character counts as a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def find_duplicates(
    paragraphs_path: str | Path, path: str | Path, settings: Mapping[str, Any]
) -> None:
    """Find texts that stand in two splits and write ``duplicates.parquet``.

    A row is a copy of another if it stands in a split that comes later in the order train,
    heldout, unlabelled. There is a line for each copy and each earlier split in which its text
    stands too; it names the most similar row there (the first of several) and how similar the
    two are. Similarity 1 means the same runs of words, case and punctuation aside.

    Candidates are met by MinHash and locality-sensitive hashing [1]_, and their similarity is
    then computed exactly, so that no pair below the threshold is listed.
    The file's metadata hold the number of rows of each split, and the data set's settings.

    References
    ----------
    .. [1] J. Leskovec, A. Rajaraman, J. Ullman, Mining of Massive Datasets, chapter 3.
    """
    frame = read_frame("paragraphs", paragraphs_path)
    table = _copies(frame)
    counts = frame["split"].value_counts()
    rows = json.dumps({split: int(counts.get(split, 0)) for split in _ORDER})
    about = {"rows": rows, "threshold": repr(THRESHOLD)}
    write_with_settings("duplicates", path, table, settings, **about)
    log = logging.getLogger(__name__)
    for (split, other), found in table.groupby(["split", "other_split"]):
        same = int((found["similarity"] == 1).sum())
        log.warning(
            "%d of %d %s rows repeat a row of split %s (%d word for word)",
            *(len(found), counts[split], split, other, same),
        )
    if table.empty:
        log.info("no text stands in two splits")


def word_runs(text: str) -> frozenset[str]:
    """List the runs of three consecutive words of a text, case and punctuation aside.

    A shorter text is one run, and so is one without words.
    """
    words = _WORD.findall(normal_form(text)) or [normal_form(text)]
    last = max(len(words) - _RUN, 0)
    return frozenset(" ".join(words[start : start + _RUN]) for start in range(last + 1))


def _copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Lines of the table, by row and earlier split."""
    ids, splits = frame["row"].to_numpy(), frame["split"].to_numpy(dtype=str)
    runs = [word_runs(text) for text in frame["text"]]
    sketches = _sketches(runs)
    lines: list[tuple[int, int, str, str, float]] = []
    for place, split in enumerate(_ORDER[:-1]):
        later = np.flatnonzero(np.isin(splits, _ORDER[place + 1 :]))
        earlier = np.flatnonzero(splits == split)
        for copy, original, similarity in _matches(runs, sketches, later, earlier):
            lines.append((ids[copy], ids[original], splits[copy], split, similarity))
    names = ["row", "other_row", "split", "other_split", "similarity"]
    table = pd.DataFrame(lines, columns=names).sort_values(["row", "other_split"])
    return table.astype({"row": "int64", "other_row": "int64", "similarity": "float64"})


def _sketches(runs: Sequence[frozenset[str]]) -> dict[frozenset[str], Any]:
    """MinHash of each distinct set of runs."""
    from datasketch import MinHash
    from tqdm import tqdm

    distinct = list(dict.fromkeys(runs))
    encoded = ([run.encode() for run in each] for each in distinct)
    made = MinHash.generator(encoded, num_perm=_BANDS * _BAND_ROWS, seed=_SKETCH_SEED)
    progress = tqdm(made, total=len(distinct), desc="sketching", unit="text", mininterval=5)
    return dict(zip(distinct, progress, strict=True))


def _matches(
    runs: Sequence[frozenset[str]],
    sketches: Mapping[frozenset[str], Any],
    later: np.ndarray,
    earlier: np.ndarray,
) -> Iterator[tuple[int, int, float]]:
    """Position of each copy, of the most similar earlier row, and their similarity."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=_BANDS * _BAND_ROWS, params=(_BANDS, _BAND_ROWS))
    first: dict[frozenset[str], int] = {}
    for position in earlier:
        if first.setdefault(runs[position], int(position)) == position:
            index.insert(int(position), sketches[runs[position]], check_duplication=False)
    for position in later:
        own = runs[position]
        near = [
            (len(own & runs[other]) / len(own | runs[other]), -other)
            for other in index.query(sketches[own])
        ]
        if near and (best := max(near))[0] >= THRESHOLD:
            yield int(position), -best[1], best[0]
