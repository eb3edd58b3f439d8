"""Class labels of the rows of a data set, for measures that need classes.

No model sees a label: they are read only to ask whether its codes tell classes apart.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdistill.storage.tables import read_frame


def load_labels(latents_path: str | Path, settings: Mapping[str, Any]) -> np.ndarray | None:
    """Read or derive the label of every row of a data set, in its order; None where there are none.

    If there is no column ``label``, the ``kind`` of data says where they are found: for ``digits``
    they are the digits, which scikit-learn knows by row; for ``docstrings`` the package that a
    paragraph stands in, see :func:`package_of`. Raises DataError if the file is missing, damaged or
    breaks its contract.
    """
    frame = read_frame("latents", latents_path)
    if "label" in frame:
        return frame["label"].to_numpy(dtype=str)
    if settings["kind"] == "digits":
        from sklearn.datasets import load_digits

        return load_digits().target[frame["row"].to_numpy()].astype(str)
    if settings["kind"] == "docstrings" and "source" in frame:
        return np.array([package_of(source) for source in frame["source"]], dtype=str)
    return None


def package_of(source: str) -> str:
    """Return the package that a paragraph stands in: the first two parts of its module's name.

    All labelled and held-out rows are of one distribution, so its own name would tell no two
    rows apart; the packages in it do. A module that stands beside them makes a class of its
    own, which no other split has, since paragraphs of one file are never split. The source is
    "distribution version module.path:object", as ``paragraphs.parquet`` has it.

    Examples
    --------
    >>> package_of("pennylane 0.45.1 pennylane.transforms.core.transform:Transform")
    'pennylane.transforms'
    >>> package_of("pennylane 0.45.1 pennylane:")
    'pennylane'
    """
    module = source.split(" ")[-1].partition(":")[0]
    return ".".join(module.split(".")[:2])
