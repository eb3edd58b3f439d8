"""The protocols: where `regularised` ends, what is fixed, what no training may look at."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.files import SEEDS, files_of, make_problem, rows_at
from helpers.students import SETTINGS
from helpers.training import (
    Clock,
    draw_problem,
    holds_same,
    make_examples,
    not_labelled,
    spoil,
    write_problem,
)
from qdistill.models.bottlenecks import build_bottleneck, load_bottleneck
from qdistill.models.projections import fixed_projections
from qdistill.storage.weights import read_weights
from qdistill.study.registry import BOTTLENECKS
from qdistill.training import blocks, protocols
from qdistill.training.blocks import evaluate_errors, train_block, training_settings
from qdistill.training.protocols import start_model, train_by_protocol, train_model
from qdistill.training.regularised import Chosen, grid_of

ARTICLE = {**SETTINGS, "epochs": 4, "batch_size": 8}
GRID = {"folds": 4, "steps": 120, "epochs": 0, "checks": 6, "learning_rates": [0.03]}
GRID |= {"weight_decays": [0.0, 1.0, 10.0]}
REGULARISED = {k: v for k, v in ARTICLE.items() if k not in ("epochs", "learning_rate")}
REGULARISED |= {"protocol": "regularised", "regularised": GRID}
BOTH = pytest.mark.parametrize("settings", [ARTICLE, REGULARISED], ids=lambda s: s["protocol"])


def train(name, settings, examples):
    model, parameters, _ = start_model(name, settings, 8, examples)
    return model, parameters, train_by_protocol(model, parameters, examples, settings)[0]


@pytest.mark.slow
def test_decay_and_length_are_worth_choosing():
    """Targets with as much noise as signal: a long training without decay overfits them."""
    examples = make_examples("noisy map", n=30)
    block = train("linear", REGULARISED, examples)[2]
    settings = {**REGULARISED, "regularised": {**GRID, "checks": 1, "weight_decays": [0.0]}}
    overfitted = train("linear", settings, examples)[2].evaluation
    assert (overfitted.train_loss < 0.9 * block.evaluation.train_loss).all()
    assert (overfitted.heldout_loss > 1.1 * block.evaluation.heldout_loss).all()


@pytest.mark.parametrize("name", ["classical", "linear", "quantum", "square"])
def test_the_scale_of_codes_is_the_decoders_when_it_is_kept(name):
    """A scale of c is a decoder of c times its weights: the same outputs, another training."""
    examples, scale = make_examples("reconstruct"), 8.0
    settings = {**ARTICLE, "code_scale": scale}
    model, parameters, _ = start_model(name, settings, 8, examples)
    plain = start_model(name, {**ARTICLE, "code_scale": 1.0}, 8, examples)[0]
    kept = model.kept_weights(parameters)
    assert torch.equal(kept["decoder.weight"], scale * parameters["decoder.weight"])
    x = examples.inputs[examples.labelled]
    torch.testing.assert_close(plain.predict(kept, x), model.predict(parameters, x))
    block = train_by_protocol(model, parameters, examples, settings)[0]
    train_loss = evaluate_errors(plain, block.weights, examples)[0]
    np.testing.assert_allclose(train_loss, block.evaluation.train_loss, rtol=1e-4)
    other = train(name, {**ARTICLE, "code_scale": 1.0}, examples)[2].evaluation
    assert (np.abs(other.train_loss / train_loss - 1) > 1e-3).all()


@pytest.mark.parametrize(
    ("name", "own", "unit"),
    [
        *(("classical", 1, 1), ("quantum", 1, 8), ("square", 1, 8), ("linear", 1, 1)),
        *(("classical_scaled", 1 / 8, 1), ("quantum_scaled", 8, 8), ("square_scaled", 8, 8)),
    ],
)
def test_scales_of_models(name, own, unit):
    examples = make_examples("reconstruct")
    for wanted, expected in (("own", own), (3, 3), ("unit", unit)):
        model, parameters, _ = start_model(name, {**ARTICLE, "code_scale": wanted}, 8, examples)
        assert model.scale == expected
    codes = model.squeeze(parameters, model.encode(parameters, examples.inputs[examples.labelled]))
    if name != "linear":  # whose codes have the scale of the data
        assert 0.5 < codes.abs().mean() < 1.5
    fixed = {**ARTICLE, "code_scale": "unit", "projections": "pca"}
    assert start_model(name, fixed, 8, make_examples("squares"))[0].scale == 1


def test_training_that_does_not_help_is_not_done():
    """At a useless rate every step makes it worse, so the start is kept and is no failure."""
    examples, useless = make_examples(n=20), {**GRID, "learning_rates": [1e3]}
    model, parameters, block = train("linear", {**REGULARISED, "regularised": useless}, examples)
    assert holds_same(block.weights, parameters)
    before = evaluate_errors(model, parameters, examples)
    np.testing.assert_array_equal(block.evaluation.heldout_loss, before[1])
    assert block.history["epoch"].tolist() == [0, 0, 0]
    assert not block.evaluation.diverged.any()


def test_the_result_is_that_of_each_seeds_last_measurement():
    examples = make_examples("noisy map", n=20)
    model, parameters, block = train("quantum", REGULARISED, examples)
    before, after = (evaluate_errors(model, w, examples) for w in (parameters, block.weights))
    lengths = set()
    for place, seed in enumerate(SEEDS):
        own = {k: v[block.history["seed"] == seed] for k, v in block.history.items()}
        lengths.add(len(own["epoch"]))
        for column, first, last in zip(("train_loss", "heldout_loss"), before, after, strict=True):
            assert own[column][0] == first[place]
            assert own[column][-1] == last[place]
            assert getattr(block.evaluation, column)[place] == last[place], seed
        assert own["epoch"][0] == 0
        assert all((np.diff(own[column]) > 0).all() for column in ("epoch", "seconds"))
        assert np.isfinite(own["validation_loss"]).all()
    assert len(lengths) > 1
    assert block.evaluation.n_parameters == 12 * 8 + 8 + 8 * 12 + 12 + 12


def test_a_final_training_that_breaks_is_flagged():
    """Cross-validation promised a length at which the training on all examples fails."""
    examples = make_examples("noisy map", n=20)
    useless = {**REGULARISED, "regularised": {**GRID, "learning_rates": [1e9]}}
    model, parameters, _ = start_model("linear", useless, 8, examples)
    curves, ends = np.ones((3, 3, 7)), np.array([2, 2, 0])
    chosen = Chosen(grid_of(useless, 1), curves, np.zeros(3, int), ends, 0.0)
    block = protocols.train_regularised(model, parameters, examples, chosen, "batches")
    assert block.evaluation.diverged.tolist() == [True, True, False]


def test_time_counts_the_search_and_not_the_measuring(monkeypatch):
    clock = Clock(monkeypatch, blocks)
    examples = make_examples("noisy map", n=20)
    model, parameters, _ = start_model("linear", REGULARISED, 8, examples)
    curves = np.array([[[3.0, 2.0, 4.0]] * 3] * 3)
    chosen = Chosen(grid_of(REGULARISED, 1), curves, np.zeros(3, int), np.ones(3, int), 100.0)
    for module in (blocks, protocols):
        monkeypatch.setattr(module, "evaluate_errors", clock.slowed(evaluate_errors, 10_000))
    block = protocols.train_regularised(model, parameters, examples, chosen, "batches")
    assert 100 < block.evaluation.seconds < 110
    assert (block.history["seconds"] < 10).all()


def test_article_is_the_fixed_number_of_epochs():
    examples = make_examples("reconstruct")
    model, parameters, block = train("quantum", ARTICLE, examples)
    plain = train_block(model, parameters, examples, training_settings(ARTICLE))
    assert holds_same(block.weights, plain.weights)
    assert set(block.history["epoch"]) == {0, 1, 2, 3, 4}


@BOTH
def test_batches_are_named_by_their_purpose(settings):
    examples = make_examples("noisy map")
    model, parameters, block = train("linear", settings, examples)
    other, _ = train_by_protocol(model, parameters, examples, settings, "other batches")
    again, _ = train_by_protocol(model, parameters, examples, settings, "batches")
    for name, tensor in block.weights.items():
        assert torch.equal(tensor, again.weights[name])
        assert not torch.equal(tensor, other.weights[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "projections"),
    [(name, "trained") for name in ("linear", "quantum", "quantum_scrambled")]
    + [(name, "pca") for name in ("quantum", "orthogonal")],
)
@BOTH
def test_results_do_not_depend_on_the_block(settings, name, projections):
    settings = {**settings, "projections": projections}
    if settings["protocol"] == "regularised":
        settings["regularised"] = {**GRID, "folds": 3, "steps": 40}
    together = train(name, settings, make_examples("noisy map"))[2]
    for place, seed in enumerate(SEEDS):
        alone = train(name, settings, make_examples("noisy map", seeds=(seed,)))[2]
        own = together.history["seed"] == seed
        assert together.history["epoch"][own].tolist() == alone.history["epoch"].tolist()
        for column in ("train_loss", "heldout_loss", "validation_loss"):
            found, expected = together.history[column][own], alone.history[column]
            np.testing.assert_allclose(found, expected, rtol=1e-3)
        found, expected = (each.evaluation.heldout_loss for each in (together, alone))
        np.testing.assert_allclose(found[place], expected[0], rtol=1e-3)
        for key, tensor in together.weights.items():
            torch.testing.assert_close(tensor[place], alone.weights[key][0], rtol=1e-2, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("projections", ["trained", "pca"])
@BOTH
def test_rows_that_are_no_examples_change_nothing_that_is_trained(settings, projections):
    """Held-out rows spoiled altogether, and the targets of unlabelled rows."""
    settings, examples = {**settings, "projections": projections}, make_examples("noisy map")
    spoiled = spoil(examples, inputs=examples.heldout, targets=not_labelled(examples))
    clean, other = (train("quantum", settings, each)[2] for each in (examples, spoiled))
    assert holds_same(other.weights, clean.weights)
    for column in ("epoch", "train_loss", "validation_loss"):
        np.testing.assert_array_equal(clean.history[column], other.history[column])
    assert (clean.evaluation.heldout_loss != other.evaluation.heldout_loss).all()


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("kind", ["pca", "identity"])
def test_fixed_projections_stay_as_they_are(settings, kind):
    examples = make_examples("squares", features=8 if kind == "identity" else 12)
    _, parameters, block = train("quantum", {**settings, "projections": kind}, examples)
    assert parameters.keys() == {"bottleneck.angles"}
    assert holds_same(block.weights, fixed_projections(kind, examples, 8))
    assert not torch.equal(block.weights["bottleneck.angles"], parameters["bottleneck.angles"])
    assert block.evaluation.n_parameters == 2 * 3 * 2


@BOTH
@pytest.mark.parametrize("name", ["linear", "square", "frozen_circuit"])
def test_what_has_nothing_to_train_is_evaluated(settings, name):
    examples = make_examples("squares", features=8)
    model, parameters, block = train(name, {**settings, "projections": "identity"}, examples)
    assert parameters == {} and block.evaluation.n_parameters == 0
    assert block.history["epoch"].tolist() == [0, 0, 0]
    assert not block.evaluation.diverged.any()
    x = examples.inputs[examples.heldout]
    z = {"linear": x, "square": x.square() / x.square().sum(1, keepdim=True)}.get(name)
    if z is None:
        z = model.squeeze({}, x.expand(3, -1, -1))
        assert not torch.allclose(z[0], z[1])  # each seed its own circuit
    expected = (z - examples.targets[examples.heldout]).square().mean((-2, -1)).expand(3)
    np.testing.assert_allclose(block.evaluation.heldout_loss, expected, rtol=1e-5)


def test_with_enough_examples_the_circuit_behind_the_targets_is_found():
    """Targets of a circuit of the same ansatz: what `regularised` and its unit are for."""
    examples = make_examples("noisy map", n=30, features=8)
    grid = {**GRID, "steps": 400, "learning_rates": [0.05]}
    own = dict(projections="identity", layers=1, angle_range=1.0)
    settings = {**REGULARISED, **own, "regularised": grid}
    model, _, _ = start_model("quantum", settings, 8, examples)
    teacher = torch.rand(1, 1, 3, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    hidden = model.squeeze({"bottleneck.angles": teacher}, examples.inputs[None])[0]
    examples = replace(examples, targets=hidden)
    block = train("quantum", settings, examples)[2]
    assert (block.evaluation.heldout_loss < 1e-3 * hidden.var(0).mean().item()).all()


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("name", BOTTLENECKS)
def test_what_is_written(tmp_path, name, settings):
    latents = write_problem(tmp_path, "reconstruct")
    protocol, length = settings["protocol"], {**GRID, "folds": 3, "steps": 60}
    own = {"regularised": length} if protocol == "regularised" else {"epochs": 20}
    settings = {**settings, **own, "batch_size": 6}
    if not BOTTLENECKS[name].is_circuit:  # settings of circuits are not given to others
        settings = {
            k: v for k, v in settings.items() if k not in ("layers", "blocks", "angle_range")
        }
    files = files_of(tmp_path, name)
    problem = make_problem(latents, (12, 20), SEEDS, protocol)
    train_model(name, problem, settings, files)
    bottleneck = build_bottleneck(name, 8, settings)
    width = bottleneck.width
    counted = 2 * 8 * width + width + 8 + bottleneck.count_parameters()
    for n in problem.sizes:
        metrics, history = rows_at(files, "metrics", n), rows_at(files, "history", n)
        weights = read_weights(files.weights, n)
        assert metrics["seed"].tolist() == [0, 1, 2]
        for column, value in (("protocol", protocol), ("n", n), ("model", name)):
            assert (metrics[column] == value).all() and (history[column] == value).all()
        assert (metrics["n_parameters"] == counted).all()
        assert not metrics["diverged"].any()
        last = history.sort_values("epoch").groupby("seed").last()
        first = history[history["epoch"] == 0].set_index("seed")
        np.testing.assert_array_equal(last["heldout_loss"], metrics["heldout_loss"])
        assert (last["train_loss"] < first["train_loss"]).all()
        assert history["validation_loss"].notna().all() == (protocol == "regularised")
        assert weights["encoder.weight"].shape == (3, width, 8)
        if BOTTLENECKS[name].is_circuit:
            assert weights["bottleneck.angles"].shape[:3] == (3, 2, 3)


def test_what_is_written_is_enough_to_predict(tmp_path):
    """Fixed projections and angles that were never trained are in the file."""
    latents, files = write_problem(tmp_path, "noisy map"), files_of(tmp_path, "frozen_circuit")
    settings = {**ARTICLE, "projections": "identity"}
    train_model("frozen_circuit", make_problem(latents, (12, 20)), settings, files)
    weights = {k: torch.tensor(v) for k, v in read_weights(files.weights, 20).items()}
    x, y = (torch.tensor(array[140:]) for array in draw_problem("noisy map", 8))
    quantum = load_bottleneck("quantum")(3, 2)
    h = x @ weights["encoder.weight"].transpose(1, 2) + weights["encoder.bias"][:, None]
    z = quantum.forward({"angles": weights["bottleneck.angles"]}, h)
    predicted = z @ weights["decoder.weight"].transpose(1, 2) + weights["decoder.bias"][:, None]
    metrics = rows_at(files, "metrics", 20)
    expected = (predicted - y).square().mean((1, 2))
    np.testing.assert_allclose(metrics["heldout_loss"], expected, rtol=1e-5)
    assert (metrics["n_parameters"] == 0).all()
