"""Weights as safetensors, with a leading seed axis. No pickle is ever read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from qdistill.errors import DataError
from qdistill.storage.files import atomic_path, code_version


def write_weights(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write named arrays, each with a leading seed axis S.

    Parameters
    ----------
    path : str or Path
        The final name; it appears only when complete.
    arrays : mapping of str to ndarray
        For example ``encoder.weight`` (S, N, D).
    metadata : mapping of str to str
        Kept in the file's header beside the code version.
    """
    with atomic_path(path) as partial:
        save_arrays(partial, arrays, metadata)


def save_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, at once under the name given, that others may read as usual.

    Parameters
    ----------
    path, arrays, metadata
        As for :func:`write_weights`.
    """
    path = Path(path)
    path.touch()
    usual = path.stat().st_mode
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(contiguous, path, {"code_version": code_version(), **metadata})
    path.chmod(usual)  # safetensors renames a private temporary file


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file.

    Raises
    ------
    DataError
        If the file is missing, truncated or not safetensors.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from error


def read_weights_metadata(path: str | Path) -> dict[str, str]:
    """Read the header of a safetensors file, such as the ``model`` it is of.

    Raises
    ------
    DataError
        If the file is missing, truncated or not safetensors.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from error
