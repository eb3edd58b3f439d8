"""What an adapter's codes become in fewer bytes, calibrated on codes of training rows."""

from dataclasses import replace

import numpy as np

from qdistill.adapter.layout import AdapterWeights
from qdistill.errors import DataError
from qdistill.models.quantisation import FORMS, Quantiser


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


def quantiser_of(adapter: AdapterWeights, precision: str) -> Quantiser:
    """Return how codes of an adapter are stored in one precision, of ``FORMS``.

    Without calibration, half precision is that of the codes as they are. Raises DataError if the
    precision is none of these, or needs a calibration that the adapter does not have.
    """
    if precision not in FORMS:
        raise DataError(f"the precision '{precision}'; allowed: {', '.join(FORMS)}")
    metric, tensors = adapter.config.metric, adapter.tensors
    nothing = np.zeros(adapter.config.width, np.float32)
    if precision in ("float32", "float16"):
        return Quantiser(precision, metric or "euclidean", nothing)
    if metric is None:
        raise DataError(
            f"the adapter has no calibration, so its codes cannot be had as {precision}; export it "
            "again, or take float16"
        )
    offset = tensors[f"calibration.{precision}_offset"]
    if precision == "binary":
        return Quantiser(precision, metric, offset)
    return Quantiser(precision, metric, offset, tensors["calibration.int8_step"].item())
