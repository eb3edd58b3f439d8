"""Students: classical layers that take the place of a trained circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from qdistill.bottlenecks.base import Bottleneck, draw_linear
from qdistill.circuit import compiled_probabilities, encode_amplitudes
from qdistill.datasets.latents import load_latents
from qdistill.evaluation import Evaluation, describe_runs
from qdistill.examples import Examples, load_examples
from qdistill.optimiser import minimise
from qdistill.randomness import generator_for
from qdistill.registry import STUDENTS
from qdistill.runs import RunFiles
from qdistill.slot_model import SlotModel, mean_squared_errors
from qdistill.training import (
    Recorder,
    TrainedBlock,
    train_block,
    training_settings,
    write_run,
)
from qdistill.transfer import (
    distillation_positions,
    load_soft_targets,
    load_teacher,
    load_unitaries,
)


class Compiled(Bottleneck):
    """z = (Re U h/||h||)**2 + (Im U h/||h||)**2: the circuit as two real matrices."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Return the circuit's probabilities."""
        return compiled_probabilities(weights["re"], weights["im"], encode_amplitudes(h))


class Dense(Bottleneck):
    """z = A h/||h|| + c: one linear layer behind the teacher's normalisation."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the layer."""
        return torch.baddbmm(
            weights["bias"].unsqueeze(1), encode_amplitudes(h), weights["weight"].transpose(1, 2)
        )


class Softmax(Dense):
    """z = softmax(A h/||h|| + c): a layer whose outputs are probabilities, as the circuit's."""

    def forward(self, weights: Mapping[str, Tensor], h: Tensor, progress: float = 1.0) -> Tensor:
        """Apply the layer and the softmax."""
        return super().forward(weights, h, progress).softmax(-1)


def teacher_agreement(
    model: SlotModel, weights: Mapping[str, Tensor], teacher: Tensor, examples: Examples
) -> np.ndarray:
    """R² of a student's outputs as predictions of its teacher's, on held-out rows.

    Parameters
    ----------
    model, weights : SlotModel, mapping
        The student.
    teacher : Tensor, shape (S, H, E)
        The teacher's outputs on the held-out rows.
    examples : Examples
        Gives the held-out rows.

    Returns
    -------
    ndarray of float64, shape (S,)
        1 for the same outputs; 0 for no better than the teacher's mean output; missing
        where an output is not finite.
    """
    student = model.predict_rows(weights, examples.inputs[examples.heldout])
    residual = (student - teacher).double().square().sum((1, 2))
    total = (teacher - teacher.mean(1, keepdim=True)).double().square().sum((1, 2))
    agreement = (1 - residual / total).numpy()
    return np.where(np.isfinite(agreement), agreement, np.nan)


def fit_student(
    name: str,
    dataset: str,
    qubits: int,
    latents_path: str | Path,
    runs: Sequence[RunFiles],
    settings: Mapping[str, Any],
) -> None:
    """Obtain one student from its teacher at every n and write its results.

    Parameters
    ----------
    name : str
        A key of ``registry.STUDENTS``.
    dataset : str
        Name of the data set, for the metrics.
    qubits : int
        The layer is 2**qubits wide.
    latents_path : path
        The data set.
    runs : sequence of RunFiles
        ``subset``, ``teacher`` and ``unitary`` or ``soft_targets`` are read; ``weights``,
        ``history`` and ``metrics`` are written.
    settings : mapping
        ``epochs``, ``batch_size``, ``learning_rate``; nothing for ``compiled``.
    """
    obtain = {"compile": _compile, "fine_tune": _fine_tune, "distil": _distil}
    latents = load_latents(latents_path)
    for run in runs:
        examples = load_examples(latents, run.subset)
        teacher, teacher_weights = load_teacher(run.teacher)
        outputs = teacher.predict_rows(teacher_weights, examples.inputs[examples.heldout])
        copied = {k: v for k, v in teacher_weights.items() if not k.startswith("bottleneck.")}
        lesson = _Lesson(name, qubits, run, examples, copied, settings)
        model, stages = obtain[STUDENTS[name].method](lesson)
        rows = []
        for stage, block in stages.items():
            agreement = teacher_agreement(model, block.weights, outputs, examples)
            result = replace(block.evaluation, teacher_r2=agreement)
            rows.append(describe_runs(dataset, qubits, run.n, examples.seeds, name, stage, result))
        final = list(stages.values())[-1]
        metrics = pd.concat(rows, ignore_index=True)
        write_run(run, name, examples.seeds, final.weights, final.history, metrics, settings)


