"""Students: classical layers that take the place of a trained bottleneck."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.errors import DataError
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.slot_model import SlotModel, in_slot
from qdistill.models.student_layers import (
    UNITARY_PARTS,
    Compiled,
    StudentLayer,
    draw_matrices,
    part_of,
)
from qdistill.students.distillation import distil_layer, load_soft_examples
from qdistill.students.teachers import (
    copied_weights,
    load_teacher,
    load_unitaries,
    teacher_agreement,
    teacher_r2,
)
from qdistill.study.registry import STUDENTS
from qdistill.training.blocks import (
    BlockResults,
    Recorder,
    TrainedBlock,
    evaluate_untrained,
    train_block,
    training_settings,
)

Stages = dict[str, TrainedBlock]


def fit_student(
    name: str,
    problem: Problem,
    teacher: str | Path,
    source: str | Path,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
) -> None:
    """Fit one student from its teacher at every n and write its results.

    A student's file holds what is its own: its layer, and the encoder and decoder if they were
    trained further; the header names the teacher, whose they are otherwise. The source is the
    teacher's soft targets if the student is distilled, else its unitary. Settings are
    ``projections`` and, unless it is compiled, how it is trained; outputs ``weights``, ``history``
    and ``metrics``. Raises DataError if a file is damaged or of another teacher.
    """
    obtain = {"compile": _compile, "fine_tune": _fine_tune, "distil": _distil}
    latents = load_latents(problem.latents)
    results, entry = BlockResults(name, problem, settings), STUDENTS[name]
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        inputs = _StudentInputs(name, problem.width, examples, source, settings, teacher)
        heldout = examples.inputs[examples.heldout]
        targets = inputs.teacher.predict_rows(inputs.teacher_weights, heldout)
        model, stages = obtain[entry.method](inputs)
        rows = []
        for stage, block in stages.items():
            pair = model.predict_rows(block.weights, heldout), targets
            result = replace(block.evaluation, teacher_r2=teacher_r2(*pair))
            if examples.task == "classify":
                result = replace(result, teacher_agreement=teacher_agreement(*pair))
            rows.append(results.describe(examples, stage, result))
        metrics, final = pd.concat(rows, ignore_index=True), [*stages.values()][-1]
        results.add(examples, inputs.own_of(final.weights), history=final.history, metrics=metrics)
    results.write(outputs, teacher=entry.teacher)


class _StudentInputs:
    """What a student is made from, at one n."""

    def __init__(
        self,
        name: str,
        width: int,
        examples: Examples,
        source: str | Path,
        settings: Mapping[str, Any],
        teacher: str | Path,
    ) -> None:
        self.name, self.entry, self.width = name, STUDENTS[name], width
        self.examples, self.source, self.settings = examples, source, settings
        self.teacher, self.teacher_weights = load_teacher(teacher, examples.n)
        if not isinstance(self.teacher.bottleneck, load_bottleneck(self.entry.teacher)):
            wanted = self.entry.teacher
            raise DataError(f"{teacher}: '{name}' learns from '{wanted}', not from this")
        self.copied = copied_weights(self.teacher_weights)

    @property
    def frozen(self) -> bool:
        """Whether encoder and decoder stay as they are, for the teacher as for the student."""
        return self.settings["projections"] != "trained"

    def model_of(self, layer: Bottleneck) -> SlotModel:
        """Put a layer into the teacher's slot."""
        return SlotModel(layer, projections=self.copied if self.frozen else None)

    def weights_of(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gather what the student consists of: its layer and, unless frozen, the projections."""
        return in_slot(parameters) if self.frozen else {**self.copied, **in_slot(parameters)}

    def own_of(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Leave out the encoder and decoder where they are still the teacher's."""
        trained = self.entry.method == "fine_tune" and not self.frozen
        return {k: v for k, v in weights.items() if trained or k not in self.copied}


def _compile(inputs: _StudentInputs) -> tuple[SlotModel, Stages]:
    """Replace the gates by the two real matrices of their unitary."""
    unitary = load_unitaries(inputs.source, inputs.examples.n, inputs.examples.seeds)
    parts = {part: part_of(unitary, part) for part in ("re", "im")}
    model = inputs.model_of(Compiled(inputs.width))
    block = evaluate_untrained(model, inputs.weights_of(parts), inputs.examples)
    return model, {"zero_shot": block}


def _fine_tune(inputs: _StudentInputs) -> tuple[SlotModel, Stages]:
    """Start a layer from part of the unitary or from random numbers; train on the n examples."""
    examples, entry = inputs.examples, inputs.entry
    layer = StudentLayer(inputs.width, entry.readout)
    if entry.start in UNITARY_PARTS:
        matrix = part_of(load_unitaries(inputs.source, examples.n, examples.seeds), entry.start)
    else:
        matrix = draw_matrices(entry.start, layer.width, examples.seeds, examples.n)
    model, start = inputs.model_of(layer), inputs.weights_of(layer.start_from(matrix))
    return model, {
        "zero_shot": evaluate_untrained(model, start, examples),
        "fine_tuned": train_block(model, start, examples, training_settings(inputs.settings)),
    }


def _distil(inputs: _StudentInputs) -> tuple[SlotModel, Stages]:
    """Fit the layer to the teacher's codes; encoder and decoder stay the teacher's."""
    examples, entry = inputs.examples, inputs.entry
    settings = training_settings(inputs.settings)
    layer = StudentLayer(inputs.width, entry.readout)
    soft = load_soft_examples(inputs.source, examples, inputs.teacher, inputs.teacher_weights)
    if not entry.pool:
        soft = soft.without_pool()
    model = inputs.model_of(layer)
    recorder = Recorder(model, examples, settings.epochs)

    def record(epoch: int, parameters: Mapping[str, Tensor]) -> None:
        recorder(epoch, inputs.weights_of(parameters))

    weights = inputs.weights_of(distil_layer(layer, soft, inputs.name, settings, record))
    block = evaluate_untrained(model, weights, examples)
    evaluation = replace(block.evaluation, seconds=recorder.seconds[-1])
    return model, {"distilled": TrainedBlock(block.weights, recorder.history(), evaluation)}
