"""Whole numbers of the user's, which become 32-bit numbers only if they stay what they are."""

import numpy as np

from qdistill.errors import DataError

LARGEST_WHOLE = 2**24  # up to here every whole number is one in float32


def check_whole(values: np.ndarray, where: str, first_row: int = 0) -> None:
    """Validate that float32 holds whole numbers (rows, features) as they are.

    Numbers with a fraction are rounded to the nearest, and need no such check. Raises DataError
    with the row of one that is too large, as it is counted from ``first_row``.
    """
    wrong = np.argwhere(np.abs(values) > LARGEST_WHOLE)
    if len(wrong):
        row, place = wrong[0]
        raise DataError(
            f"{where}: row {first_row + row} (counted from 0) has the whole number "
            f"{values[row, place]:.0f} at position {place}; whole numbers up to "
            f"{LARGEST_WHOLE:,} are exact in 32 bits, so give larger ones as floating-point"
        )
