"""Students of labels: the baseline's model, trained on a teacher's probabilities of classes.

Targets are softmax(a / T), a the teacher's logits and T the temperature, on the n rows and, for
some, on the unlabelled pool (Hinton, Vinyals and Dean, 2015, with soft targets alone). Start,
protocol and settings are those of ``classical``: the targets are all that differs. What is trained
gives logits at the temperature, b / T; the student that is measured and kept gives b.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, load_examples
from qdistill.datasets.latents import load_latents
from qdistill.datasets.problem import Problem
from qdistill.errors import DataError
from qdistill.models.slot_model import SlotModel
from qdistill.storage.weights import read_weights_metadata
from qdistill.students.teachers import distillation_positions, load_teacher, teacher_agreement
from qdistill.study.model_entry import ModelEntry
from qdistill.study.registry import LABEL_STUDENTS, REFERENCES
from qdistill.training.blocks import BlockResults
from qdistill.training.protocols import start_model, train_by_protocol
from qdistill.training.references import fit_scores

# Of every teacher: the value that is usual where a teacher fits its own rows nearly perfectly, as
# these do. It is fixed and not tuned, so that no student has a choice that its controls lack.
TEMPERATURE = 2.0
SMOOTHING = 0.1  # share of a label that is spread over all classes (Szegedy et al., CVPR 2016)
_STUDENT = "classical"  # whose layer and start students have

# Logits (S, M, C) of rows at positions (S, M) among the inputs.
Scores = Callable[[Tensor], Tensor]


def distil_labels(
    name: str,
    problem: Problem,
    teacher: str | Path | None,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
) -> None:
    """Train one student of labels at every n and write its results.

    The teacher is the weights of a trained model, None where a reference teaches, which is fitted
    to the n rows here, or where labels are smoothed. Settings are those of ``classical``; outputs
    ``weights``, ``history`` and ``metrics``, with losses on true labels. Raises DataError if a file
    is damaged or of another teacher.
    """
    entry, latents = LABEL_STUDENTS[name], load_latents(problem.latents)
    if (
        teacher is not None
        and (found := read_weights_metadata(teacher).get("model")) != entry.teacher
    ):
        raise DataError(f"{teacher}: '{name}' learns from '{entry.teacher}', not from '{found}'")
    results = BlockResults(name, problem, settings)
    for n in problem.sizes:
        examples = load_examples(latents, problem.subsets, n)
        scores = scores_of(entry, examples, teacher, problem.width)
        soft, temperature = soften(entry, examples, scores)
        model, parameters, _ = start_model(_STUDENT, settings, problem.width, examples)
        cooled = CooledModel(model, temperature)
        block, _ = train_by_protocol(model, parameters, soft, settings, measured=(cooled, examples))
        evaluation = block.evaluation
        if scores is not None:
            kept = SlotModel(model.bottleneck, model.prepared)  # whose scale is in the weights
            own = kept.predict_rows(block.weights, examples.inputs[examples.heldout])
            theirs = scores(examples.heldout.expand(len(examples.seeds), -1))
            evaluation = replace(evaluation, teacher_agreement=teacher_agreement(own, theirs))
        metrics = results.describe(examples, entry.stages[-1], evaluation)
        results.add(examples, block.weights, history=block.history, metrics=metrics)
    results.write(outputs, **({"teacher": entry.teacher} if entry.teacher else {}))


class CooledModel(SlotModel):
    """A model that is trained to give logits at a temperature T, as it is used: at 1.

    Its outputs are T times those that are trained, and so is the decoder that is kept.
    """

    def __init__(self, model: SlotModel, temperature: float):
        super().__init__(model.bottleneck, model.prepared, model.projections, model.scale)
        self.temperature = temperature

    def decode(self, weights: Mapping[str, Tensor], z: Tensor) -> Tensor:
        """Decode (S, B, N) codes to (S, B, C) logits."""
        return self.temperature * super().decode(weights, z)

    def kept_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return all weights, for which the model that is trained, at scale 1, gives logits."""
        kept = super().kept_weights(weights)
        decoder = ("decoder.weight", "decoder.bias")
        return {**kept, **{name: self.temperature * kept[name] for name in decoder}}


def scores_of(
    entry: ModelEntry, examples: Examples, teacher: str | Path | None, width: int
) -> Scores | None:
    """Return what gives a teacher's logits; None for a student without one.

    A reference is fitted to each seed's n rows.
    """
    if not entry.teacher:
        return None
    if entry.teacher not in REFERENCES:
        assert teacher is not None
        model, weights = load_teacher(teacher, examples.n)
        return lambda positions: model.predict_rows(weights, examples.inputs[positions])
    reference = fit_scores(entry.teacher, examples, width)
    return lambda positions: reference(examples.inputs[positions]).float()


def soften(entry: ModelEntry, examples: Examples, scores: Scores | None) -> tuple[Examples, float]:
    """Return what a student is trained on, and the temperature of its targets.

    Every seed has rows of its own, the n labelled ones first and then the pool, if it has one,
    since its targets are its own: labels of the pool are not read, and nothing is held out.
    Without scores targets are the labels, smoothed, at a temperature of 1.
    """
    positions = distillation_positions(examples) if entry.pool else examples.labelled
    if scores is None:
        temperature, labels = 1.0, examples.targets[positions]
        targets = (1 - SMOOTHING) * labels + SMOOTHING / labels.shape[-1]
    else:
        temperature = TEMPERATURE
        targets = torch.softmax(scores(positions) / temperature, -1)
    nothing = torch.empty(0, dtype=torch.int64)
    soft = replace(
        examples,
        rows=positions.numpy(),
        inputs=examples.inputs[positions.flatten()],
        targets=targets.flatten(0, 1),
        labelled=torch.arange(positions.numel()).view(positions.shape),
        unlabelled=nothing,
        heldout=nothing,
    )
    return soft, temperature
