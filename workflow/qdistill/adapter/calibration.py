"""What an adapter's codes become in fewer bytes, calibrated on codes of training rows."""

from dataclasses import replace

import numpy as np

from qdistill.adapter.layout import AdapterConfig, AdapterWeights
from qdistill.errors import DataError
from qdistill.models.quantisation import FORMS, Quantiser

_UNFITTED = ("float32", "float16")  # these need no calibration


def calibrate(adapter: AdapterWeights, codes: np.ndarray, metric: str) -> AdapterWeights:
    """Add the calibration of codes to an adapter, fitted on codes of training rows (M, width).

    The metric is what stored codes will be compared by, ``cosine`` or ``euclidean``.
    """
    int8, binary = (Quantiser.fit(codes, form, metric) for form in ("int8", "binary"))
    fitted = {
        "calibration.int8_offset": int8.offset,
        "calibration.int8_step": np.array([int8.step], np.float32),
        "calibration.binary_offset": binary.offset,
    }
    return AdapterWeights(replace(adapter.config, metric=metric), adapter.tensors | fitted)


def bytes_by_precision(config: AdapterConfig) -> dict[str, int]:
    """Return the bytes of a code in each precision that an adapter has."""
    forms = FORMS if config.metric else _UNFITTED
    nothing = np.zeros(config.width, np.float32)
    return {form: Quantiser(form, "euclidean", nothing).size for form in forms}


def quantiser_of(adapter: AdapterWeights, precision: str) -> Quantiser:
    """Return how codes of an adapter are stored in one precision, of ``FORMS``.

    Without calibration, half precision is that of the codes as they are. Raises what
    :func:`check_precision` raises.
    """
    check_precision(adapter.config, precision)
    metric, tensors = adapter.config.metric or "euclidean", adapter.tensors
    if precision in _UNFITTED:
        return Quantiser(precision, metric, np.zeros(adapter.config.width, np.float32))
    offset = tensors[f"calibration.{precision}_offset"]
    if precision == "binary":
        return Quantiser(precision, metric, offset)
    return Quantiser(precision, metric, offset, tensors["calibration.int8_step"].item())


def check_precision(config: AdapterConfig, precision: str) -> None:
    """Raise DataError if an adapter's codes cannot be had in a precision."""
    if precision not in FORMS:
        raise DataError(f"the precision '{precision}'; allowed: {', '.join(FORMS)}")
    if precision not in _UNFITTED and config.metric is None:
        raise DataError(
            f"the adapter has no calibration, so its codes cannot be had as {precision}; export it "
            "again, or take float16"
        )
