"""Train a model with a slot on n labelled examples, for a block of seeds at once."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from qdistill.circuit import ENGINE
from qdistill.datasets.latents import load_latents
from qdistill.evaluation import Evaluation, describe_runs, has_diverged
from qdistill.examples import Examples, load_examples
from qdistill.optimiser import TrainingSettings, minimise
from qdistill.registry import load_bottleneck
from qdistill.runs import RunFiles
from qdistill.slot_model import SlotModel, draw_start, mean_squared_errors, slot_weights
from qdistill.tables import write_table
from qdistill.weights import write_weights

_RECORDED_EPOCHS = 50


@dataclass(frozen=True)
class TrainedBlock:
    """A trained block of seeds: weights with a leading axis S, and the course of training."""

    weights: dict[str, Tensor]
    history: dict[str, np.ndarray]
    evaluation: Evaluation


class Recorder:
    """Errors on the n training rows and on the held-out rows as training goes on.

    Called with the number of finished epochs and the weights. They are measured before
    training and after every epoch or, in trainings of more than 50 epochs, at about 50
    evenly spaced ones, the last included: measuring costs more than a short epoch.

    Parameters
    ----------
    model : SlotModel
        What is measured.
    examples : Examples
        The labelled and the held-out rows.
    epochs : int
        Length of the training.
    """

    def __init__(self, model: SlotModel, examples: Examples, epochs: int) -> None:
        self.model, self.examples, self.epochs = model, examples, epochs
        self.recorded: list[int] = []
        self.train: list[np.ndarray] = []
        self.heldout: list[np.ndarray] = []
        self.seconds: list[float] = []
        self._elapsed, self._resumed = 0.0, time.perf_counter()

    def __call__(self, epoch: int, weights: Mapping[str, Tensor]) -> None:
        """Record the errors after ``epoch`` finished epochs, if they are due."""
        if epoch % math.ceil(max(self.epochs, 1) / _RECORDED_EPOCHS) and epoch != self.epochs:
            return
        self._elapsed += time.perf_counter() - self._resumed
        progress = max(epoch - 1, 0) / max(self.epochs - 1, 1)
        train, heldout = evaluate_errors(self.model, weights, self.examples, progress)
        self.recorded.append(epoch)
        self.train.append(train)
        self.heldout.append(heldout)
        self.seconds.append(self._elapsed)
        self._resumed = time.perf_counter()  # measuring is not counted as training

    def history(self) -> dict[str, np.ndarray]:
        """Columns of the contract ``history``, seeds innermost."""
        seeds = len(self.examples.seeds)
        return {
            "seed": np.tile(self.examples.seeds, len(self.recorded)),
            "epoch": np.repeat(self.recorded, seeds),
            "train_mse": _finite_or_missing(np.concatenate(self.train)),
            "heldout_mse": _finite_or_missing(np.concatenate(self.heldout)),
            "seconds": np.repeat(self.seconds, seeds),
        }


def _finite_or_missing(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def evaluate_errors(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples, progress: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared errors on the labelled rows and on the held-out rows.

    Returns
    -------
    train, heldout : ndarray of float64, shape (S,)
    """
    errors = []
    for positions in (examples.labelled, examples.heldout):
        predicted = model.predict_rows(weights, examples.inputs[positions], progress)
        errors.append(mean_squared_errors(predicted, examples.targets[positions]))
    return errors[0].double().numpy(), errors[1].double().numpy()


def train_block(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: TrainingSettings,
    purpose: str = "batches",
) -> TrainedBlock:
    """Train encoder, bottleneck and decoder of all seeds on their labelled examples.

    Parameters
    ----------
    model : SlotModel
        The model, with its prepared constants.
    parameters : mapping of str to Tensor
        Start values, each with a leading axis S.
    examples : Examples
        The labelled and the held-out rows; held-out rows are only measured.
    settings : TrainingSettings
        Epochs, batch size and learning rate.
    purpose : str
        Names the stream of batches; models with the same purpose see the same batches.

    Returns
    -------
    TrainedBlock
    """

    def loss(weights: Mapping[str, Tensor], positions: Tensor, progress: float) -> Tensor:
        chosen = examples.labelled.gather(1, positions)
        predicted = model.predict(weights, examples.inputs[chosen], progress)
        return mean_squared_errors(predicted, examples.targets[chosen])

    recorder = Recorder(model, examples, settings.epochs)
    recorder(0, parameters)
    weights = minimise(loss, parameters, examples.n, examples.seeds, purpose, settings, recorder)
    train, heldout = recorder.train[-1], recorder.heldout[-1]
    result = Evaluation(
        train_mse=train,
        heldout_mse=heldout,
        diverged=has_diverged(recorder.train[0], train, heldout),
        n_parameters=sum(tensor[0].numel() for tensor in parameters.values()),
        seconds=recorder.seconds[-1],
    )
    return TrainedBlock(weights, recorder.history(), result)


def train_model(
    name: str,
    dataset: str,
    qubits: int,
    latents_path: str | Path,
    runs: Sequence[RunFiles],
    settings: Mapping[str, Any],
) -> None:
    """Train one model at every n and write weights, history and metrics.

    Parameters
    ----------
    name : str
        A key of ``registry.BOTTLENECKS``.
    dataset : str
        Name of the data set, for the metrics.
    qubits : int
        The bottleneck has 2**qubits inputs and outputs.
    latents_path : path
        The data set.
    runs : sequence of RunFiles
        Files of each n.
    settings : mapping
        ``epochs``, ``batch_size``, ``learning_rate`` and, for circuits, ``layers``.
    """
    latents = load_latents(latents_path)
    bottleneck = load_bottleneck(name)(qubits, settings.get("layers", 0))
    for run in runs:
        examples = load_examples(latents, run.subset)
        inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
        parameters, constants = draw_start(bottleneck, inputs, outputs, examples.seeds, run.n)
        prepared = bottleneck.prepare_constants(slot_weights(constants))
        block = train_block(
            SlotModel(bottleneck, prepared), parameters, examples, training_settings(settings)
        )
        rows = describe_runs(
            dataset, qubits, run.n, examples.seeds, name, "trained", block.evaluation
        )
        arrays = {**block.weights, **constants}
        write_run(run, name, examples.seeds, arrays, block.history, rows, settings)


def training_settings(settings: Mapping[str, Any]) -> TrainingSettings:
    """Pick what the optimiser needs from a model's settings."""
    return TrainingSettings(settings["epochs"], settings["batch_size"], settings["learning_rate"])


def write_run(
    run: RunFiles,
    name: str,
    seeds: Sequence[int],
    weights: Mapping[str, Tensor],
    history: Mapping[str, np.ndarray],
    metrics: pd.DataFrame,
    settings: Mapping[str, Any],
) -> None:
    """Write weights, history and metrics of a block of a model or student."""
    arrays = {key: tensor.numpy() for key, tensor in weights.items()}
    about = {"model": name, "seeds": ",".join(map(str, seeds)), "engine": ENGINE}
    write_weights(run.weights, arrays, about)
    write_table("history", run.history, history, settings)
    write_table("metrics", run.metrics, metrics, settings)
