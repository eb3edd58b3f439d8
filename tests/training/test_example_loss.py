"""The loss of a batch against plain arithmetic, and its gradients against autograd's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.training import make_examples, spoil, start_of
from qdistill.datasets.examples import take_rows
from qdistill.models.projections import fixed_projections
from qdistill.models.slot_model import SlotModel
from qdistill.study.registry import BOTTLENECKS
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.optimiser import FlatAdam

POSITIONS = torch.tensor([[0, 3, 14, 2], [1, 1, 2, 13], [9, 8, 7, 0]])


def model_of(name, fixed=None, **sizes):
    """A model, and what is trained of it between projections that are trained, too."""
    bottleneck, prepared, parameters = start_of(name, **sizes)
    return SlotModel(bottleneck, prepared, fixed), parameters


def errors_at(model, weights, examples, replicas, positions):
    """Mean squared error of each replica's batch, example by example."""
    found = []
    for replica, (seed, own) in enumerate(zip(replicas, positions, strict=True)):
        chosen = examples.labelled[seed][own]
        one = {name: tensor[replica : replica + 1] for name, tensor in weights.items()}
        predicted = model.predict(one, examples.inputs[chosen][None])[0]
        found.append((predicted - examples.targets[chosen]).square().mean().item())
    return np.array(found)


@pytest.mark.parametrize("times", [1, 2])
def test_the_loss_is_the_mean_squared_error_on_the_rows_of_each_replicas_seed(times):
    examples = make_examples(seeds=(0, 1))
    model, weights = model_of("linear", seeds=range(2 * times))
    positions = torch.tensor([[0, 3], [1, 2], [9, 8], [4, 4]])[: 2 * times]
    seeds = np.repeat((0, 1), times)
    found = ExampleLoss(model, examples, torch.tensor(seeds))(weights, positions, 1.0)
    expected = errors_at(model, weights, examples, seeds, positions)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def fixed_model(examples):
    """`square` between fixed projections: nothing is trained."""
    model = model_of("square", fixed_projections("pca", examples, 8))[0]
    return model, model_of("square")[0], model.projections


@pytest.mark.parametrize(("equal", "rtol"), [(False, 1e-4), (True, 1e-5)])
def test_behind_fixed_projections_the_unit_is_the_variance_of_the_examples_or_one(equal, rtol):
    examples = make_examples()
    if equal:
        examples = replace(examples, targets=torch.ones_like(examples.targets))
    model, plain, weights = fixed_model(examples)
    positions = torch.tensor([[0, 3, 14], [1, 1, 2], [9, 8, 7]])
    targets = examples.targets[examples.labelled].numpy()
    unit = 1 if equal else targets.var(axis=1).mean(axis=1)
    found = ExampleLoss(model, examples)({}, positions, 1.0)
    expected = errors_at(plain, weights, examples, range(3), positions) / unit
    np.testing.assert_allclose(found, expected, rtol=rtol)


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
        found = ExampleLoss(model, each, None, choices)({}, positions, 1.0)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)
        if each is examples:
            np.testing.assert_allclose(found, expected, rtol=1e-4)
    whole = ExampleLoss(model, spoiled)({}, positions, 1.0)
    assert whole[0] < 0.5 * expected[0]  # all n do count the spoiled targets


def gradients_of(parameters, add_gradients):
    """What a step would find in the optimiser's buffer."""
    optimiser = FlatAdam(parameters, 0.1)
    add_gradients(optimiser.parameters)
    return {name: leaf.grad.clone() for name, leaf in optimiser.parameters.items()}


