"""The task of telling the class of a row: another data set's vectors, with their labels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.datasets.labels import load_labels
from qdistill.datasets.latents import Latents, load_latents
from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import write_with_settings

_LABELLED = ("train", "heldout")


def label_latents(settings: Mapping[str, Any], path: str | Path, source_path: str | Path) -> None:
    """Take the labels of a data set's rows as targets: a one in the column of each row's class.

    Classes are sorted by name. Of a row whose class has fewer than ``least_rows`` in the train or
    the held-out split, the setting ``rare`` says whether it is dropped or refused; unlabelled rows
    keep their features and have no class, which no training reads. Raises DataError if the source
    has no labels, a class is refused, or fewer than two remain.
    """
    source = load_latents(source_path)
    labels, classes = _load_classes(settings, source_path, source.split)
    _write_classes(settings, path, source, labels, classes)


def shuffle_labels(settings: Mapping[str, Any], path: str | Path, source_path: str | Path) -> None:
    """Draw which row of a split has which of its labels: they are permuted at random.

    So no class has to do with a row, and each is as frequent as before. All else, refusals
    included, is as :func:`label_latents` has it.
    """
    source = load_latents(source_path)
    labels, classes = _load_classes(settings, source_path, source.split)
    generator = generator_for(settings["scramble_seed"], 0, "shuffled labels")
    for split in _LABELLED:
        places = np.flatnonzero((source.split == split) & np.isin(labels, classes))
        labels[places] = labels[generator.permutation(places)]
    _write_classes(settings, path, source, labels, classes)


def _load_classes(
    settings: Mapping[str, Any], source_path: str | Path, split: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the label of every row, and the classes that are told apart; or refuse them."""
    labels = load_labels(source_path, settings["source"])
    name = settings["source"]["name"]
    if labels is None:
        raise DataError(f"{source_path}: no labels, so '{name}' has no classes to tell apart")
    classes, rare = classes_of(labels, split, settings["least_rows"])
    if rare and settings["rare"] == "refuse":
        part, label, count = rare[0]
        raise DataError(
            f"{source_path}: class '{label}' has {count} rows in the split '{part}', and "
            f"'least_rows' is {settings['least_rows']}; drop such classes with 'rare: drop', or "
            "give more of their rows"
        )
    if len(classes) < 2:
        raise DataError(
            f"{source_path}: {len(classes)} classes have {settings['least_rows']} rows or more in "
            "the splits 'train' and 'heldout'; two are needed"
        )
    return labels, classes


def _write_classes(
    settings: Mapping[str, Any],
    path: str | Path,
    source: Latents,
    labels: np.ndarray,
    classes: np.ndarray,
) -> None:
    """Write the rows of the classes, and the unlabelled ones."""
    kept = np.isin(labels, classes) | (source.split == "unlabelled")
    columns = {
        "row": source.rows[kept],
        "split": source.split[kept],
        "label": np.where(source.split == "unlabelled", "", labels)[kept],
        "features": source.features[kept],
    }
    if source.texts is not None:
        columns["text"] = source.texts[kept]
    write_labelled(settings, path, columns, classes)


def write_labelled(
    settings: Mapping[str, Any],
    path: str | Path,
    columns: Mapping[str, np.ndarray],
    classes: np.ndarray,
) -> None:
    """Write ``latents.parquet`` of rows with labels: a one in the column of each row's class.

    The columns are ``row``, ``split``, ``label``, ``features`` and, where it is known, ``text``;
    classes are their names, sorted. Unlabelled rows have no class.
    """
    is_known = (columns["split"] != "unlabelled")[:, None]
    targets = (is_known & (columns["label"][:, None] == classes)).astype(np.float32)
    named = json.dumps(classes.tolist())
    write_with_settings("latents", path, {**columns, "targets": targets}, settings, classes=named)


def classes_of(
    labels: np.ndarray, split: np.ndarray, least: int
) -> tuple[np.ndarray, list[tuple[str, str, int]]]:
    """Find the classes with enough rows in both splits; of others split, name and count of rows."""
    asked = np.unique(labels[split != "unlabelled"])
    rare = [
        (part, str(label), int(count))
        for part in _LABELLED
        for label in asked
        if (count := np.count_nonzero((labels == label) & (split == part))) < least
    ]
    return np.setdiff1d(asked, [label for _, label, _ in rare]), rare
