"""Codes in fewer bytes: half precision, bytes and bits, calibrated on training rows.

What is compared decides what may be lost. Cosines depend on the origin and on no length: codes are
scaled to unit norm, and one step serves all dimensions, so that cosines of what is stored are those
of the codes but for rounding. Distances depend on length and on no origin: codes are centred.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from qdistill.errors import DataError

FORMS = ("float32", "float16", "int8", "binary")
LARGEST = 127  # of int8, symmetric
_NO_STEP = 1.0  # where all calibration codes are the same, to float32 accuracy
_LEAST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Quantiser:
    """How codes of one model are stored.

    Attributes
    ----------
    form : {"float32", "float16", "int8", "binary"}
        What a number becomes: four bytes, two, one, or a bit.
    metric : {"cosine", "euclidean"}
        What stored codes are compared by.
    offset : ndarray of float32, (N,)
        Is subtracted first: the mean of the calibration rows by distance; by cosine zero, but of
        bits their median where no calibration code is negative, for all bits would be the same.
    step : float
        Of int8: the difference of two neighbouring values; 1 for other forms.
    """

    form: str
    metric: str
    offset: np.ndarray
    step: float = _NO_STEP

    @classmethod
    def fit(cls, codes: np.ndarray, form: str, metric: str) -> Self:
        """Fit to codes of training rows, which calibrate it: float32, (M, N).

        Raises DataError if a code is not finite, and ValueError if the form is none of ``FORMS``.
        """
        if form not in FORMS:
            raise ValueError(f"form '{form}'; allowed: {', '.join(FORMS)}")
        if not np.isfinite(codes).all():
            raise DataError("a code to calibrate on is not finite")
        width = codes.shape[1]
        if form == "binary" and (metric == "euclidean" or not (codes < 0).any()):
            offset = np.median(codes, axis=0)
        elif metric == "euclidean" and form == "int8":
            offset = codes.mean(axis=0, dtype=np.float64)
        else:
            offset = np.zeros(width)
        fitted = cls(form, metric, offset.astype(np.float32))
        if form != "int8":
            return fitted
        largest = float(np.abs(fitted._shift(codes)).max(initial=0))
        step = largest / LARGEST
        return cls(form, metric, fitted.offset, step if step > _LEAST else _NO_STEP)

    @property
    def width(self) -> int:
        """Number of a code's dimensions, N."""
        return len(self.offset)

    @property
    def size(self) -> int:
        """Bytes of a stored code."""
        return {"float32": 4 * self.width, "float16": 2 * self.width, "int8": self.width}.get(
            self.form, -(-self.width // 8)
        )

    def store(self, codes: np.ndarray) -> np.ndarray:
        """Return what is stored of codes (M, N).

        It is float32, float16 or int8, (M, N), where int8 is cut off at ±127; or uint8, (M, ⌈N/8⌉):
        bits, 1 above the offset, the first in the highest place (``numpy.packbits``).
        """
        moved = self._shift(codes)
        if self.form == "int8":
            return np.clip(np.rint(moved / self.step), -LARGEST, LARGEST).astype(np.int8)
        if self.form == "binary":
            return np.packbits(moved > 0, axis=-1)
        return moved.astype(self.form)

    def restore(self, stored: np.ndarray) -> np.ndarray:
        """Return the codes that stored ones stand for: float32, (M, N); of bits ±1.

        By cosine they have lost their length, and by either metric bits their size.
        """
        if self.form == "binary":
            bits = np.unpackbits(stored, axis=-1, count=self.width)
            return bits.astype(np.float32) * 2 - 1
        if self.form == "int8":
            return stored.astype(np.float32) * np.float32(self.step) + self.offset
        return stored.astype(np.float32)

    def _shift(self, codes: np.ndarray) -> np.ndarray:
        if self.form == "binary":  # signs have no length
            return codes - self.offset
        moved = codes - self.offset if self.offset.any() else codes
        if self.metric == "euclidean" or self.form == "float32":
            return moved
        # In double precision, where squares of small numbers are no zeros.
        norms = np.linalg.norm(moved.astype(np.float64), axis=-1, keepdims=True)
        return (moved / np.where(norms == 0, 1, norms)).astype(np.float32)
