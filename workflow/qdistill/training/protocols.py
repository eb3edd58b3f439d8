"""The training protocols, and the training of one model at every n.

``article`` trains for a fixed number of epochs. ``regularised`` lets K-fold cross-validation
inside the n labelled examples choose decay, rate and length from one grid for all models, so that
a model that learns slowly, or overfits soon, is not taken for one that generalises badly.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.projections import fixed_projections
from qdistill.models.slot_model import SlotModel, draw_start, slot_weights
from qdistill.study.registry import BOTTLENECKS
from qdistill.training.blocks import (
    BlockResults,
    Measured,
    Recorder,
    TrainedBlock,
    evaluate_errors,
    evaluate_untrained,
    told_classes,
    train_block,
    training_settings,
)
from qdistill.training.evaluation import Evaluation, finite_or_missing, has_diverged
from qdistill.training.readout import measure_refitted
from qdistill.training.regularised import Chosen, choose_settings, grid_of, train_as_chosen


def train_by_protocol(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: Mapping[str, Any],
    purpose: str = "batches",
    measured: Measured | None = None,
) -> tuple[TrainedBlock, Chosen | None]:
    """Train all seeds by the protocol of the settings; returned besides is what was chosen.

    Settings are ``protocol``, ``batch_size``, and ``learning_rate`` and ``epochs`` or
    ``regularised``; all else is as for :func:`train_block`. Parameters are empty if there is
    nothing to train.
    """
    if not parameters:
        return evaluate_untrained(model, parameters, examples), None
    if settings["protocol"] == "article":
        by_epochs = training_settings(settings)
        return train_block(model, parameters, examples, by_epochs, purpose, measured), None
    chosen = choose_settings(model, parameters, examples, grid_of(settings, examples.n), purpose)
    return train_regularised(model, parameters, examples, chosen, purpose, measured), chosen


def train_regularised(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    chosen: Chosen,
    purpose: str,
    measured: Measured | None = None,
) -> TrainedBlock:
    """Train each seed as was chosen for it; ``seconds`` counts the search too."""
    used, true = measured or (model, examples)
    course = _ChosenRecorder(used, true, chosen, examples.n)
    weights = train_as_chosen(model, parameters, examples, chosen, purpose, course.record)
    train, heldout = evaluate_errors(used, weights, true)
    result = Evaluation(
        train_loss=train,
        heldout_loss=heldout,
        diverged=has_diverged(course.train[0], train, heldout),
        n_parameters=sum(tensor[0].numel() for tensor in parameters.values()),
        seconds=chosen.seconds + course.seconds[-1],
        choice_at_edge=chosen.at_edge,
        **told_classes(used, weights, true),
    )
    return TrainedBlock(used.kept_weights(weights), course.history(), result)


class _ChosenRecorder(Recorder):
    """Errors at each end of the grid in a final training, beside the cross-validated ones.

    A seed's are recorded up to its own end, whatever the others of its block do.
    """

    def __init__(self, model: SlotModel, examples: Examples, chosen: Chosen, rows: int) -> None:
        super().__init__(model, examples, epochs=0)
        self.chosen = chosen
        self.steps_per_epoch = math.ceil(rows / chosen.grid.batch_size)

    def record(self, check: int, weights: Mapping[str, Tensor]) -> None:
        """Measure at an end of the grid."""
        self.measure(int(self.chosen.grid.ends[check]) // self.steps_per_epoch, weights)

    def history(self) -> dict[str, np.ndarray]:
        """Columns of the contract ``history``; of ends within one epoch the last counts."""
        epochs, ends = np.asarray(self.recorded), self.chosen.check
        last = np.append(epochs[1:] != epochs[:-1], True)
        checks = np.arange(len(epochs))
        kept = (last & (checks < ends[:, None])) | (checks == ends[:, None])
        kept &= ~((epochs == epochs[ends][:, None]) & (checks < ends[:, None]))
        seed, place = np.nonzero(kept)
        of_seeds = np.arange(len(ends))
        columns = {
            "train_loss": np.stack(self.train, axis=1),
            "heldout_loss": np.stack(self.heldout, axis=1),
            "validation_loss": self.chosen.curves[of_seeds, self.chosen.point][:, : len(epochs)],
        }
        return {
            "seed": np.asarray(self.examples.seeds)[seed],
            "epoch": epochs[place],
            **{name: finite_or_missing(each)[seed, place] for name, each in columns.items()},
            "seconds": np.asarray(self.seconds)[place],
        }


def start_model(
    name: str, settings: Mapping[str, Any], width: int, examples: Examples
) -> tuple[SlotModel, dict[str, Tensor], dict[str, Tensor]]:
    """Draw the start of a model for all seeds: the model, what is trained, and its constants.

    Settings are ``projections`` and, for circuits, ``layers`` or ``blocks``, and ``angle_range``;
    ``code_scale``, by default ``own``, where projections are trained.
    """
    bottleneck = build_bottleneck(name, width, settings)
    inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
    parameters, constants = draw_start(bottleneck, inputs, outputs, examples.seeds, examples.n)
    projections: dict[str, Tensor] = {}
    if settings["projections"] != "trained":
        projections = fixed_projections(settings["projections"], examples, bottleneck.width)
        parameters = {k: v for k, v in parameters.items() if k.startswith("bottleneck.")}
    prepared = bottleneck.prepare_constants(slot_weights(constants))
    scale = 1.0
    if not projections:
        scale = _scale_of(name, settings.get("code_scale", "own"), bottleneck.width)
    return SlotModel(bottleneck, prepared, projections, scale), parameters, constants


def _scale_of(name: str, wanted: str | float, width: int) -> float:
    """Return what codes of N numbers are multiplied by; of "code_scale" in config/README.md."""
    entry = BOTTLENECKS[name]
    powers = {"own": entry.own_scale, "unit": entry.unit_scale}
    return float(width ** powers[wanted]) if isinstance(wanted, str) else float(wanted)


def train_model(
    name: str, problem: Problem, settings: Mapping[str, Any], outputs: Mapping[str, str | Path]
) -> None:
    """Train one model at every n and write weights, history, metrics and choices.

    The table of choices is empty where none is made.
    """
    latents = load_latents(problem.latents)
    results = BlockResults(name, problem, settings)
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        model, parameters, constants = start_model(name, settings, problem.width, examples)
        block, chosen = train_by_protocol(model, parameters, examples, settings)
        evaluation = block.evaluation
        if settings["projections"] == "pca" and examples.task != "classify":
            refitted = measure_refitted(model, block.weights, examples)
            evaluation = replace(evaluation, refitted_loss=refitted)
        metrics = results.describe(examples, "trained", evaluation)
        choices = None if chosen is None else {"seed": examples.seeds, **chosen.columns()}
        weights = {**block.weights, **constants}
        results.add(examples, weights, history=block.history, metrics=metrics, choices=choices)
    results.write(outputs)
