"""The training protocols, and the training of one model at every n.

``article`` trains for a fixed number of epochs. ``converged`` lets K-fold cross-validation
inside the n labelled examples say for how many steps, so that a model that learns slowly is
not taken for one that generalises badly.
"""

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.models.projections import fixed_projections
from qdistill.models.slot_model import SlotModel, draw_start, slot_weights
from qdistill.training.blocks import (
    BlockResults,
    Recorder,
    TrainedBlock,
    evaluate_errors,
    evaluate_untrained,
    recorded_epochs,
    train_block,
    training_settings,
)
from qdistill.training.crossvalidation import (
    LengthSettings,
    best_check,
    has_stopped,
    length_settings,
    steps_between_checks,
    train_to_checks,
    validation_curve,
)
from qdistill.training.evaluation import Evaluation, finite_or_missing, has_diverged

log = logging.getLogger(__name__)


def train_by_protocol(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: Mapping[str, Any],
    purpose: str = "batches",
) -> TrainedBlock:
    """Train all seeds by the protocol of the settings.

    Parameters
    ----------
    model, parameters, examples, purpose
        As for :func:`train_block`; parameters are empty if there is nothing to train.
    settings : mapping
        ``protocol``, ``batch_size``, ``learning_rate``, and ``epochs`` or ``converged``.
    """
    if not parameters:
        return evaluate_untrained(model, parameters, examples)
    if settings["protocol"] == "article":
        return train_block(model, parameters, examples, training_settings(settings), purpose)
    return train_converged(model, parameters, examples, length_settings(settings), purpose)


def train_converged(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: LengthSettings,
    purpose: str,
) -> TrainedBlock:
    """Train each seed for as many steps as gave it the lowest cross-validated error.

    The folds and the final training start from the same parameters. ``seconds`` counts both.
    """
    begun = time.perf_counter()
    curve = validation_curve(model, parameters, examples, settings, purpose)
    checks = best_check(curve, settings.patience)
    still_improving = ~has_stopped(curve, settings.patience)
    if still_improving.any():
        log.warning(
            "n=%d: %d of %d seeds reached %d steps before their error had not fallen for %d "
            "measurements; more steps might lower it",
            *(examples.n, np.count_nonzero(still_improving), len(still_improving)),
            *(settings.max_steps, settings.patience),
        )
    searched = time.perf_counter() - begun
    course = _ConvergedRecorder(model, examples, settings, curve, checks)
    weights = train_to_checks(model, parameters, examples, settings, checks, purpose, course.record)
    train, heldout = evaluate_errors(model, weights, examples)
    result = Evaluation(
        train_mse=train,
        heldout_mse=heldout,
        diverged=has_diverged(course.train[0], train, heldout),
        n_parameters=sum(tensor[0].numel() for tensor in parameters.values()),
        seconds=searched + course.seconds[-1],
        still_improving=still_improving,
    )
    return TrainedBlock(model.all_weights(weights), course.history(), result)


class _ConvergedRecorder(Recorder):
    """Errors now and then in a final training, beside the cross-validated ones.

    Which of a seed's checks are measured does not depend on the others of its block: those
    of :func:`recorded_epochs`, and the seed's own last.
    """

    def __init__(
        self,
        model: SlotModel,
        examples: Examples,
        settings: LengthSettings,
        curve: np.ndarray,
        checks: np.ndarray,
    ) -> None:
        super().__init__(model, examples, epochs=0)
        self.curve, self.checks = curve, checks
        self.interval = steps_between_checks(examples.n, settings)
        self.steps_per_epoch = math.ceil(examples.n / settings.batch_size)
        self.common = recorded_epochs(math.ceil(settings.max_steps / self.interval))
        self.measured: list[int] = []

    def record(self, steps: int, weights: Mapping[str, Tensor]) -> None:
        """Measure after a number of steps, if that is due for any seed."""
        check = steps // self.interval
        if check in self.common or check in self.checks:
            self.measured.append(check)
            self.measure(steps // self.steps_per_epoch, weights)

    def history(self) -> dict[str, np.ndarray]:
        """Columns of the contract ``history``; a seed's last row is its end."""
        measured, ends = np.asarray(self.measured), self.checks[:, None]
        common = np.isin(measured, list(self.common))
        seed, place = np.nonzero((common & (measured < ends)) | (measured == ends))
        columns = {
            "train_mse": np.stack(self.train, axis=1),
            "heldout_mse": np.stack(self.heldout, axis=1),
            "validation_mse": self.curve[:, measured],
        }
        return {
            "seed": np.asarray(self.examples.seeds)[seed],
            "epoch": np.asarray(self.recorded)[place],
            **{name: finite_or_missing(each)[seed, place] for name, each in columns.items()},
            "seconds": np.asarray(self.seconds)[place],
        }


def start_model(
    name: str, settings: Mapping[str, Any], qubits: int, examples: Examples
) -> tuple[SlotModel, dict[str, Tensor], dict[str, Tensor]]:
    """Draw the start of a model for all seeds: the model, what is trained, and its constants.

    Parameters
    ----------
    settings : mapping
        ``projections`` and, for circuits, ``layers`` and ``angle_range``.
    """
    circuit = {key: settings[key] for key in ("layers", "angle_range") if key in settings}
    bottleneck = load_bottleneck(name)(qubits, **circuit)
    inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
    parameters, constants = draw_start(bottleneck, inputs, outputs, examples.seeds, examples.n)
    projections: dict[str, Tensor] = {}
    if settings["projections"] != "trained":
        projections = fixed_projections(settings["projections"], examples, 2**qubits)
        parameters = {k: v for k, v in parameters.items() if k.startswith("bottleneck.")}
    prepared = bottleneck.prepare_constants(slot_weights(constants))
    return SlotModel(bottleneck, prepared, projections), parameters, constants


def train_model(
    name: str, problem: Problem, settings: Mapping[str, Any], outputs: Mapping[str, str | Path]
) -> None:
    """Train one model at every n and write weights, history and metrics."""
    latents = load_latents(problem.latents)
    results = BlockResults(name, problem, settings)
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        model, parameters, constants = start_model(name, settings, problem.qubits, examples)
        block = train_by_protocol(model, parameters, examples, settings)
        metrics = results.describe(examples, "trained", block.evaluation)
        weights = {**block.weights, **constants}
        results.add(examples, weights, history=block.history, metrics=metrics)
    results.write(outputs)
