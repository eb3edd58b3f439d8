"""The n labelled rows of each seed, nested in n: the first n of the seed's order of all rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame, read_metadata, write_table


def draw_subsets(
    rows_path: str | Path,
    seeds: Sequence[int],
    path: str | Path,
    kind: str = "latents",
    needed: Mapping[str, tuple[int, str]] | None = None,
    smallest: int = 0,
) -> None:
    """Draw each seed's order of the training rows.

    The subset at n is the first n rows, so the subsets of a seed are nested and do not depend on
    which n or other seeds are asked for; where classes are to be told apart they are stratified.
    The rows are those of a table by the contract of ``kind``, latents or paragraphs; ``needed``
    says for a split how many rows the study asks for, and what does, ``smallest`` is its smallest
    n. Raises DataError if the table cannot be read, a split has fewer, or the smallest subset of a
    seed lacks two rows of a class, before anything is trained.
    """
    frame = read_frame(kind, rows_path)
    for split, (least, what) in (needed or {}).items():
        count = np.count_nonzero(frame["split"] == split)
        if count < least:
            raise DataError(
                f"{rows_path}: {what} needs {least} rows of the split '{split}', and it has {count}"
            )
    # Ascending, so that the file's order does not matter.
    train = frame[frame["split"] == "train"].sort_values("row")
    train_rows, about = train["row"].to_numpy(dtype=np.int64), read_metadata(rows_path)
    labels = train["label"].to_numpy(dtype=str) if "classes" in about else None
    is_even = json.loads(about.get("settings", "{}")).get("even", False)
    orders = [_order(train_rows, labels, seed, is_even) for seed in seeds]
    if labels is not None:
        label_of = dict(zip(train_rows, labels, strict=True))
        _check_classes(rows_path, label_of, orders, seeds, smallest)
        if is_even and needed and "train" in needed:
            _check_even(rows_path, labels, needed["train"][0])
    columns = {
        "seed": np.repeat(np.asarray(seeds, dtype=np.int64), len(train_rows)),
        "position": np.tile(np.arange(len(train_rows)), len(orders)),
        "row": np.concatenate(orders),
    }
    data = about.get("configuration_digest", "")
    write_table("subsets", path, columns, {"data": data, "seeds": list(seeds)})


def _order(rows: np.ndarray, labels: np.ndarray | None, seed: int, is_even: bool) -> np.ndarray:
    """Rows in a seed's own order, which must not depend on n: hence 0 in its place.

    Where rows have classes to be told apart, every class has its share of the first n, for any n,
    to within a row or two: each takes its places at even distances from a random start. If the
    subsets are to be even, classes take turns, those that are used up falling out.
    """
    generator = generator_for(seed, 0, "subset")
    order = generator.permutation(len(rows))
    if labels is None:
        return rows[order]
    place = np.empty(len(rows))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        start, share = generator.random(), 1 if is_even else len(own)
        place[own] = (np.arange(len(own)) + start) / share
    return rows[np.argsort(place, kind="stable")]


def _check_classes(
    path: str | Path,
    labels: Mapping[int, str],
    orders: Sequence[np.ndarray],
    seeds: Sequence[int],
    smallest: int,
) -> None:
    """Refuse subsets in which cross-validation would train without a class."""
    every = sorted(set(labels.values()))
    for seed, order in zip(seeds, orders, strict=True):
        held = [labels[row] for row in order[:smallest]]
        for label in every if smallest else ():
            if (count := held.count(label)) < 2:
                raise DataError(
                    f"{path}: of the {len(every)} classes, '{label}' has {count} of the first "
                    f"n = {smallest} rows of seed {seed}, and cross-validation needs 2; give "
                    "a larger n, or drop rare classes with a larger 'least_rows' and 'rare: drop'"
                )


def _check_even(path: str | Path, labels: np.ndarray, largest: int) -> None:
    """Refuse classes of which the largest subset would hold fewer rows than of others."""
    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < (each := largest // len(names)):
        raise DataError(
            f"{path}: class '{names[counts.argmin()]}' has {counts.min()} rows to train on, and "
            f"'per_class' asks for {each}; give fewer, or 'n', which takes classes as they come"
        )


def resolve_sizes(sizes: Sequence[int | str], path: str | Path) -> tuple[int, ...]:
    """Return every n as a number, ascending: ``all`` is how many rows a seed has in the subsets.

    Raises DataError if the file cannot be read or is empty.
    """
    numbers = {n for n in sizes if isinstance(n, int)}
    if len(numbers) < len(sizes):
        positions = read_frame("subsets", path)["position"]
        if positions.empty:
            raise DataError(f"{path}: no rows to train on")
        numbers.add(int(positions.max()) + 1)
    return tuple(sorted(numbers))


def load_subsets(path: str | Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the n labelled rows of each seed of a block.

    Returned are the seeds, int64 (S,), ascending, and row ids, int64 (S, n), in the order drawn.
    Raises DataError if the file cannot be read, lacks a position, or has fewer than n rows of a
    seed.
    """
    frame = read_frame("subsets", path, [("position", "<", n)]).sort_values(["seed", "position"])
    seeds, counts = np.unique(frame["seed"], return_counts=True)
    if frame.empty or (frame["position"] != frame.groupby("seed").cumcount()).any():
        raise DataError(f"{path}: the seeds do not all have the positions from 0 on")
    if counts.min() < n:
        raise DataError(f"{path}: n = {n} asks for more rows than the train split's {counts.min()}")
    return seeds, frame["row"].to_numpy().reshape(len(seeds), n)
