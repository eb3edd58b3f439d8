"""What is known of a device's errors, taken off what it returned.

Both corrections are linear: what holds for probabilities holds for frequencies on average, and
variances follow. What comes out may lie below 0, and adds up to 1 as before.
"""

from collections.abc import Sequence

import numpy as np

from qdistill.circuits.channels import apply_to_wires, confusion
from qdistill.errors import ConfigurationError
from qdistill.noise_rates import NoiseRates

SCALE_FACTORS = (1, 3, 5)  # of the number of gates, by folding the circuit 0, 1 and 2 times
ESTIMATORS = ("linear", "richardson")


def correct_readout(frequencies: np.ndarray, rates: NoiseRates) -> np.ndarray:
    """Take errors of reading off probabilities or frequencies (..., N) of outcomes.

    It is the inverse of the confusion of every wire. Raises ConfigurationError where reading tells
    nothing, or the opposite.
    """
    return apply_to_wires(_inverse(rates), frequencies)


def corrected_variances(frequencies: np.ndarray, rates: NoiseRates, shots: int) -> np.ndarray:
    """Compute the variances of frequencies (..., N) of so many shots, corrected for reading.

    They are those of counts drawn with the given probabilities of outcomes *as they are read*.
    """
    inverse = _inverse(rates)
    squares = apply_to_wires(inverse**2, frequencies)
    return (squares - apply_to_wires(inverse, frequencies) ** 2) / shots


def extrapolation_weights(estimator: str, factors: Sequence[float] = SCALE_FACTORS) -> np.ndarray:
    """Make the weights, one for each scale factor, of an estimate without noise.

    ``linear`` is the line of least squares through what the factors gave, read at 0; ``richardson``
    the polynomial through all of it. Raises ConfigurationError for another estimator.
    """
    if estimator not in ESTIMATORS:
        raise ConfigurationError(
            f"'mitigation': found '{estimator}'; allowed: {', '.join(ESTIMATORS)}"
        )
    degree = 1 if estimator == "linear" else len(factors) - 1
    powers = np.vander(np.asarray(factors, float), degree + 1, increasing=True)
    return np.linalg.pinv(powers)[0]


def extrapolate(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Combine what the scale factors gave, (F, ...), probabilities or frequencies alike."""
    return np.tensordot(weights, values, axes=1)


def extrapolated_variances(variances: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Combine variances (F, ...) of independent measurements at the scale factors."""
    return np.tensordot(weights**2, variances, axes=1)


def _inverse(rates: NoiseRates) -> np.ndarray:
    if rates.readout_0as1 + rates.readout_1as0 >= 1:
        raise ConfigurationError(
            f"'noise': 'readout_0as1' is {rates.readout_0as1:g} and 'readout_1as0' "
            f"{rates.readout_1as0:g}, which cannot be corrected; allowed: a sum below 1"
        )
    return np.linalg.inv(confusion(rates))
