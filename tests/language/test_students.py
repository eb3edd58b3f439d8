"""Classical layers in a circuit's place: exact, by least squares, by distributions over tokens."""

import numpy as np
import pytest
import torch

from helpers.language import SLOT, logits_of, random_state, some_tokens
from qdistill.language.bound import draw_masks, masked_logits
from qdistill.language.fitting import train_steps
from qdistill.language.methods import adapted, restored
from qdistill.language.students import _token_distance, collect_hidden, fit_layer
from qdistill.models.slot_model import in_slot
from qdistill.randomness import generator_for
from qdistill.study.registry import STUDENTS
from qdistill.training.regularised import Grid


@pytest.fixture
def taught(tiny):
    model, tokenizer = tiny
    with adapted(model, "quantum", SLOT, 0, 10) as method:
        state = random_state(method, 1.0)
        hidden = collect_hidden(model_of(method), some_tokens(tokenizer), "last", 0, 10)
        with torch.no_grad():
            encoded, codes = method.adapter.code(hidden)
        return model, tokenizer, state, encoded, codes / method.adapter.model.scale


def model_of(method):
    return method.model


def student_state(entry, state, encoded, codes):
    kept = {k: v for k, v in state.items() if not k.startswith("bottleneck.")}
    return kept | in_slot(fit_layer(entry, state, encoded, codes))


def test_compiled_gives_the_circuits_logits(taught):
    model, tokenizer, state, encoded, codes = taught
    with restored(model, "quantum", SLOT, state) as method:
        expected = logits_of(method.model, tokenizer)
    compiled = student_state(STUDENTS["compiled"], state, encoded, codes)
    with restored(model, "compiled", SLOT, compiled) as student:
        np.testing.assert_allclose(logits_of(student.model, tokenizer), expected, atol=1e-4)
    assert np.abs(expected - logits_of(model, tokenizer)).max() > 0.01


def test_least_squares_and_the_mean_are_those_of_numpy(taught):
    _, _, state, encoded, codes = taught
    layer = fit_layer(STUDENTS["distilled_train"], state, encoded, codes)
    unit = encoded / encoded.norm(dim=1, keepdim=True)
    inputs = np.column_stack([unit.double(), np.ones(len(unit))])
    solution, *_ = np.linalg.lstsq(inputs, codes.double().numpy(), rcond=None)
    np.testing.assert_allclose(layer["weight"][0].T, solution[:-1], atol=1e-4)
    np.testing.assert_allclose(layer["bias"][0], solution[-1], atol=1e-4)
    mean = fit_layer(STUDENTS["mean_code"], state, encoded, codes)
    assert not mean["weight"].any()
    np.testing.assert_allclose(mean["bias"][0], codes.mean(0), atol=1e-6)


def test_codes_are_collected_at_masked_tokens_alone(taught):
    model, tokenizer, *_ = taught
    tokens, generator = some_tokens(tokenizer), generator_for(0, 10, "student masks")
    rows = 0
    for _ in range(4):
        rows += sum(map(len, draw_masks(tokens, generator)))
    assert len(collect_hidden(model, tokens, "last", 0, 10)) == rows


@pytest.mark.slow
def test_soft_targets_bring_a_student_nearer_to_its_teacher(taught):
    model, tokenizer, state, encoded, codes = taught
    entry, tokens = STUDENTS["soft_train"], some_tokens(tokenizer, 12)
    worse = student_state(STUDENTS["mean_code"], state, encoded, codes)
    masks = draw_masks(tokens, generator_for(0, 0, "soft"))
    with restored(model, "quantum", SLOT, state) as teacher, torch.no_grad():
        soft = masked_logits(teacher.model, tokens, masks)[0].log_softmax(-1)
    with restored(model, "soft_train", SLOT, worse) as student:
        distance = _token_distance(entry, SLOT, state, student)
        with torch.no_grad():
            own = masked_logits(model, tokens, masks)[0].log_softmax(-1)
        expected = (soft.exp() * (soft - own)).sum(-1)
        counts = [len(places) for places in masks]
        by_text = [part.mean() for part in expected.split(counts)]
        before = distance(model, tokens, masks).detach()
        np.testing.assert_allclose(before, by_text, rtol=1e-4, atol=1e-6)
        grid = Grid(4, 2, 60, 2, (0.02,), (0.0,))
        for _ in train_steps(student, tokens, grid, (0.02, 0.0), 0, 12, "soft", distance):
            pass
        after = distance(model, tokens, masks).detach()
        kept = student.state()
        assert torch.equal(kept["decoder.weight"], state["decoder.weight"])
    assert after.mean() < 0.7 * before.mean()
