"""A sample of the user's rows, where a study sets a limit to them."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from qdistill.randomness import generator_for


def draw_sample(count: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Draw which of so many rows have part, as ``most_rows`` says: ascending positions, or all."""
    most = settings["most_rows"]
    if most is None or count <= most:
        return np.arange(count)
    logging.getLogger(__name__).warning("most_rows: %d of %d rows have part", most, count)
    generator = generator_for(settings["split_seed"], 0, "sample of rows")
    return np.sort(generator.permutation(count)[:most])
