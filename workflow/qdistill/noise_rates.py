"""The rates at which noisy gates and read-out err, whoever knows or uses them."""

from dataclasses import asdict, dataclass

from qdistill.errors import ConfigurationError

# Wires of a density matrix; beyond them noise is drawn, gate by gate (circuits/trajectories.py).
MOST_WIRES = 6


@dataclass(frozen=True)
class NoiseRates:
    """Probabilities of errors, each from 0 to 1; ConfigurationError is raised for one that is none.

    After every gate, RZ and RY of a wire or a CNOT, two things happen in turn. With the
    *depolarising probability* one of the d**2 - 1 Paulis that are not the identity, each as often
    as the others, strikes the d-dimensional space of the gate's wires (d is 2 or 4;
    PennyLane's ``DepolarizingChannel`` counts alike). Then every wire of the gate loses its
    excitation with the probability of *damping*. At the end each wire is read, wrongly at a rate
    for either state. Wires that wait keep what they have.
    """

    one_qubit: float = 0.0  # depolarising, after RZ and after RY
    two_qubit: float = 0.0  # depolarising both wires, after a CNOT
    damping_one: float = 0.0  # after RZ and after RY
    damping_two: float = 0.0  # of either wire, after a CNOT
    readout_0as1: float = 0.0
    readout_1as0: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in asdict(self).items():
            if not 0 <= rate <= 1:
                raise ConfigurationError(
                    f"'noise': '{name}' is {rate:g}; allowed: probabilities from 0 to 1"
                )
