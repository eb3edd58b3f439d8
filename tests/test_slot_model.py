"""The model with a slot against plain arithmetic; its start; its loss."""

import numpy as np
import pytest
import torch

from helpers_training import make_examples, spoil
from qdistill.projections import fixed_projections
from qdistill.registry import BOTTLENECKS, load_bottleneck
from qdistill.slot_model import SlotModel, draw_start, example_loss, slot_weights

PROJECTIONS = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")


def start_of(name, inputs=12, outputs=12, seeds=(0, 1, 2), n=15):
    bottleneck = load_bottleneck(name)(3, 2)
    parameters, constants = draw_start(bottleneck, inputs, outputs, seeds, n)
    prepared = bottleneck.prepare_constants(slot_weights(constants))
    return bottleneck, prepared, parameters


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


def errors_at(model, weights, examples, replicas, positions):
    """Mean squared error of each replica's batch, example by example."""
    found = []
    for replica, (seed, own) in enumerate(zip(replicas, positions, strict=True)):
        chosen = examples.labelled[seed][own]
        one = {name: tensor[replica : replica + 1] for name, tensor in weights.items()}
        predicted = model.predict(one, examples.inputs[chosen][None])[0]
        found.append((predicted - examples.targets[chosen]).square().mean().item())
    return np.array(found)


def test_the_loss_is_the_mean_squared_error():
    examples = make_examples()
    bottleneck, prepared, weights = start_of("linear")
    model = SlotModel(bottleneck, prepared)
    positions = torch.tensor([[0, 3, 14], [1, 1, 2], [9, 8, 7]])
    found = example_loss(model, examples)(weights, positions, 1.0)
    np.testing.assert_allclose(
        found, errors_at(model, weights, examples, range(3), positions), rtol=1e-5
    )


def test_replicas_have_their_seeds_rows():
    examples = make_examples(seeds=(0, 1))
    bottleneck, prepared, weights = start_of("linear", seeds=range(4))
    model = SlotModel(bottleneck, prepared)
    positions = torch.tensor([[0, 3], [1, 2], [9, 8], [4, 4]])
    found = example_loss(model, examples, times=2)(weights, positions, 1.0)
    expected = errors_at(model, weights, examples, (0, 0, 1, 1), positions)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def fixed_model(examples):
    """`square` between fixed projections: nothing is trained."""
    bottleneck, prepared, _ = start_of("square")
    model = SlotModel(bottleneck, prepared, fixed_projections("pca", examples, 8))
    plain = SlotModel(bottleneck, prepared)
    return model, plain, model.projections


def test_behind_fixed_projections_the_unit_is_the_variance_of_the_examples():
    examples = make_examples()
    model, plain, weights = fixed_model(examples)
    positions = torch.tensor([[0, 3, 14], [1, 1, 2], [9, 8, 7]])
    targets = examples.targets[examples.labelled].numpy()
    unit = targets.var(axis=1).mean(axis=1)
    found = example_loss(model, examples)({}, positions, 1.0)
    expected = errors_at(plain, weights, examples, range(3), positions) / unit
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_example_left_out_has_no_part_in_the_unit():
    examples = make_examples()
    model, plain, weights = fixed_model(examples)
    choices = [np.arange(10), np.arange(5, 15), np.arange(3, 12)]
    positions = torch.tensor([[0, 3], [7, 14], [4, 4]])
    out = [np.setdiff1d(np.arange(15), own) for own in choices]
    spoiled = spoil(examples, targets=examples.labelled[0][out[0]])
    rows = [examples.labelled[seed][own] for seed, own in enumerate(choices)]
    unit = np.array([examples.targets[own].numpy().var(axis=0).mean() for own in rows])
    expected = errors_at(plain, weights, examples, range(3), positions) / unit
    for each in (examples, spoiled):
        found = example_loss(model, each, 1, choices)({}, positions, 1.0)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)
        if each is examples:
            np.testing.assert_allclose(found, expected, rtol=1e-4)
    whole = example_loss(model, spoiled)({}, positions, 1.0)
    assert whole[0] < 0.5 * expected[0]  # all n do count the spoiled targets


def test_equal_targets_leave_the_unit_at_one():
    examples = make_examples()
    same = type(examples)(**{**examples.__dict__, "targets": torch.ones_like(examples.targets)})
    model, plain, weights = fixed_model(same)
    positions = torch.tensor([[0], [1], [2]])
    found = example_loss(model, same)({}, positions, 1.0)
    np.testing.assert_allclose(
        found, errors_at(plain, weights, same, range(3), positions), rtol=1e-5
    )


def test_encoder_and_decoder_start_the_same_for_every_model():
    starts = [start_of(name)[2] for name in BOTTLENECKS]
    for start in starts[1:]:
        for key in PROJECTIONS:
            assert torch.equal(start[key], starts[0][key])


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


@pytest.mark.parametrize(("inputs", "outputs"), [(12, 12), (10, 5)])
def test_shapes_of_the_start(inputs, outputs):
    weights = start_of("linear", inputs, outputs)[2]
    shapes = [tuple(weights[name].shape) for name in PROJECTIONS]
    assert shapes == [(3, 8, inputs), (3, 8), (3, outputs, 8), (3, outputs)]


def test_linear_start_has_the_scale_of_torch():
    start, _ = draw_start(load_bottleneck("classical_dense")(6), 256, 256, range(3), 20)
    reference = torch.nn.Linear(256, 64)
    assert start["encoder.weight"].shape[1:] == reference.weight.shape
    for mine, torchs in (("weight", reference.weight), ("bias", reference.bias)):
        values = start[f"encoder.{mine}"]
        assert values.abs().max() <= 1 / 16
        assert abs(values.std() / torchs.std() - 1) < 0.2
