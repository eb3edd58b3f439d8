"""What `linear_tuned` writes gives what it reports, and only the labelled rows decide."""

import json

import numpy as np
import pytest
import torch
from sklearn.model_selection import KFold

from helpers.training import holds_same, make_examples, not_labelled, spoil
from qdistill.models.projections import fixed_projections
from qdistill.models.spectral import Filter, SpectralRegression, quadratic_features
from qdistill.randomness import generator_for
from qdistill.training.linear_tuning import tune_linear

# projections, kind of problem, qubits (N is 4 or 8)
CASES = [
    ("trained", "noisy map", 3),
    ("trained", "reconstruct", 2),
    ("identity", "squares", 3),
    ("pca", "noisy map", 3),
    ("pca", "reconstruct", 2),
]
FEATURES = {"trained": 12, "identity": 8, "pca": 12}


def tune(projections, kind, qubits, examples=None):
    examples = examples or make_examples(kind, features=FEATURES[projections])
    settings = {"projections": projections, "folds": 5}
    return examples, *tune_linear(examples, 2**qubits, settings)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case)))
def tuned(request):
    return request.param, *tune(*request.param)


def apply_weights(weights, place, x):
    """What a reader of the weights' file does, in single precision."""
    own = {key: tensor[place] for key, tensor in weights.items()}
    h = x @ own["encoder.weight"].T + own["encoder.bias"]
    if "bottleneck.bias" in own:
        features = quadratic_features(h.numpy())
        parts = [torch.from_numpy(x) @ own[f"bottleneck.{k}"].T for k, x in features.items()]
        h = own["bottleneck.bias"] + sum(parts)
    return h @ own["decoder.weight"].T + own["decoder.bias"]


def test_the_weights_reproduce_the_reported_errors(tuned):
    _, examples, weights, evaluation, _ = tuned
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    errors = evaluation.train_loss, evaluation.heldout_loss
    for place, labelled in enumerate(examples.labelled):
        for found, rows in zip(errors, (labelled, examples.heldout), strict=True):
            predicted = apply_weights(weights, place, examples.inputs[rows])
            expected = (predicted - examples.targets[rows]).square().mean().item()
            assert found[place] == pytest.approx(expected, rel=1e-3)


def test_the_choice_explains_the_weights(tuned):
    """Refitting what was chosen, with plain least squares, gives the same predictions."""
    case, examples, weights, evaluation, found = tuned
    assert len(found["choice"]) == len(examples.seeds)
    for place, labelled in enumerate(examples.labelled):
        chosen = json.loads(found["choice"][place])
        x, y, basis = refit(examples, case, chosen, labelled)
        slopes = cut_slopes(SpectralRegression(x, y), chosen)
        predicted = (x - x.mean(axis=0)) @ slopes + y.mean(axis=0)
        written = apply_weights(weights, place, examples.inputs[labelled])
        np.testing.assert_allclose(written @ basis, predicted, atol=1e-3 * np.abs(y).max())
        terms = slopes.shape[0] + slopes.shape[1]
        assert evaluation.n_parameters[place] == chosen["rank"] * terms + slopes.shape[1]


def refit(examples, case, chosen, labelled):
    """Features and targets of the chosen fit; targets in a basis of the decoder's range."""
    projections, _, qubits = case
    x, y = examples.inputs[labelled].double().numpy(), examples.targets[labelled].double().numpy()
    basis = np.eye(y.shape[1])
    if projections != "trained":
        fixed = fixed_projections(projections, examples, 2**qubits)
        fixed = {key: tensor[0].double().numpy() for key, tensor in fixed.items()}
        h = x @ fixed["encoder.weight"].T + fixed["encoder.bias"]
        x = quadratic_features(h)[chosen["features"]]
        # the columns of a pca decoder sum to zero: its rank is one less than its width
        rank = 2**qubits - (projections == "pca")
        basis = np.linalg.svd(fixed["decoder.weight"])[0][:, :rank]
        y = y @ basis
    return x, y, basis


def cut_slopes(regression, chosen):
    """Slopes of the chosen fit within its leading directions."""
    filtered = Filter(chosen["regularisation"], chosen["strength"])
    leading = regression.leading_directions(filtered)[:, : chosen["rank"]]
    return regression.slopes(filtered) @ leading @ leading.T


def test_the_validation_error_is_that_of_the_targets(tuned):
    """Refitted fold by fold; with fixed projections, what no code can reach counts too."""
    case, examples, _, _, found = tuned
    projections, _, qubits = case
    for place, (seed, labelled) in enumerate(zip(examples.seeds, examples.labelled, strict=True)):
        chosen = json.loads(found["choice"][place])
        x, y, basis = refit(examples, case, chosen, labelled)
        targets = examples.targets[labelled].double().numpy()
        bias = np.zeros(targets.shape[1])
        if projections != "trained":
            bias = fixed_projections(projections, examples, 2**qubits)["decoder.bias"][0].numpy()
        state = int(generator_for(seed, examples.n, "tuned").integers(2**32))
        total = 0.0
        for kept, held in KFold(5, shuffle=True, random_state=state).split(y):
            regression = SpectralRegression(x[kept], y[kept])
            guess = (x[held] - x[kept].mean(axis=0)) @ cut_slopes(regression, chosen)
            guess = (guess + y[kept].mean(axis=0) - bias @ basis) @ basis.T + bias
            total += np.square(guess - targets[held]).sum()
        assert found["validation_loss"][place] == pytest.approx(total / targets.size, rel=1e-4)


@pytest.mark.slow
def test_no_other_row_matters(tuned):
    """Other rows' targets, and held-out inputs, change nothing but the held-out error."""
    case, examples, weights, evaluation, found = tuned
    others = not_labelled(examples)
    inputs = others if case[0] == "trained" else examples.heldout
    _, spoiled, measured, again = tune(*case, spoil(examples, inputs=inputs, targets=others))
    assert found == again
    assert holds_same(spoiled, weights)
    np.testing.assert_array_equal(evaluation.train_loss, measured.train_loss)
    assert (evaluation.heldout_loss != measured.heldout_loss).all()


@pytest.mark.slow
def test_results_do_not_depend_on_the_block(tuned):
    case, examples, weights, evaluation, found = tuned
    for place, seed in enumerate(examples.seeds):
        alone = make_examples(case[1], seeds=(seed,), features=FEATURES[case[0]])
        _, own, measured, again = tune(*case, alone)
        assert again == {key: [values[place]] for key, values in found.items()}
        assert measured.heldout_loss[0] == evaluation.heldout_loss[place]
        assert all(torch.equal(own[key][0], tensor[place]) for key, tensor in weights.items())


def test_codes_of_fixed_projections_are_of_the_size_of_probabilities():
    """A decoder that reaches one direction only by rounding must not ask for huge codes."""
    _, weights, _, _ = tune("pca", "reconstruct", 2)
    assert max(tensor.abs().max() for tensor in weights.values()) < 100


def test_time_is_of_fitting_and_not_of_measuring(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("qdistill.training.linear_tuning.time.perf_counter", lambda: next(clock))
    assert tune("trained", "noisy map", 3)[2].seconds == 1
