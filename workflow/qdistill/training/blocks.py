"""Train a block of seeds at once for a number of epochs, and record how it goes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from qdistill.circuits.engine import current_engine
from qdistill.datasets.examples import Examples
from qdistill.datasets.problem import Problem
from qdistill.models.slot_model import SlotModel
from qdistill.storage.tables import make_frame, write_table
from qdistill.storage.weights import write_weights
from qdistill.training.evaluation import (
    Evaluation,
    describe_runs,
    finite_or_missing,
    has_diverged,
    score_classes,
    share_told,
)
from qdistill.training.objective import gradients_of
from qdistill.training.optimiser import TrainingSettings, minimise

_RECORDED_EPOCHS = 12

# A model with the weights of one that is trained, and the examples on which it is measured.
Measured = tuple[SlotModel, Examples]


@dataclass(frozen=True)
class TrainedBlock:
    """A trained block of seeds: weights with a leading axis S, and the course of training."""

    weights: dict[str, Tensor]
    history: dict[str, np.ndarray]
    evaluation: Evaluation


class Recorder:
    """Errors on the rows trained on and on the held-out rows as training goes on.

    Called with the number of finished epochs and the weights. They are measured before
    training and at about a dozen epochs, ever further apart, the last included: the course of
    an error is steepest at the start, and measuring on all held-out rows costs more than many
    an epoch on a hundred rows.
    """

    def __init__(self, model: SlotModel, examples: Examples, epochs: int) -> None:
        self.model, self.examples, self.epochs = model, examples, epochs
        self.recorded: list[int] = []
        self.train: list[np.ndarray] = []
        self.heldout: list[np.ndarray] = []
        self.seconds: list[float] = []
        self._due = recorded_epochs(epochs)
        self._elapsed, self._resumed = 0.0, time.perf_counter()

    def __call__(self, epoch: int, weights: Mapping[str, Tensor]) -> None:
        """Record the errors after ``epoch`` finished epochs, if they are due."""
        if epoch not in self._due:
            return
        self.measure(epoch, weights, max(epoch - 1, 0) / max(self.epochs - 1, 1))

    def measure(self, epoch: int, weights: Mapping[str, Tensor], progress: float = 1.0) -> None:
        """Record the errors after ``epoch`` finished epochs; measuring is not training."""
        self._elapsed += time.perf_counter() - self._resumed
        train, heldout = evaluate_errors(self.model, weights, self.examples, progress)
        self.recorded.append(epoch)
        self.train.append(train)
        self.heldout.append(heldout)
        self.seconds.append(self._elapsed)
        self._resumed = time.perf_counter()

    def history(self) -> dict[str, np.ndarray]:
        """Return the columns of the contract ``history``, seeds innermost."""
        seeds = len(self.examples.seeds)
        return {
            "seed": np.tile(self.examples.seeds, len(self.recorded)),
            "epoch": np.repeat(self.recorded, seeds),
            "train_loss": finite_or_missing(np.concatenate(self.train)),
            "heldout_loss": finite_or_missing(np.concatenate(self.heldout)),
            "validation_loss": np.full(seeds * len(self.recorded), np.nan),
            "seconds": np.repeat(self.seconds, seeds),
        }


def recorded_epochs(epochs: int) -> set[int]:
    """Choose the epochs to measure after: 0, the last, and about a dozen between.

    They are evenly spaced in the logarithm of 1 + epoch, apart from rounding.
    """
    spaced = np.geomspace(1, 1 + epochs, _RECORDED_EPOCHS + 1) - 1
    return {0, epochs, *np.rint(spaced).astype(int).tolist()}


def evaluate_errors(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples, progress: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Measure mean losses on the rows trained on and on those held out: float64, (S,) each."""
    errors = []
    for positions in (examples.fitted, examples.heldout):
        predicted = model.predict_rows(weights, examples.inputs[positions], progress)
        losses = model.row_losses(examples.task, predicted, examples.targets[positions])
        errors.append(losses.mean(-1))
    return errors[0].double().numpy(), errors[1].double().numpy()


