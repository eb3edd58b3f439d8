"""How often a device errs: presets with their sources, and rates to sweep.

The rates are those of :class:`qdistill.noise_rates.NoiseRates`. Vendors publish the average gate
infidelity r. Of depolarising alone, with probability p, it is p d / (d + 1), with d of 2 for one
wire and 4 for two, so that p = 3 r / 2 for one and 5 r / 4 for two. Since what randomised
benchmarking finds has relaxation in it, p is here what brings gate and damping *together* to the
published r. Of damping the probability is 1 - exp(-t / T1) for a gate that takes t.

Machines turn RZ into a change of reference, and RY into two pulses: two gates a wire and layer,
with an error each, are as many as are counted here.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from qdistill.errors import ConfigurationError
from qdistill.noise_rates import NoiseRates
from qdistill.places import WORKFLOW

_DEVICES = WORKFLOW / "resources" / "devices.yaml"
_ONE_QUBIT_SHARE = 0.1  # of the two-qubit probability, in a sweep


@lru_cache(maxsize=1)
def load_presets() -> dict[str, dict[str, Any]]:
    """Load the presets of devices by name, which are not to be changed."""
    return yaml.safe_load(_DEVICES.read_text(encoding="utf-8"))


def rates_of(name: str) -> NoiseRates:
    """Convert what is published of a preset's device.

    Raises ConfigurationError for a name that no preset has.
    """
    presets = load_presets()
    if name not in presets:
        raise ConfigurationError(f"'noise': found '{name}'; allowed: {', '.join(presets)}")
    return _converted(presets[name]["noise"])


def swept_rates(two_qubit: float) -> NoiseRates:
    """Make rates to sweep by one number, the depolarising probability of a CNOT.

    That of RZ and RY is a tenth of it; there is no damping and no error in reading.
    """
    return NoiseRates(one_qubit=_ONE_QUBIT_SHARE * two_qubit, two_qubit=two_qubit)


def depolarising_probability(infidelity: float, damping: float, wires: int) -> float:
    """Compute p of a gate by its average infidelity and each wire's probability of damping.

    Examples
    --------
    >>> round(depolarising_probability(0.01, 0.0, 1), 6)
    0.015
    >>> round(depolarising_probability(0.01, 0.0, 2), 6)
    0.0125
    """
    size, others = 2**wires, 4**wires - 1
    kept = ((1 + math.sqrt(1 - damping)) / 2) ** (2 * wires)  # entanglement fidelity of damping
    wanted = 1 - infidelity * (size + 1) / size
    return (kept - wanted) / (kept - (1 - kept) / others)


def _converted(published: Mapping[str, float]) -> NoiseRates:
    one = -math.expm1(-published["one_qubit_time"] / published["t1"])
    two = -math.expm1(-published["two_qubit_time"] / published["t1"])
    return NoiseRates(
        one_qubit=depolarising_probability(published["one_qubit_infidelity"], one, 1),
        two_qubit=depolarising_probability(published["two_qubit_infidelity"], two, 2),
        damping_one=one,
        damping_two=two,
        readout_0as1=published["readout_0as1"],
        readout_1as0=published["readout_1as0"],
    )