def assert_same_gradients(loss, parameters, progress=1.0, positions=POSITIONS):
    found = gradients_of(parameters, lambda own: loss.add_gradients(own, positions, progress))
    expected = gradients_of(parameters, lambda own: loss(own, positions, progress).sum().backward())
    assert found.keys() == expected.keys() == parameters.keys()
    for name, gradient in expected.items():
        largest = gradient.abs().max()
        assert largest > 0, name
        torch.testing.assert_close(found[name] / largest, gradient / largest, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_gradients_are_those_of_autograd(name):
    model, parameters = model_of(name)
    if name == "orthogonal":  # away from its start, where all rotations commute
        parameters["bottleneck.skew"] += 0.1 * torch.randn(parameters["bottleneck.skew"].shape)
    if name == "skip":  # away from its start, where the circuit has no share
        parameters["bottleneck.share"] += 0.5
    assert_same_gradients(ExampleLoss(model, make_examples()), parameters, 0.3)


@pytest.mark.parametrize("outputs", [5, 20])
def test_gradients_for_targets_of_another_width(outputs):
    examples = make_examples()
    wide = torch.randn(len(examples.inputs), outputs, generator=torch.Generator().manual_seed(0))
    other = replace(examples, targets=wide)
    model, parameters = model_of("quantum", outputs=outputs)
    assert_same_gradients(ExampleLoss(model, other), parameters)


@pytest.mark.parametrize("kind", ["pca", "identity"])
@pytest.mark.parametrize("name", ["classical_dense", "quantum", "real_circuit"])
def test_gradients_behind_fixed_projections(name, kind):
    """They do without what of the targets lies outside the decoder's range."""
    examples = make_examples(features=12 if kind == "pca" else 8)
    model, parameters = model_of(name, fixed_projections(kind, examples, 8))
    own = {key: value for key, value in parameters.items() if key.startswith("bottleneck.")}
    assert_same_gradients(ExampleLoss(model, examples), own)


def test_replicas_train_on_their_own_rows_behind_fixed_projections():
    fixed = fixed_projections("pca", make_examples(seeds=range(4)), 8)
    model, parameters = model_of("quantum", fixed, seeds=range(4))
    choices = [np.arange(0, 10), np.arange(5, 15)] * 2
    positions = torch.tensor([[0, 3], [7, 14], [9, 8], [5, 6]])
    loss = ExampleLoss(model, make_examples(seeds=(0, 1)), torch.tensor([0, 0, 1, 1]), choices)
    angles = {"bottleneck.angles": parameters["bottleneck.angles"]}
    assert_same_gradients(loss, angles, positions=positions)


@given(groups=st.integers(1, 3), each=st.integers(1, 3), rows=st.integers(1, 6))
def test_rows_are_those_that_indexing_gives(groups, each, rows):
    generator = torch.Generator().manual_seed(groups)
    positions = torch.randint(rows, (groups * each, 4), generator=generator)
    shared = torch.randn(rows, 5, generator=generator)
    assert torch.equal(take_rows(shared, positions), shared[positions])
    own = torch.randn(groups, rows, 5, generator=generator)
    expected = [own[replica // each][row] for replica, row in enumerate(positions)]
    assert torch.equal(take_rows(own, positions), torch.stack(expected))


@pytest.mark.parametrize("name", ["linear", "quantum"])
def test_of_classes_the_gradients_are_those_of_their_cross_entropy(name):
    examples = make_examples("classes")
    model, parameters = model_of(name, outputs=3)
    assert_same_gradients(ExampleLoss(model, examples), parameters)


@pytest.mark.parametrize("name", ["classical_dense", "orthogonal", "quantum"])
def test_of_classes_behind_fixed_projections_too(name):
    examples = make_examples("classes")
    model, parameters = model_of(name, fixed_projections("pca", examples, 8), outputs=3)
    own = {key: value for key, value in parameters.items() if key.startswith("bottleneck.")}
    loss = ExampleLoss(model, examples)
    assert_same_gradients(loss, own)
    (key, *_) = own
    step = 1e-2 * torch.randn(own[key].shape, generator=torch.Generator().manual_seed(2))
    found = gradients_of(own, lambda given: loss.add_gradients(given, POSITIONS, 1.0))[key]
    ends = [loss({**own, key: own[key] + sign * step}, POSITIONS, 1.0) for sign in (-1, 1)]
    along = (found * step).flatten(1).sum(1)
    torch.testing.assert_close((ends[1] - ends[0]) / 2, along, rtol=0.02, atol=1e-4)


def test_the_unit_of_a_cross_entropy_behind_fixed_projections_is_one():
    examples = make_examples("classes")
    model, _ = model_of("square", fixed_projections("pca", examples, 8), outputs=3)
    found = ExampleLoss(model, examples)({}, POSITIONS, 1.0)
    for seed, positions in enumerate(POSITIONS):
        rows = examples.labelled[seed][positions]
        logits = model.predict_rows({}, examples.inputs[rows])[seed]
        expected = torch.nn.functional.cross_entropy(logits, examples.targets[rows])
        torch.testing.assert_close(found[seed], expected)
