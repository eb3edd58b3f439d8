"""Classical layers in the place of a trained circuit inside a language model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from qdistill.circuits.circuit import build_unitary
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.errors import DataError
from qdistill.language.adaptation import (
    LanguageProblem,
    LanguageResults,
    Seeds,
    add_runs,
    check_base,
    describe_run,
)
from qdistill.language.bound import Tokens, draw_masks, masked_logits, mean_by_text
from qdistill.language.fitting import train_steps
from qdistill.language.methods import Adapted, Slot, restored, without_bias
from qdistill.language.slot import SlotAdapter, attach
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.slot_model import in_slot
from qdistill.randomness import generator_for
from qdistill.storage.weights import read_seeds, read_weights, read_weights_metadata
from qdistill.students.teachers import teacher_r2
from qdistill.study.model_entry import ModelEntry
from qdistill.study.registry import STUDENTS
from qdistill.training.regularised import grid_of

_PASSES = 4  # over the texts, with other masks, from which codes are collected
_BATCH = 32  # texts at once, without gradients


def distil_adapter(
    name: str,
    problem: LanguageProblem,
    teacher: str | Path,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
) -> None:
    """Distil one student from its trained circuit at every n, and measure it in the model.

    Outputs are those of :func:`~qdistill.language.adaptation.adapt_model` but ``choices``. Raises
    DataError if the teacher's weights are damaged or were trained on another base.
    """
    entry = STUDENTS[name]
    about = read_weights_metadata(teacher)
    if about.get("model") != entry.teacher:
        raise DataError(f"{teacher}: of model '{about.get('model')}', not '{entry.teacher}'")
    check_base(about.get("base", ""), problem.base, teacher)
    seeds = read_seeds(teacher)
    results = LanguageResults(name, problem, settings)
    for n in problem.sizes:
        arrays = read_weights(teacher, n)
        runs = []
        for place, seed in enumerate(seeds):
            state = {key: torch.from_numpy(array[place]) for key, array in arrays.items()}
            runs.append(_distil_seed(entry, problem, settings, state, (seed, n), results))
        add_runs(results, Seeds(seeds, n), runs, entry.stages[-1])
    results.write_all(outputs, teacher=entry.teacher)


def _distil_seed(
    entry: ModelEntry,
    problem: LanguageProblem,
    settings: Mapping[str, Any],
    teacher: Mapping[str, Tensor],
    run: tuple[int, int],
    results: LanguageResults,
) -> dict[str, Any]:
    """Obtain and measure the student of one seed, from its teacher's state."""
    seed, n = run
    begun, slot = time.perf_counter(), Slot.of(problem.settings, settings)
    tokens, pool = problem.subset(seed, n), _pool_of(entry, problem)
    hidden = collect_hidden(problem.model, tokens, slot.place, seed, n)
    if pool is not None:
        hidden = torch.cat([hidden, _collected(problem, entry.pool_text, pool, slot.place)])
    unseen = _collected(problem, "heldout", problem.heldout.tokens, slot.place)
    with restored(problem.model, entry.teacher, slot, teacher) as circuit, torch.no_grad():
        assert circuit.adapter is not None
        encoded, codes = circuit.adapter.code(hidden)
        codes = codes / circuit.adapter.model.scale
        expected = circuit.adapter.code(unseen)[1]
    state = {k: v for k, v in teacher.items() if not k.startswith("bottleneck.")}
    state |= in_slot(fit_layer(entry, teacher, encoded, codes))
    with restored(problem.model, entry.name, slot, state) as student:
        if entry.objective == "tokens":
            grid = grid_of(settings, n)
            point = (min(grid.learning_rates), 0.0)
            loss = _token_distance(entry, slot, teacher, student)
            whole = tokens if pool is None else tokens.joined(pool)
            for _ in train_steps(student, whole, grid, point, seed, n, "soft targets", loss):
                pass
        seconds = time.perf_counter() - begun
        measured = results.measure(student, tokens, seed, n, entry.stages[-1])
        assert student.adapter is not None
        with torch.no_grad():
            own = student.adapter.code(unseen)[1]
        measured |= {"teacher_r2": float(teacher_r2(own[None], expected[None])[0])}
        state = {**state, **student.state()}
        return describe_run(student, state, measured, np.inf, seconds)


