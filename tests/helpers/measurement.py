"""Tables of measured circuits and their students, with errors that are chosen."""

from itertools import product

import numpy as np
import pandas as pd

from qdistill.storage.contracts.shot_training import PROBLEMS
from qdistill.storage.tables import make_frame

RUN = {"dataset": "synthetic-6q", "qubits": 6, "protocol": "article", "n": 100}
EXACT_LOSS = 0.004
CONDITIONS = (("none", "none"), ("ion", "none"), ("ion", "zero_noise"))
SHOTS = (0, 100, 1000)
WAYS = (("exact", 0), ("parameter_shift", 100), ("parameter_shift", 1000), ("spsa", 100))
SPENDING = ((10_000, 10), (10_000, 100), (100_000, 100))  # total, a row


def make_measured(floors=None, spread=0.02, seeds=4, random_seed=0, models=("quantum",)):
    """Errors of measured circuits: a floor by noise and mitigation, and ``spread`` over the shots.

    Floors are in units of the exact error; those not named are 1. A seed's errors share a factor.
    """
    floors, generator, rows = floors or {}, np.random.default_rng(random_seed), []
    factors = 1 + 0.05 * generator.standard_normal(seeds)
    for name, (noise, mitigation), seed, shots in product(models, CONDITIONS, range(seeds), SHOTS):
        floor = EXACT_LOSS * floors.get((noise, mitigation), 1.0)
        loss = factors[seed] * (floor + (spread / shots if shots else 0.0))
        about = {"model": name, "noise": noise, "mitigation": mitigation, "shots": shots}
        rows.append(
            {**RUN, **about, "seed": seed, "expected_loss": loss, "heldout_loss": loss}
            | {"refitted_loss": factors[seed] * EXACT_LOSS * (1.1 if noise != "none" else 1.0)}
        )
    return make_frame("measured", [{**row, "diverged": False} for row in rows])


def make_measured_students(losses, seeds=4, noise=0.01, random_seed=0, teacher="quantum"):
    """Errors of students of counts and their rivals, by name, the same for every spending."""
    generator, rows = np.random.default_rng(random_seed), []
    for (kind, mitigation), (total, shots), seed in product(CONDITIONS, SPENDING, range(seeds)):
        shared = 1 + noise * generator.standard_normal()
        spent = {"total": total, "shots": shots, "rows": total // shots}
        about = {"teacher": teacher, "noise": kind, "mitigation": mitigation, "diverged": False}
        for name, loss in losses.items():
            own = loss * shared * (1 + noise * generator.standard_normal() / 10)
            rows.append({**RUN, **about, **spent, "seed": seed, "model": name, "heldout_loss": own})
    return make_frame("measured_students", rows)


def make_noise_depth(seeds=3, layers=5):
    """Fidelities that fall as a power of the layers, two noises."""
    rows = [
        {
            **RUN,
            "model": "quantum",
            "noise": noise,
            "seed": seed,
            "layers": layer,
            "diverged": False,
        }
        | {"two_qubit_gates": 6 * layer, "fidelity": kept**layer, "purity": kept**layer}
        for (noise, kept), seed, layer in product(
            {"ion": 0.9, "0.01": 0.5}.items(), range(seeds), range(1, layers + 1)
        )
    ]
    return make_frame("noise_depth", rows)


def make_shot_training(seeds=4):
    """Errors that fall by steps, for each problem and way to find gradients."""
    stream, rows = np.random.default_rng(0), []
    for problem, (method, shots), seed in product(PROBLEMS, WAYS, range(seeds)):
        for step in range(4):
            executions = step * 660
            about = {"problem": problem, "method": method, "shots": shots, "seed": seed}
            about |= {"qubits": 4, "layers": 2, "n": 20, "learning_rate": 0.1, "step": step}
            about |= {"executions": executions, "total_shots": executions * shots}
            loss = 0.1 * 0.4**step * stream.uniform(0.8, 1.2)
            rows.append({**about, "train_loss": loss, "heldout_loss": loss, "diverged": False})
    return pd.DataFrame(rows)