@dataclass(frozen=True)
class _Lesson:
    """What a student is made from, at one n."""

    name: str
    qubits: int
    run: RunFiles
    examples: Examples
    copied: Mapping[str, Tensor]  # the teacher's encoder and decoder
    settings: Mapping[str, Any]


Stages = dict[str, TrainedBlock]


def _without_training(
    model: SlotModel, weights: Mapping[str, Tensor], examples: Examples
) -> TrainedBlock:
    """Evaluate weights as they are."""
    recorder = Recorder(model, examples, epochs=0)
    recorder(0, weights)
    train, heldout = recorder.train[0], recorder.heldout[0]
    result = Evaluation(
        train_mse=train,
        heldout_mse=heldout,
        diverged=~(np.isfinite(train) & np.isfinite(heldout)),
        n_parameters=sum(tensor[0].numel() for tensor in weights.values()),
    )
    return TrainedBlock(dict(weights), recorder.history(), result)


def _compile(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Replace the gates by the two real matrices of their unitary."""
    unitary = load_unitaries(lesson.run.unitary, lesson.examples.seeds)
    weights = {
        **lesson.copied,
        "bottleneck.re": torch.from_numpy(unitary.real.copy()),
        "bottleneck.im": torch.from_numpy(unitary.imag.copy()),
    }
    model = SlotModel(Compiled(lesson.qubits))
    return model, {"zero_shot": _without_training(model, weights, lesson.examples)}


def _draw_layers(examples: Examples, qubits: int, purpose: str) -> tuple[Tensor, Tensor]:
    """Draw a linear layer for each seed: (S, N, N) and (S, N)."""
    drawn = [
        draw_linear(generator_for(seed, examples.n, purpose), 2**qubits, 2**qubits)
        for seed in examples.seeds
    ]
    weights, biases = zip(*drawn, strict=True)
    return torch.from_numpy(np.stack(weights)), torch.from_numpy(np.stack(biases))


def _fine_tune(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Start a linear layer from Re U or from random numbers; train all on the n examples."""
    if lesson.name == "unitary_re":
        matrix = torch.from_numpy(
            load_unitaries(lesson.run.unitary, lesson.examples.seeds).real.copy()
        )
    else:
        matrix, _ = _draw_layers(lesson.examples, lesson.qubits, "random_dense")
    start = {
        **lesson.copied,
        "bottleneck.weight": matrix,
        "bottleneck.bias": torch.zeros(matrix.shape[:2]),
    }
    model = SlotModel(Dense(lesson.qubits))
    return model, {
        "zero_shot": _without_training(model, start, lesson.examples),
        "fine_tuned": train_block(
            model, start, lesson.examples, training_settings(lesson.settings)
        ),
    }


def _distil(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Fit the layer to the teacher's codes; encoder and decoder stay the teacher's."""
    examples = lesson.examples
    model = SlotModel((Softmax if lesson.name == "distilled_softmax" else Dense)(lesson.qubits))
    targets = load_soft_targets(lesson.run.soft_targets, examples)
    positions = distillation_positions(examples)
    if lesson.name == "distilled_train":
        targets, positions = targets[:, : examples.n], positions[:, : examples.n]
    codes = model.encode(lesson.copied, examples.inputs[positions])
    matrix, bias = _draw_layers(examples, lesson.qubits, "distillation_start")
    width = 2**lesson.qubits

    def loss(layer: Mapping[str, Tensor], batch: Tensor, progress: float) -> Tensor:
        index = batch.unsqueeze(-1).expand(-1, -1, width)
        predicted = model.bottleneck.forward(layer, codes.gather(1, index), progress)
        # In units of the uniform probability 1/N, so that Adam's epsilon stays negligible.
        return mean_squared_errors(predicted * width, targets.gather(1, index) * width)

    recorder = Recorder(model, examples, lesson.settings["epochs"])

    def record(epoch: int, layer: Mapping[str, Tensor]) -> None:
        recorder(
            epoch, dict(lesson.copied) | {f"bottleneck.{k}": v.detach() for k, v in layer.items()}
        )

    start = {"weight": matrix, "bias": bias}
    record(0, start)
    layer = minimise(
        loss,
        start,
        positions.shape[1],
        examples.seeds,
        lesson.name,
        training_settings(lesson.settings),
        record,
    )
    weights = dict(lesson.copied) | {f"bottleneck.{key}": tensor for key, tensor in layer.items()}
    block = _without_training(model, weights, examples)
    return model, {
        "distilled": TrainedBlock(
            weights, recorder.history(), replace(block.evaluation, seconds=recorder.seconds[-1])
        )
    }
