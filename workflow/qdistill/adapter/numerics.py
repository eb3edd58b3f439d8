"""An adapter's arithmetic in NumPy, which the command line and the server use.

It needs no torch, which would take longer to import than most files take to encode.
"""

import numpy as np

from qdistill.adapter.calibration import quantiser_of
from qdistill.adapter.layout import EPSILON, AdapterWeights
from qdistill.errors import DataError

ZERO = "is zero after the encoder, and a zero vector cannot be scaled to unit norm"
TOO_LARGE = "is beyond 32-bit numbers after the encoder"
TOO_LARGE_FOR_HALF = "has a code beyond 16-bit numbers, which float16 cannot hold"


def encode(adapter: AdapterWeights, x: np.ndarray) -> np.ndarray:
    """Encode vectors from :func:`check_vectors`: (B, inputs) to (B, width), float32.

    Raises EncodingError if a vector cannot be encoded as amplitudes, or is beyond float32 inside.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        codes = _codes(adapter, x)
    finite = np.isfinite(codes).all(axis=1)
    if not finite.all():
        raise EncodingError(int(finite.argmin()), TOO_LARGE)
    return codes


def _codes(adapter: AdapterWeights, x: np.ndarray) -> np.ndarray:
    tensors, kind = adapter.tensors, adapter.config.kind
    layer = {k.partition(".")[2]: v for k, v in tensors.items() if k.startswith("bottleneck.")}
    h = x @ tensors["encoder.weight"].T + tensors["encoder.bias"]
    if kind == "linear":
        return h
    if kind == "layer_norm":
        centred = h - h.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + np.float32(EPSILON))
        return centred / deviation * layer["scale"] + layer["shift"]
    norms = np.linalg.norm(h, axis=1, keepdims=True)
    if not norms.all():
        raise EncodingError(int((norms[:, 0] == 0).argmax()), ZERO)
    if not np.isfinite(norms).all():
        raise EncodingError(int((~np.isfinite(norms[:, 0])).argmax()), TOO_LARGE)
    g = h / norms
    if kind == "circuit":
        return np.square(g @ layer["real"].T) + np.square(g @ layer["imaginary"].T)
    if kind == "squared":
        return np.square(g @ layer["weight"].T)
    if kind == "quadratic":
        row, column = np.triu_indices(g.shape[1])
        g = g[:, row] * g[:, column]
    z = g @ layer["weight"].T + layer["bias"]
    if kind != "softmax":
        return z
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def quantise(adapter: AdapterWeights, codes: np.ndarray, precision: str) -> np.ndarray:
    """Return what is stored of codes (B, width) from :func:`encode`, in a precision of ``FORMS``.

    It is float32, float16 or int8, (B, width), or uint8 of ``binary``: eight codes a byte,
    (B, ⌈width/8⌉). By cosine, float16 and int8 are those of codes of unit norm. Raises DataError if
    the adapter has no calibration that the precision needs, and EncodingError if a code is beyond
    float16.
    """
    with np.errstate(over="ignore"):
        stored = quantiser_of(adapter, precision).store(codes)
    finite = np.isfinite(stored).all(axis=1)
    if not finite.all():
        raise EncodingError(int(finite.argmin()), TOO_LARGE_FOR_HALF)
    return stored


def decode(adapter: AdapterWeights, z: np.ndarray) -> np.ndarray:
    """Decode codes: (B, width) to (B, outputs), float32."""
    return z @ adapter.tensors["decoder.weight"].T + adapter.tensors["decoder.bias"]


def check_vectors(x: np.ndarray, inputs: int, first_row: int = 0) -> np.ndarray:
    """Return floating-point vectors (B, inputs) as float32, if an adapter can take them.

    In messages rows are counted from ``first_row`` on. Raises DataError if the shape or dtype is
    another, or a value is not finite.
    """
    if x.ndim != 2 or x.shape[1] != inputs:
        raise DataError(f"vectors of shape {x.shape}, but the adapter takes (rows, {inputs})")
    if not np.issubdtype(x.dtype, np.floating):
        raise DataError(f"vectors of type {x.dtype}, but the adapter takes floating-point numbers")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused
        vectors = x.astype(np.float32, copy=False)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise DataError(
            f"row {first_row + int(finite.argmin())} (counted from 0) holds a value that is not "
            "finite, or not in float32"
        )
    return vectors


class EncodingError(DataError):
    """A vector that an adapter cannot encode, with its row and what is wrong with it."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(f"row {row} (counted from 0) {what}")
        self.row, self.what = row, what