def told_classes(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples
) -> dict[str, np.ndarray]:
    """Measure how well classes are told, of the n rows and the held-out; else nothing."""
    if examples.task != "classify":
        return {}
    labelled, heldout = (
        (model.predict_rows(weights, examples.inputs[rows]).numpy(), examples.targets[rows].numpy())
        for rows in (examples.labelled, examples.heldout)
    )
    return {"train_accuracy": share_told(*labelled), **score_classes(*heldout)}


def train_block(
    model: SlotModel,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    settings: TrainingSettings,
    purpose: str = "batches",
    measured: Measured | None = None,
) -> TrainedBlock:
    """Train all seeds on the rows that are theirs for a fixed number of epochs.

    The parameters are start values, each with a leading axis S. Held-out rows are only measured.
    Models with the same purpose, which names the stream of batches, see the same batches. What is
    measured, and whose weights are kept, is by default what is trained.
    """
    recorder = Recorder(*(measured or (model, examples)), settings.epochs)
    recorder(0, parameters)
    weights = minimise(
        gradients_of(model, examples),
        parameters,
        examples.fitted.shape[1],
        examples.seeds,
        purpose,
        settings,
        recorder,
    )
    return _finished(recorder, weights, recorder.seconds[-1])


def evaluate_untrained(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples
) -> TrainedBlock:
    """Evaluate weights as they are; the parameters are the numbers that they consist of."""
    recorder = Recorder(model, examples, epochs=0)
    recorder(0, weights)
    return _finished(recorder, weights, seconds=0.0)


def _finished(recorder: Recorder, weights: Mapping[str, Tensor], seconds: float) -> TrainedBlock:
    """Collect what a recorder has measured, and the weights that it measured last."""
    train, heldout = recorder.train[-1], recorder.heldout[-1]
    diverged = has_diverged(recorder.train[0], train, heldout)
    size = sum(tensor[0].numel() for tensor in weights.values())
    told = told_classes(recorder.model, weights, recorder.examples)
    result = Evaluation(train, heldout, diverged, size, seconds, **told)
    return TrainedBlock(recorder.model.kept_weights(weights), recorder.history(), result)


def training_settings(settings: Mapping[str, Any]) -> TrainingSettings:
    """Select what the optimiser needs from a model's settings."""
    epochs, batch_size, rate = (settings[k] for k in ("epochs", "batch_size", "learning_rate"))
    constant = settings.get("schedule", "constant") == "constant"
    return TrainingSettings(epochs, batch_size, rate, constant)


class BlockResults:
    """Results of one model for a block of seeds: gathered n by n, one file of each kind."""

    def __init__(self, model: str, problem: Problem, settings: Any) -> None:
        self.model, self.problem, self.settings = model, problem, settings
        self.seeds: list[int] = []
        self.weights: dict[int, dict[str, np.ndarray]] = {}
        self.rows: dict[str, list[pd.DataFrame]] = {}

    def describe(self, examples: Examples, stage: str, result: Evaluation) -> pd.DataFrame:
        """Return the rows of the table "metrics" at one n and stage, one for each seed."""
        key = {**self.problem.key(examples.n), "task": examples.task}
        return describe_runs(key, examples.seeds, self.model, stage, result)

    def add(
        self,
        examples: Examples,
        weights: Mapping[str, Tensor],
        **tables: Mapping[str, Any] | pd.DataFrame | None,
    ) -> None:
        """Add what was found at one n: weights, and columns of tables by their contracts.

        Of a table that is None there are no rows; it is written nevertheless.
        """
        self.seeds = examples.seeds
        self.weights[examples.n] = {key: tensor.numpy() for key, tensor in weights.items()}
        key = {**self.problem.key(examples.n), "model": self.model}
        for kind, columns in tables.items():
            frames = self.rows.setdefault(kind, [])
            if columns is None:
                continue
            missing = {name: value for name, value in key.items() if name not in columns}
            frames.append(pd.DataFrame({**missing, **columns}))

    def write(self, outputs: Mapping[str, str | Path], **metadata: str) -> None:
        """Write ``weights``, with more metadata if need be, and the tables."""
        about = {"model": self.model, "engine": current_engine(), **metadata}
        write_weights(outputs["weights"], self.weights, self.seeds, about)
        for kind, frames in self.rows.items():
            table = pd.concat(frames, ignore_index=True) if frames else make_frame(kind, [])
            write_table(kind, outputs[kind], table, self.settings)
