"""The model with a slot against plain arithmetic; its start."""

import numpy as np
import pytest
import torch

from helpers.training import make_examples, start_of
from qdistill.models.bottlenecks import load_bottleneck
from qdistill.models.projections import fixed_projections
from qdistill.models.slot_model import PROJECTIONS, SlotModel, draw_start
from qdistill.study.registry import BOTTLENECKS


def test_predictions_are_those_of_plain_arithmetic():
    bottleneck, prepared, weights = start_of("square", inputs=12, outputs=5)
    x = make_examples().inputs[:40].reshape(1, 40, 12).repeat(3, 1, 1)
    x[1] *= 2
    predicted = SlotModel(bottleneck, prepared).predict(weights, x)
    assert predicted.shape == (3, 40, 5)
    for seed in range(3):
        down, bias, up, shift = (weights[name][seed].numpy() for name in PROJECTIONS)
        h = x[seed].numpy() @ down.T + bias
        z = h**2 / (h**2).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(predicted[seed], z @ up.T + shift, atol=1e-6)


def test_many_rows_are_predicted_in_pieces():
    bottleneck, prepared, weights = start_of("quantum")
    model = SlotModel(bottleneck, prepared)
    x = torch.randn(2 * 2048 + 7, 12, generator=torch.Generator().manual_seed(0))
    shared = model.predict_rows(weights, x)
    assert shared.shape == (3, len(x), 12)
    assert not shared.requires_grad
    own = x.repeat(3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(shared, model.predict(weights, own), atol=1e-6, rtol=1e-5)
    assert torch.equal(shared, model.predict_rows(weights, own))


def test_fixed_projections_are_merged_and_not_trained():
    examples = make_examples()
    bottleneck, prepared, parameters = start_of("quantum")
    fixed = fixed_projections("pca", examples, 8)
    angles = {"bottleneck.angles": parameters["bottleneck.angles"].requires_grad_()}
    model = SlotModel(bottleneck, prepared, fixed)
    assert model.all_weights(angles) == {**fixed, **angles}
    x = examples.inputs[examples.labelled]
    predicted = model.predict(angles, x)
    plain = SlotModel(bottleneck, prepared).predict({**fixed, **angles}, x)
    assert torch.equal(predicted, plain)
    predicted.sum().backward()
    assert angles["bottleneck.angles"].grad.abs().max() > 0
    assert not any(tensor.requires_grad for tensor in fixed.values())


@pytest.mark.parametrize("width", [3, 8])
def test_encoder_and_decoder_start_the_same_for_every_model_of_a_width(width):
    names = [name for name, entry in BOTTLENECKS.items() if entry.code_width(8) == width]
    first, *others = (start_of(name)[2] for name in names)
    assert first["encoder.weight"].shape[1] == width and len(others) >= 2
    for start in others:
        assert all(torch.equal(start[key], first[key]) for key in PROJECTIONS)


def test_the_start_of_a_seed_is_its_own():
    together = start_of("quantum", seeds=(4, 7, 9))[2]
    for place, seed in enumerate((4, 7, 9)):
        for key, tensor in start_of("quantum", seeds=(seed,))[2].items():
            assert torch.equal(tensor[0], together[key][place])
            assert not torch.equal(tensor[0], together[key][place - 1])
    # a circuit's angles are the same whatever data it is put on
    angles = start_of("quantum", inputs=10, outputs=5, seeds=(4, 7, 9))[2]["bottleneck.angles"]
    assert torch.equal(angles, together["bottleneck.angles"])
    other = start_of("quantum", seeds=(4, 7, 9), n=16)[2]
    assert not any(torch.equal(tensor, together[key]) for key, tensor in other.items())


def test_linear_start_has_the_scale_of_torch():
    start, _ = draw_start(load_bottleneck("classical_dense")(64), 256, 256, range(3), 20)
    reference = torch.nn.Linear(256, 64)
    assert start["encoder.weight"].shape[1:] == reference.weight.shape
    for mine, torchs in (("weight", reference.weight), ("bias", reference.bias)):
        values = start[f"encoder.{mine}"]
        assert values.abs().max() <= 1 / 16
        assert abs(values.std() / torchs.std() - 1) < 0.2
