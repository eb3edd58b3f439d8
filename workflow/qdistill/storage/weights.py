"""Weights as safetensors, with a leading seed axis. No pickle is ever read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from qdistill.errors import DataError
from qdistill.storage.files import atomic_path, code_version


def write_weights(
    path: str | Path,
    arrays: Mapping[int, Mapping[str, np.ndarray]],
    seeds: Sequence[int],
    metadata: Mapping[str, str],
) -> None:
    """Write the arrays of one model at each n, each with a leading seed axis S.

    They have the keys ``n~{n}/{name}``. An array that is the same at every one of several n is
    stored once, under its bare name, and one that is the same for all seeds with a leading axis
    of 1: copies of frozen projections would take most of the room. Arrays are given by n and name,
    for example ``encoder.weight`` (S, N, D), and the metadata is kept in the file's header beside
    ``seeds``, ``sizes`` and the code version.
    """
    stored: dict[str, np.ndarray] = {}
    first = next(iter(arrays.values()))
    for n, own in arrays.items():
        for name, array in own.items():
            same = len(arrays) > 1 and all(
                name in other and np.array_equal(array, other[name]) for other in arrays.values()
            )
            if not same or own is first:
                shared = bool((array == array[:1]).all())
                stored[name if same else f"n~{n}/{name}"] = array[:1] if shared else array
    about = {"seeds": ",".join(map(str, seeds)), "sizes": ",".join(map(str, arrays)), **metadata}
    with atomic_path(path) as partial:
        save_arrays(partial, stored, about)


def save_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, at once under the name given, that others may read as usual.

    The metadata is kept in the file's header beside the code version.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Not by `save_file`, which renames a private file of its own, and leaves that when killed.
    content = save(contiguous, {"code_version": code_version(), **metadata})
    Path(path).write_bytes(content)


def read_weights(path: str | Path, n: int) -> dict[str, np.ndarray]:
    """Read the arrays that :func:`write_weights` was given at one n, by name.

    Raises DataError if the file is missing, truncated, not safetensors, or has nothing at this n.
    """
    about, prefix = read_weights_metadata(path), f"n~{n}/"
    if str(n) not in about.get("sizes", "").split(","):
        raise DataError(f"{path}: no weights at n = {n}; it has n = {about.get('sizes', '')}")
    seeds = len(read_seeds(path))
    with safe_open(path, framework="numpy") as file:
        keys = [key for key in file.keys() if key.startswith(prefix) or "/" not in key]  # noqa: SIM118
        arrays = {key.removeprefix(prefix): file.get_tensor(key) for key in keys}
    return {
        name: array if len(array) == seeds else np.repeat(array, seeds, axis=0)
        for name, array in arrays.items()
    }


def read_seeds(path: str | Path) -> list[int]:
    """Read the seeds that weights are of, in the order of their leading axis.

    Raises DataError if the file is damaged or does not say.
    """
    listed = read_weights_metadata(path).get("seeds", "")
    try:
        return [int(seed) for seed in listed.split(",")]
    except ValueError as error:
        raise DataError(f"{path}: its header names the seeds '{listed[:80]}'") from error


def check_seeds(path: str | Path, seeds: Sequence[int], subsets: str | Path) -> None:
    """Raise DataError if weights are not of the seeds that a file of subsets holds."""
    if read_seeds(path) != list(seeds):
        raise DataError(f"{path}: its seeds are not those of {subsets}")


def read_weights_metadata(path: str | Path) -> dict[str, str]:
    """Read the header of a safetensors file, such as the ``model`` it is of.

    Raises DataError if the file is missing, truncated or not safetensors.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from error
