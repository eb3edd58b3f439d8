"""The error of trained circuits that are measured: with so many shots, through noisy gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.circuits.density import state_left
from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.downstream.measures import read_diverged
from qdistill.measurement.circuits import NOISELESS, MeasuredCircuit, find_rates, prepared_share
from qdistill.measurement.estimator import Estimator
from qdistill.measurement.price import count_encoding
from qdistill.measurement.ridge import refit_readout
from qdistill.models.losses import mean_losses
from qdistill.noise_rates import MOST_WIRES
from qdistill.randomness import generator_for
from qdistill.storage.contracts.devices import EXACT
from qdistill.storage.tables import make_frame, write_table
from qdistill.storage.weights import check_seeds
from qdistill.study.registry import stages_of
from qdistill.training.evaluation import finite_or_missing

_STATES = 32  # held-out rows, the first, of which it is told what noise leaves of the state


def measure_circuits(
    problem: Problem,
    weights: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    settings: Mapping[str, Any],
    paths: Mapping[str, str | Path],
) -> None:
    """Measure trained circuits on the held-out rows, for a block of seeds at every n.

    Weights and metrics are those of each circuit, by its name. Settings are ``models``, those of
    each; ``conditions``, pairs of noise and mitigation as :meth:`MeasuredCircuit.measure` takes
    them; and ``shots``. Written are ``measured`` and ``noise_depth``. Raises DataError if a file is
    damaged or of other seeds.
    """
    latents = load_latents(problem.latents)
    rows: list[dict[str, Any]] = []
    depths: list[dict[str, Any]] = []
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        for name in settings["models"]:
            circuit = load_circuit(name, examples, problem, weights, settings["models"])
            diverged = read_diverged(metrics[name], n, stages_of(name)[-1], examples.seeds)
            about = {**problem.key(n), "model": name}
            n_rows, heldout = examples.inputs[examples.labelled], examples.inputs[examples.heldout]
            amplitudes = circuit.amplitudes(heldout)
            known = torch.cat([circuit.amplitudes(n_rows), amplitudes], dim=1)
            for noise, mitigation in settings["conditions"]:
                estimator = circuit.measure(known, noise, mitigation)
                key = {**about, "noise": noise, "mitigation": mitigation}
                found = _errors(circuit, estimator, examples, settings["shots"], key)
                rows += _by_seed(found, examples.seeds, diverged)
                if mitigation == "none" and noise != NOISELESS:
                    left = _states(circuit, amplitudes[:, :_STATES], noise)
                    key = {**about, "noise": noise}
                    depths += _by_seed(({**key, **each} for each in left), examples.seeds, diverged)
    write_table("measured", paths["measured"], make_frame("measured", rows), settings)
    write_table("noise_depth", paths["noise_depth"], make_frame("noise_depth", depths), settings)


def load_circuit(
    name: str,
    examples: Examples,
    problem: Problem,
    weights: Mapping[str, str | Path],
    models: Mapping[str, Mapping[str, Any]],
) -> MeasuredCircuit:
    """Load a circuit of a block's seeds, trained on the n rows of the examples.

    Raises DataError if the file is damaged, or of other seeds.
    """
    check_seeds(weights[name], examples.seeds, problem.subsets)
    return MeasuredCircuit.load(name, examples.n, weights, problem.width, models[name])


def draws_of(
    examples: Examples, model: str, noise: str, mitigation: str, rows: str, shots: int
) -> list[np.random.Generator]:
    """Derive each seed's generator of the counts of some rows under a condition."""
    purpose = f"counts {model} {noise} {mitigation} {rows} {shots}"
    return [generator_for(seed, examples.n, purpose) for seed in examples.seeds]


def losses_of(circuit: MeasuredCircuit, codes: Tensor, examples: Examples) -> Tensor:
    """Compute the held-out loss of codes (S, H, N) of each seed: float64, (S,)."""
    targets = examples.targets[examples.heldout].double()
    return mean_losses(examples.task, circuit.decode(codes), targets)


def _errors(
    circuit: MeasuredCircuit,
    estimator: Estimator,
    examples: Examples,
    shots: Sequence[int],
    key: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Yield the errors without a limit of shots, and with each number of them.

    The estimator is of the n labelled rows, to which read-outs are fitted anew, and then of the
    held-out ones.
    """
    heldout = estimator.rows(slice(examples.n, None))
    exact = losses_of(circuit, heldout.exact, examples)
    found = {"heldout_loss": exact, "expected_loss": exact}
    yield {
        **key,
        "shots": EXACT,
        **found,
        "refitted_loss": refitted_losses(estimator.exact, examples),
    }
    for count in shots:
        if count >= len(estimator.probabilities):
            named = key["model"], key["noise"], key["mitigation"], "all rows"
            codes = estimator.draw(count, draws_of(examples, *named, count))
            drawn = losses_of(circuit, codes[:, examples.n :], examples)
            expected = exact + heldout.excess(circuit.decoder, count)
            found = {"heldout_loss": drawn, "expected_loss": expected}
            yield {
                **key,
                "shots": count,
                **found,
                "refitted_loss": refitted_losses(codes, examples),
            }


def refitted_losses(codes: Tensor, examples: Examples) -> Tensor:
    """Compute held-out losses (S,) of codes (S, n + H, N), the read-out fitted to the first n."""
    n, targets = examples.n, examples.targets[examples.labelled]
    outputs = refit_readout(codes[:, :n], targets, codes[:, n:])
    return mean_losses(examples.task, outputs, examples.targets[examples.heldout].double())


def _states(circuit: MeasuredCircuit, amplitudes: Tensor, noise: str) -> Iterator[dict[str, Any]]:
    """Yield what is left of the state after each layer, the mean over rows.

    Beyond the wires of a density matrix nothing is yielded.
    """
    layers, qubits = circuit.angles.shape[1:3]
    if qubits > MOST_WIRES:
        return
    rates, size = find_rates(noise), 2**qubits
    given = circuit.angles.numpy(), amplitudes.numpy(), rates, circuit.is_entangled
    fidelity, purity = map(torch.from_numpy, state_left(*given))
    # What its preparation has left of the state is mixed with the maximally mixed one.
    kept = prepared_share(rates, qubits)
    fidelity = kept * fidelity + (1 - kept) / size
    purity = kept**2 * purity + (1 - kept**2) / size
    _, prepared = count_encoding(qubits)
    for layer in range(layers):
        gates = prepared + (layer + 1) * qubits * circuit.is_entangled
        at = {"layers": layer + 1, "two_qubit_gates": gates}
        yield {**at, "fidelity": fidelity[:, layer], "purity": purity[:, layer]}


def _by_seed(
    found: Iterator[dict[str, Any]], seeds: Sequence[int], diverged: Sequence[bool]
) -> list[dict[str, Any]]:
    """List the rows of each seed, of which tensors (S,) hold one value each."""
    rows = []
    for each in found:
        values = {
            name: finite_or_missing(value.numpy())
            for name, value in each.items()
            if isinstance(value, Tensor)
        }
        for at, (seed, lost) in enumerate(zip(seeds, diverged, strict=True)):
            own = {name: value[at] for name, value in values.items()}
            rows.append({**each, **own, "seed": seed, "diverged": lost})
    return rows
