"""Ways to adapt: the identity at the start, undone at the end, the same when loaded again."""

import numpy as np
import pytest
import torch
from peft import PeftModel

from helpers.language import (
    KINDS,
    SLOT,
    load,
    logits_of,
    random_state,
    save_language_model,
    some_tokens,
)
from helpers.text import sentence
from qdistill.errors import DataError
from qdistill.language.bound import draw_masks, masked_losses
from qdistill.language.fitting import add_gradients
from qdistill.language.methods import BIAS, Slot, adapted, output_bias_of, restored
from qdistill.language.model import encode_texts
from qdistill.language.saved import SavedAdapter, save_adapter
from qdistill.language.slot import layers_of
from qdistill.randomness import generator_for
from qdistill.study.registry import ENTRIES

METHODS = [n for n, e in ENTRIES.items() if e.in_language and e.family != "student"]
WITH_BIAS = Slot(3, "middle", True, 2, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("slot", [SLOT, WITH_BIAS], ids=["last", "middle with bias"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_starts_as_the_identity_and_leaves_nothing_behind(name, slot, tiny):
    model, tokenizer = tiny
    frozen = logits_of(model, tokenizer)
    with adapted(model, name, slot, 0, 10) as method:
        np.testing.assert_allclose(logits_of(method.model, tokenizer), frozen, atol=1e-5)
        if not method.trained:
            return
        state = random_state(method)
        moved = logits_of(method.model, tokenizer)
        assert np.abs(moved - frozen).max() > 1e-3
    np.testing.assert_array_equal(logits_of(model, tokenizer), frozen)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with restored(model, name, slot, state) as method:
        np.testing.assert_allclose(logits_of(method.model, tokenizer), moved, atol=1e-5)
    np.testing.assert_array_equal(logits_of(model, tokenizer), frozen)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["quantum", "lora_4", "ia3", "full", "output_bias"])
def test_models_of_other_kinds_are_adapted_too(kind, name, tmp_path):
    model, tokenizer = load(save_language_model(tmp_path / kind, kind))
    assert len(layers_of(model)) == 2
    tokens = some_tokens(tokenizer)
    with adapted(model, name, SLOT, 0, 10) as method:
        before = masked_losses(method.model, tokens, draw_masks(tokens, generator_for(0, 0, "m")))
        before.sum().backward()
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in method.trained.values())


def test_one_draw_for_each_seed_and_none_of_the_global_generator(tiny):
    model, _ = tiny
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed + 7)
        with adapted(model, "lora_4", SLOT, seed, 10) as method:
            states.append(torch.cat([tensor.ravel() for tensor in method.state().values()]))
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lora_4", "lora_8", "dora", "oft", "boft", "ia3"])
def test_folders_of_peft_load_back_to_the_same_logits(name, folder, tiny, tmp_path):
    model, tokenizer = tiny
    with adapted(model, name, SLOT, 0, 10) as method:
        state = random_state(method, 0.1)
        expected = logits_of(method.model, tokenizer)
    save_adapter(tmp_path, SavedAdapter(name, SLOT, str(folder), "", {}), state, model)
    fresh, _ = load(folder)
    wrapped = PeftModel.from_pretrained(fresh, str(tmp_path)).eval()
    np.testing.assert_allclose(logits_of(wrapped, tokenizer), expected, atol=1e-5)


def test_gradients_of_the_circuit_inside_the_transformer_are_those_of_differences(tiny):
    model, tokenizer = tiny
    tokens = some_tokens(tokenizer, 4)
    masks = draw_masks(tokens, generator_for(0, 0, "g"))
    with adapted(model, "quantum", SLOT, 0, 10) as method:
        state = random_state(method)
        masked_losses(method.model, tokens, masks).sum().backward()
        for name, parameter in method.trained.items():
            direction = torch.from_numpy(
                np.random.default_rng(1).standard_normal(parameter.shape).astype(np.float32)
            )
            direction /= direction.norm()
            slope = float((parameter.grad * direction).sum())
            ends = []
            for step in (1e-2, -1e-2):
                method.load({**state, name: state[name] + step * direction})
                ends.append(masked_losses(method.model, tokens, masks).double().sum().item())
            method.load(state)
            assert slope == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=0.02, abs=2e-3), name


def test_a_head_without_a_bias_is_refused_in_a_sentence(tiny):
    model, _ = tiny
    model.get_output_embeddings().bias = None
    with pytest.raises(DataError, match="has no output bias"):
        output_bias_of(model)


def test_the_output_bias_is_among_what_is_trained(tiny):
    model, _ = tiny
    with adapted(model, "linear", WITH_BIAS, 0, 10) as method:
        assert BIAS in method.trained
        assert method.count_parameters() == sum(p.numel() for p in method.trained.values())


def test_gradients_of_a_batch_do_not_depend_on_its_pieces(tiny):
    model, tokenizer = tiny
    tokens = encode_texts(tokenizer, [sentence(seed, 4 + seed) for seed in range(6)])
    masks = draw_masks(tokens, generator_for(0, 0, "pieces"))
    found = []
    for most in (1, 20, 10_000):
        with adapted(model, "linear", SLOT, 0, 10) as method:
            random_state(method)
            add_gradients(method.model, tokens, masks, most=most)
            found.append(torch.cat([p.grad.ravel() for p in method.trained.values()]))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if e.in_language and e.location])
def test_adapters_compute_in_float32_where_the_transformer_does_not(name, tiny):
    model, _ = tiny
    hidden = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    with adapted(model, name, SLOT, 0, 10) as method:
        random_state(method)
        expected, codes = method.adapter(hidden.float()), method.adapter.code(hidden[0])[1]
        with torch.autocast("cpu", torch.bfloat16):
            found = method.adapter(hidden.float())
            assert method.adapter(hidden).dtype == torch.bfloat16
        found.sum().backward()
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert codes.dtype == torch.float32 and codes.isfinite().all()


def test_constants_move_with_the_weights(tiny):
    model, _ = tiny
    with adapted(model, "frozen_circuit", SLOT, 0, 10) as method:
        state = random_state(method)
        method.adapter.double()
        assert {t.dtype for t in method.adapter.model.prepared.values()} == {torch.float64}
        method.adapter.float()
        method.load(state)
        assert torch.equal(method.state()["bottleneck.angles"], state["bottleneck.angles"])
