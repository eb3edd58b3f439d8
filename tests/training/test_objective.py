"""Codes trained to keep neighbours: on which rows, from which start, by which gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.files import SEEDS, make_problem
from helpers.training import holds_same, make_examples, spoil, write_problem
from qdistill.datasets.examples import take_rows
from qdistill.datasets.subsets import draw_subsets
from qdistill.downstream.neighbours import TrueNeighbours
from qdistill.errors import DataError
from qdistill.models.code_model import CodeModel
from qdistill.models.neighbours import principal_directions
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights
from qdistill.study.registry import BOTTLENECKS
from qdistill.training.objective import (
    direction_losses,
    gradients_of,
    measure_directions,
    set_task,
)
from qdistill.training.optimiser import FlatAdam
from qdistill.training.protocols import start_model, train_by_protocol, train_model
from qdistill.training.references import fit_references

ASKED = {"metric": "cosine", "rows": "labelled", "start": "random", "nested": []}
SETTINGS = {"projections": "trained", "layers": 2, "blocks": 2, "angle_range": 3.0}
SETTINGS |= {"protocol": "article", "epochs": 6, "batch_size": 8, "learning_rate": 0.02}


def settings_of(**asked):
    return {**SETTINGS, "neighbours": {**ASKED, **asked}}


def started(name="linear", examples=None, **asked):
    """A model of 3 qubits, what is trained of it, and posed examples of 12 features."""
    settings = settings_of(**asked)
    posed = set_task(examples or make_examples("reconstruct"), settings)
    model, parameters, _ = start_model(name, settings, 8, posed)
    return model, parameters, posed


def trained(name="linear", examples=None, **asked):
    model, parameters, posed = started(name, examples, **asked)
    return train_by_protocol(model, parameters, posed, settings_of(**asked))[0]


def replace_precision(model):
    """The same model in double precision."""
    fixed = [{k: v.double() for k, v in own.items()} for own in (model.prepared, model.projections)]
    return CodeModel(model.bottleneck, *fixed, model.loss)


def test_without_the_objective_nothing_changes():
    examples = make_examples("reconstruct")
    assert set_task(examples, SETTINGS) is examples
    assert torch.equal(examples.fitted, examples.labelled)


def test_the_rows_that_are_trained_on_are_those_that_were_asked_for():
    examples = make_examples("reconstruct")
    pool = examples.unlabelled.expand(3, -1)
    expected = {"labelled": examples.labelled, "pool": pool}
    expected["both"] = torch.cat([examples.labelled, pool], dim=1)
    for rows, positions in expected.items():
        posed = set_task(examples, settings_of(rows=rows))
        assert posed.task == "neighbours" and torch.equal(posed.fitted, positions)
        few = posed.of_seeds(np.array([2, 0]))
        assert torch.equal(few.fitted, positions[[2, 0]])
    none = replace(examples, unlabelled=examples.unlabelled[:0])
    with pytest.raises(DataError, match=r"'training\.rows: both' asks for unlabelled rows"):
        set_task(none, settings_of(rows="both"))


@pytest.mark.parametrize("rows", ["labelled", "pool", "both"])
def test_held_out_rows_are_never_trained_on_and_others_only_if_asked_for(rows):
    examples = make_examples("reconstruct")
    before = trained(examples=examples, rows=rows, start="pca").weights
    for positions, is_used in (
        (examples.heldout, False),
        (examples.unlabelled, rows != "labelled"),
        (examples.labelled[0], rows != "pool"),
    ):
        after = trained(examples=spoil(examples, positions), rows=rows, start="pca").weights
        assert holds_same(after, before) != is_used


@pytest.mark.parametrize("name", sorted(BOTTLENECKS))
def test_gradients_are_those_of_the_loss_of_each_seeds_batch(name):
    model, parameters, posed = started(name, rows="both", nested=[2])
    optimiser = FlatAdam(parameters, 0.01)
    positions = torch.tensor([[0, 3, 60, 2, 14], [1, 70, 2, 13, 4], [9, 8, 7, 0, 50]])
    gradients_of(model, posed)(optimiser.parameters, positions, 1.0)
    inputs = take_rows(posed.inputs, posed.fitted.gather(1, positions)).double()
    exact = replace_precision(model)

    def losses(step):
        moved = {k: v.double() + step * directions[k] for k, v in parameters.items()}
        return model.loss.row_losses(exact.predict_rows(moved, inputs), inputs).mean(-1)

    generator = torch.Generator().manual_seed(0)
    directions = {k: torch.randn(v.shape, generator=generator) for k, v in parameters.items()}
    found = (losses(1e-6) - losses(-1e-6)) / 2e-6
    slopes = [(optimiser.parameters[k].grad * directions[k]).flatten(1) for k in parameters]
    torch.testing.assert_close(
        found, torch.cat(slopes, 1).double().sum(1), rtol=1e-3, atol=1e-3 * found.abs().max().item()
    )


def test_a_batch_of_one_row_changes_nothing():
    model, parameters, posed = started()
    optimiser = FlatAdam(parameters, 0.01)
    gradients_of(model, posed)(optimiser.parameters, torch.tensor([[0], [1], [2]]), 1.0)
    assert all((each.grad == 0).all() for each in optimiser.parameters.values())


@pytest.mark.parametrize("name", ["linear", "square", "quantum", "skip"])
def test_training_lowers_the_loss_and_the_decoder_is_neither_trained_nor_counted(name):
    model, parameters, _ = started(name, rows="both")
    block = trained(name, rows="both")
    history = block.history["train_loss"].reshape(-1, 3)
    assert (history[-1] < 0.8 * history[0]).all() and not block.evaluation.diverged.any()
    assert holds_same(block.weights, model.projections) and len(model.projections) == 2
    assert not any(name.startswith("decoder") for name in parameters)
    assert block.evaluation.n_parameters == sum(v[0].numel() for v in parameters.values())


def test_encoders_start_at_the_principal_directions_of_the_rows_of_their_seed():
    for rows in ("labelled", "both"):
        _, parameters, posed = started("square", rows=rows, start="pca")
        for seed, positions in enumerate(posed.fitted):
            found = parameters["encoder.weight"][seed]
            assert torch.equal(found, principal_directions(posed.inputs[positions], 8))
        assert not parameters["encoder.bias"].any()
        _, others, _ = started("quantum", rows=rows, start="pca")
        assert torch.equal(parameters["encoder.weight"], others["encoder.weight"])
    # Where rows span fewer directions the others are new ones, of the seed's own draw.
    few = make_examples("reconstruct", n=5)
    _, parameters, posed = started(examples=few, start="pca")
    for encoder, positions in zip(parameters["encoder.weight"], posed.fitted, strict=True):
        torch.testing.assert_close(encoder @ encoder.T, torch.eye(8), atol=1e-5, rtol=0)
        assert torch.equal(encoder[:5], principal_directions(posed.inputs[positions], 8))
    assert not torch.allclose(
        parameters["encoder.weight"][0, 5:], parameters["encoder.weight"][1, 5:]
    )


def test_components_have_the_loss_that_a_linear_model_starts_from():
    block = trained(rows="both", start="pca")
    posed = set_task(make_examples("reconstruct"), settings_of(rows="both"))
    found = measure_directions(posed, 8, {**ASKED, "rows": "both"})
    for name in ("train_loss", "heldout_loss"):
        start = block.history[name].reshape(-1, 3)[0]
        np.testing.assert_allclose(getattr(found, name), start, rtol=1e-4)
    losses = direction_losses(posed, 8, ASKED)
    assert losses.shape == (3, len(posed.heldout))
    np.testing.assert_allclose(losses.mean(axis=1), found.heldout_loss, rtol=1e-6)
    assert found.n_parameters.tolist() == [8 * 12] * 3


def test_neighbours_that_live_where_there_is_little_variance_are_learnt():
    # Six groups lie far apart, along more directions than a code has numbers; in each, which rows
    # are near is told by two directions of little variance, which principal components leave out.
    generator = np.random.default_rng(0)
    groups, angles = generator.integers(6, size=190), generator.uniform(0, 2 * np.pi, 190)
    ring = 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    x = torch.tensor(np.hstack([np.eye(6)[groups], ring]).astype(np.float32))
    examples = replace(make_examples("reconstruct"), inputs=x, targets=x)
    settings = {**settings_of(rows="both", start="pca"), "epochs": 200, "batch_size": 95}
    posed = set_task(examples, settings)
    model, parameters, _ = start_model("linear", settings, 4, posed)
    block = train_by_protocol(model, parameters, posed, settings)[0]
    known = measure_directions(posed, 4, {**ASKED, "rows": "both"})
    assert (block.evaluation.heldout_loss < 0.5 * known.heldout_loss).all()
    true = TrueNeighbours(x[posed.heldout], 5, "cosine")
    for place, code in enumerate(model.predict_rows(block.weights, x[posed.heldout])):
        directions = principal_directions(x[posed.fitted[place]], 4)
        assert true.recall(code) > 0.1 + true.recall(x[posed.heldout] @ directions.T)


def test_jobs_write_the_measure_and_weights_of_a_whole_model(tmp_path):
    latents = write_problem(tmp_path, "reconstruct")
    draw_subsets(latents, SEEDS, subsets := tmp_path / "subsets.parquet")
    problem = replace(make_problem(latents, (10, 20)), subsets=subsets)
    settings = settings_of(rows="both", start="pca")
    kinds = ("weights", "history", "choices", "metrics")
    outputs = {kind: tmp_path / f"{kind}.file" for kind in kinds}
    train_model("quantum", problem, settings, outputs)
    metrics = read_frame("metrics", outputs["metrics"])
    assert set(metrics["task"]) == {"neighbours"} and set(metrics["measure"]) == {"neighbour_kl"}
    assert (metrics["heldout_loss"] > 0).all()
    shapes = {k: v.shape for k, v in read_weights(outputs["weights"], 10).items()}
    assert shapes["decoder.weight"] == (3, 8, 8) and shapes["bottleneck.angles"] == (3, 2, 3, 2)
    about = {"kind": "vectors", "neighbours": settings["neighbours"]}
    fit_references(["pca"], problem, about, path := tmp_path / "references.parquet")
    references = read_frame("metrics", path)
    assert set(references["model"]) == {"pca"} and set(references["measure"]) == {"neighbour_kl"}
    assert len(references) == len(metrics)