def _pool_of(entry: ModelEntry, problem: LanguageProblem) -> Tokens | None:
    """Texts besides the n: unlabelled ones of the niche, or as many general ones."""
    if not entry.pool:
        return None
    niche = problem.unlabelled
    return niche if entry.pool_text == "niche" else problem.general_pool(len(niche))


def _collected(problem: LanguageProblem, name: str, tokens: Tokens, place: str) -> Tensor:
    """Collect what an adapter sees of texts once, under masks that all seeds and n share."""
    known = problem.collected
    if name not in known:
        known[name] = collect_hidden(problem.model, tokens, place, 0, 0)
    return known[name]


class _Recorder(nn.Module):
    """Keeps what passes it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Tensor] = []

    def forward(self, hidden: Tensor) -> Tensor:
        self.rows.append(hidden.reshape(-1, hidden.shape[-1]))
        return hidden


@torch.no_grad()
def collect_hidden(model: Any, tokens: Tokens, place: str, seed: int, n: int) -> Tensor:
    """Collect what an adapter sees of texts under several masks: vectors (M, H)."""
    recorder, generator = _Recorder(), generator_for(seed, n, "student masks")
    with attach(model, recorder, place):
        for _ in range(_PASSES):
            for start in range(0, len(tokens), _BATCH):
                batch = tokens.take(range(start, min(start + _BATCH, len(tokens))))
                masked_logits(model, batch, draw_masks(batch, generator))
    return torch.cat(recorder.rows)


def fit_layer(
    entry: ModelEntry, teacher: Mapping[str, Tensor], encoded: Tensor, codes: Tensor
) -> dict[str, Tensor]:
    """Compute a student's layer, with a leading axis of one seed, from codes (M, N) of E h.

    `compiled` is exact. A linear layer A ĥ + c is fitted by least squares, and the mean code has
    A = 0.
    """
    if entry.method == "compile":
        unitary = build_unitary(teacher["bottleneck.angles"].cpu())
        return {"re": unitary.real.contiguous(), "im": unitary.imag.contiguous()}
    width = codes.shape[1]
    if entry.readout == "constant":
        return {"weight": torch.zeros(1, width, width), "bias": codes.mean(0, keepdim=True).cpu()}
    inputs = encode_amplitudes(encoded[None])[0].double()
    ones = inputs.new_ones(len(inputs), 1)
    fitted = torch.linalg.lstsq(torch.cat([inputs, ones], dim=1).cpu(), codes.double().cpu())
    solution = fitted.solution.float()
    return {"weight": solution[:-1].T.contiguous()[None], "bias": solution[-1:]}


def _token_distance(
    entry: ModelEntry, slot: Slot, teacher: Mapping[str, Tensor], student: Adapted
) -> Callable[[Any, Tokens, Sequence[np.ndarray]], Tensor]:
    """Return the divergence of a student's distributions over tokens from its teacher's, by text.

    Both stand in the same model: the student is in its place, and the teacher takes it meanwhile.
    """
    assert student.adapter is not None
    bottleneck = build_bottleneck(entry.teacher, slot.width, asdict(slot))
    circuit = SlotAdapter(bottleneck, student.adapter.model.scale, without_bias(teacher))
    circuit.to(student.model.device)

    def distance(model: Any, batch: Tokens, masks: Sequence[np.ndarray]) -> Tensor:
        assert student.adapter is not None
        with torch.no_grad(), student.adapter.replaced_by(circuit):
            soft = masked_logits(model, batch, masks)[0].log_softmax(-1)
        own = masked_logits(model, batch, masks)[0].log_softmax(-1)
        return mean_by_text(kl_div(own, soft, reduction="none", log_target=True).sum(-1), masks)

    return distance
