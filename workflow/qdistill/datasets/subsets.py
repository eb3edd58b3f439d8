"""The n labelled rows of each seed, nested in n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qdistill.errors import DataError
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame, read_metadata, write_table


def draw_subsets(
    latents_path: str | Path, outputs: Mapping[int, str | Path], seeds: Sequence[int]
) -> None:
    """Draw, for each seed, the training rows at every n.

    One permutation of the training rows per seed; its first n rows are the subset at n, so
    the subsets of a seed are nested and do not depend on which other n or seeds are asked.

    Parameters
    ----------
    latents_path : str or Path
        ``latents.parquet`` of the data set.
    outputs : mapping of int to path
        Where the subsets at each n go.
    seeds : sequence of int
        The seeds of the block.

    Raises
    ------
    DataError
        If an n is above the number of training rows, or the latents cannot be read.
    """
    train_rows = _train_rows(latents_path)
    for n in outputs:
        if n > len(train_rows):
            raise DataError(
                f"{latents_path}: n = {n} asks for more rows than the train split's "
                f"{len(train_rows)}"
            )
    # A seed's order must not depend on n, hence 0 in its place.
    orders = [generator_for(seed, 0, "subset").permutation(train_rows) for seed in seeds]
    data = read_metadata(latents_path).get("configuration_digest", "")
    for n, path in outputs.items():
        columns = {
            "seed": np.repeat(np.asarray(seeds, dtype=np.int64), n),
            "position": np.tile(np.arange(n), len(orders)),
            "row": np.concatenate([order[:n] for order in orders]),
        }
        write_table("subsets", path, columns, {"data": data, "n": n, "seeds": list(seeds)})


def load_subsets(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the subsets of one n and one block of seeds.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    seeds : ndarray of int64, shape (S,)
        Ascending.
    rows : ndarray of int64, shape (S, n)
        Row ids, in the order drawn.

    Raises
    ------
    DataError
        If the file cannot be read or a seed has not exactly the positions 0 to n - 1.
    """
    frame = read_frame("subsets", path).sort_values(["seed", "position"])
    seeds = frame["seed"].unique()
    n = len(frame) // max(len(seeds), 1)
    complete = np.tile(np.arange(n), len(seeds))
    if n == 0 or not np.array_equal(frame["position"].to_numpy(), complete):
        raise DataError(f"{path}: the seeds do not all have the positions 0 to n - 1")
    return seeds, frame["row"].to_numpy().reshape(len(seeds), n)


def _train_rows(latents_path: str | Path) -> np.ndarray:
    """Ids of the training rows, ascending, so that the file's order does not matter."""
    frame = read_frame("latents", latents_path)
    return np.sort(frame.loc[frame["split"] == "train", "row"].to_numpy(dtype=np.int64))
