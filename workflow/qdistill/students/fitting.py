"""Students: classical layers that take the place of a trained bottleneck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import Latents, load_latents
from qdistill.errors import DataError
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.slot_model import SlotModel
from qdistill.models.student_layers import (
    UNITARY_PARTS,
    Compiled,
    StudentLayer,
    draw_matrices,
    part_of,
)
from qdistill.storage.runs import RunFiles
from qdistill.students.distillation import distil_layer, load_soft_examples
from qdistill.students.teachers import load_teacher, load_unitaries, teacher_agreement
from qdistill.study.model_entry import ModelEntry
from qdistill.study.registry import STUDENTS
from qdistill.training.blocks import (
    Recorder,
    TrainedBlock,
    evaluate_untrained,
    train_block,
    training_settings,
    write_run,
)
from qdistill.training.evaluation import describe_runs

Stages = dict[str, TrainedBlock]


def fit_student(
    name: str,
    dataset: str,
    qubits: int,
    protocol: str,
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
    protocol : str
        ``article`` or ``converged``, for the metrics.
    latents_path : path
        The data set.
    runs : sequence of RunFiles
        ``subset``, ``teacher`` and ``unitary`` or ``soft_targets`` are read; ``weights``,
        ``history`` and ``metrics`` are written.
    settings : mapping
        ``projections`` and, unless the student is compiled, how it is trained.

    Raises
    ------
    DataError
        If a file is damaged or of another teacher.
    """
    obtain = {"compile": _compile, "fine_tune": _fine_tune, "distil": _distil}
    latents = load_latents(latents_path)
    for run in runs:
        lesson = _prepare_lesson(name, qubits, latents, run, settings)
        examples, heldout = lesson.examples, lesson.examples.inputs[lesson.examples.heldout]
        outputs = lesson.teacher.predict_rows(lesson.teacher_weights, heldout)
        model, stages = obtain[lesson.entry.method](lesson)
        rows = []
        for stage, block in stages.items():
            agreement = teacher_agreement(model.predict_rows(block.weights, heldout), outputs)
            result = replace(block.evaluation, teacher_r2=agreement)
            rows.append(
                describe_runs(dataset, qubits, protocol, run.n, examples.seeds, name, stage, result)
            )
        final = list(stages.values())[-1]
        metrics = pd.concat(rows, ignore_index=True)
        write_run(run, name, examples.seeds, final.weights, final.history, metrics, settings)


@dataclass(frozen=True)
class _Lesson:
    """What a student is made from, at one n."""

    name: str
    entry: ModelEntry
    qubits: int
    run: RunFiles
    examples: Examples
    teacher: SlotModel
    teacher_weights: Mapping[str, Tensor]
    settings: Mapping[str, Any]

    @property
    def copied(self) -> dict[str, Tensor]:
        """The teacher's encoder and decoder."""
        return {k: v for k, v in self.teacher_weights.items() if not k.startswith("bottleneck.")}

    @property
    def frozen(self) -> bool:
        """Whether encoder and decoder stay as they are, for the teacher as for the student."""
        return self.settings["projections"] != "trained"

    def model_of(self, layer: Bottleneck) -> SlotModel:
        """Put a layer into the teacher's slot."""
        return SlotModel(layer, projections=self.copied if self.frozen else None)

    def weights_of(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gather what the student consists of: its layer and, unless frozen, the projections."""
        layer = {f"bottleneck.{name}": tensor for name, tensor in parameters.items()}
        return layer if self.frozen else {**self.copied, **layer}


def _prepare_lesson(
    name: str, qubits: int, latents: Latents, run: RunFiles, settings: Mapping[str, Any]
) -> _Lesson:
    entry = STUDENTS[name]
    teacher, weights = load_teacher(run.teacher)
    if not isinstance(teacher.bottleneck, load_bottleneck(entry.teacher)):
        raise DataError(f"{run.teacher}: '{name}' learns from '{entry.teacher}', not from this")
    examples = load_examples(latents, run.subset)
    return _Lesson(name, entry, qubits, run, examples, teacher, weights, settings)


def _untrained(model: SlotModel, weights: Mapping[str, Tensor], examples: Examples) -> TrainedBlock:
    """Evaluate a student as it is; its parameters are the numbers that it consists of."""
    parameters = sum(tensor[0].numel() for tensor in weights.values())
    return evaluate_untrained(model, weights, examples, parameters)


def _compile(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Replace the gates by the two real matrices of their unitary."""
    unitary = load_unitaries(lesson.run.unitary, lesson.examples.seeds)
    parts = {part: part_of(unitary, part) for part in ("re", "im")}
    model = lesson.model_of(Compiled(lesson.qubits))
    block = _untrained(model, lesson.weights_of(parts), lesson.examples)
    return model, {"zero_shot": block}


def _fine_tune(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Start a layer from part of the unitary or from random numbers; train on the n examples."""
    examples, entry = lesson.examples, lesson.entry
    layer = StudentLayer(lesson.qubits, entry.readout)
    if entry.start in UNITARY_PARTS:
        matrix = part_of(load_unitaries(lesson.run.unitary, examples.seeds), entry.start)
    else:
        matrix = draw_matrices(entry.start, layer.width, examples.seeds, examples.n)
    model, start = lesson.model_of(layer), lesson.weights_of(layer.start_from(matrix))
    return model, {
        "zero_shot": _untrained(model, start, examples),
        "fine_tuned": train_block(model, start, examples, training_settings(lesson.settings)),
    }


def _distil(lesson: _Lesson) -> tuple[SlotModel, Stages]:
    """Fit the layer to the teacher's codes; encoder and decoder stay the teacher's."""
    examples, entry = lesson.examples, lesson.entry
    settings = training_settings(lesson.settings)
    layer = StudentLayer(lesson.qubits, entry.readout)
    soft = load_soft_examples(lesson.run, examples, lesson.teacher, lesson.teacher_weights)
    if not entry.pool:
        soft = soft.without_pool()
    model = lesson.model_of(layer)
    recorder = Recorder(model, examples, settings.epochs)

    def record(epoch: int, parameters: Mapping[str, Tensor]) -> None:
        recorder(epoch, lesson.weights_of(parameters))

    weights = lesson.weights_of(distil_layer(layer, soft, lesson.name, settings, record))
    block = _untrained(model, weights, examples)
    evaluation = replace(block.evaluation, seconds=recorder.seconds[-1])
    return model, {"distilled": TrainedBlock(block.weights, recorder.history(), evaluation)}
