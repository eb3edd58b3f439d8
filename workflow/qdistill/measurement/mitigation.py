"""What is known of a device's errors, taken off what it returned.

Both corrections are linear: what holds for probabilities holds for frequencies on average. What
comes out may lie below 0, and adds up to 1 as before.
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


def _inverse(rates: NoiseRates) -> np.ndarray:
    if rates.readout_0as1 + rates.readout_1as0 >= 1:
        raise ConfigurationError(
            f"'noise': 'readout_0as1' is {rates.readout_0as1:g} and 'readout_1as0' "
            f"{rates.readout_1as0:g}, which cannot be corrected; allowed: a sum below 1"
        )
    return np.linalg.inv(confusion(rates))
