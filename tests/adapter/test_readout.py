"""Codes that keep neighbours are deployed with a read-out that is fitted after them."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.linear_model import Ridge

from helpers.adapter import deployment_of, train_study
from qdistill.adapter.export import export_adapter
from qdistill.adapter.layout import read_adapter
from qdistill.adapter.numerics import decode, encode
from qdistill.adapter.readout import from_directions, with_readout
from qdistill.adapter.summary import summarise
from qdistill.datasets.examples import load_examples
from qdistill.downstream.codes import load_encoder
from qdistill.errors import DataError
from qdistill.models.neighbours import principal_directions
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights, write_weights

pytestmark = pytest.mark.slow

OBJECTIVE = {"metric": "euclidean", "rows": "both", "start": "pca", "nested": []}
NAMES = ("pca", "linear", "classical", "square", "quantum", "compiled", "distilled_pool")


@pytest.fixture(scope="module")
def trained(small_study):
    return small_study, train_study(small_study, NAMES, objective=OBJECTIVE)


def export(trained, student, folder, **changes):
    study, files = trained
    deployment = replace(deployment_of(study, NAMES, student), objective=OBJECTIVE)
    return export_adapter(replace(files, **changes), deployment, folder)


def block_of(trained, seed):
    """The examples of a seed's block, and the block."""
    place = int(seed == 2)
    block = ((0, 1), (2,))[place]
    return load_examples(trained[0].latents, trained[1].subsets[place], 20), block


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_those_that_were_trained_and_outputs_are_least_squares(trained, name, tmp_path):
    evidence = export(trained, name, tmp_path / "adapter")
    adapter, seed = read_adapter(tmp_path / "adapter"), evidence.seed
    examples, block = block_of(trained, seed)
    at, x = block.index(seed), examples.inputs
    rows = torch.cat([examples.labelled[at], examples.unlabelled])
    if name == "pca":
        codes = (x @ principal_directions(x[rows], 8).T).numpy()
    else:
        paths = {each: trained[0].files(each, block).weights for each in NAMES if each != "pca"}
        settings = {"layers": 2, "angle_range": 3.0}
        encoder = load_encoder(name, 20, paths, 8, settings)
        codes = encoder(x.expand(len(block), -1, -1))[at].numpy()
    found = encode(adapter, x.numpy())
    np.testing.assert_allclose(found, codes, atol=1e-5 * (1 + np.abs(codes).max()))
    # Ridge regression of next to no penalty, since LayerNorms and circuits have a known sum.
    regression = Ridge(1e-9 * codes.var() * len(rows)).fit(codes[rows].astype(float), x[rows])
    outputs, scale = regression.predict(codes), np.abs(x.numpy()).max()
    np.testing.assert_allclose(decode(adapter, found), outputs, atol=2e-3 * scale)
    readout, heldout = adapter.config.origin["readout"], examples.heldout
    error = np.square(outputs[heldout] - x[heldout].numpy()).mean()
    assert (readout["rows"], readout["of"]) == (20 + 25, "both")
    assert readout["heldout_mse"] == pytest.approx(error, rel=1e-2)
    assert readout["heldout_share"] < 1
    session = onnxruntime.InferenceSession(tmp_path / "adapter/model.onnx")
    of_graph = session.run(["codes", "reconstruction"], {"features": x.numpy()})
    for mine, theirs in zip((found, decode(adapter, found)), of_graph, strict=True):
        np.testing.assert_allclose(theirs, mine, atol=1e-4 * scale)


def test_the_seed_is_that_of_the_median_loss_on_the_rows_trained_on(trained, tmp_path):
    evidence = export(trained, "linear", tmp_path / "adapter")
    metrics = read_frame("metrics", trained[1].metrics)
    own = metrics[(metrics["model"] == "linear") & (metrics["n"] == 20)].set_index("seed")
    losses = own["train_loss"]
    assert losses[evidence.seed] == losses.median()
    measured = read_adapter(tmp_path / "adapter").config.origin["measured"]
    assert measured["train_loss"] == losses.median() and "validation_loss" not in measured
    assert measured["heldout_loss"] == own.loc[evidence.seed, "heldout_loss"]
    assert measured["readout_heldout_mse"] > 0


def test_auto_takes_the_simplest_by_the_divergence(trained, tmp_path):
    evidence = export(trained, "auto", tmp_path / "adapter")
    metrics = read_frame("metrics", trained[1].metrics).query("n == 20")
    assert set(metrics["measure"]) == {"neighbour_kl"}
    means = metrics.groupby("model")["heldout_loss"].mean()
    assert evidence.choice.best == means.drop("compiled").idxmin()
    assert evidence.choice.name in (*evidence.choice.as_good, *evidence.choice.not_told_apart)


def test_held_out_rows_shape_nothing(trained):
    examples, _ = block_of(trained, 0)
    spoiled = examples.inputs.clone()
    spoiled[examples.heldout] = 1e3
    found = []
    for inputs in (examples.inputs, spoiled):
        block = replace(examples, inputs=inputs, targets=inputs)
        for rows in ("labelled", "pool", "both"):
            asked = {**OBJECTIVE, "rows": rows}
            adapter = from_directions(block, 0, 8, asked)
            found.append(with_readout(adapter, block, 0, asked)[0].tensors)
    for own, again in zip(found[:3], found[3:], strict=True):
        assert all(np.array_equal(own[name], again[name]) for name in own)
    assert not np.array_equal(found[0]["decoder.weight"], found[1]["decoder.weight"])
    with pytest.raises(DataError, match="asks for unlabelled rows, and there are none"):
        from_directions(replace(examples, unlabelled=examples.unlabelled[:0]), 0, 8, OBJECTIVE)


def test_card_and_summary_say_that_the_read_out_came_after(trained, tmp_path):
    export(trained, "linear", tmp_path / "adapter")
    card = " ".join((tmp_path / "adapter/README.md").read_text().split())
    for words in (
        "its codes trained to keep neighbours and not to reconstruct, not made from the circuit",
        "fitted afterwards, by least squares, to the 45 rows that the codes were trained on (the "
        "labelled and the unlabelled ones)",
        "has the median divergence on the rows that it was trained on",
        "## Held-out divergence Divergence of neighbours by codes from those by full vectors, in",
        "name: held-out divergence of neighbours, nats, mean of 3 seeds",
        "Trained on 45 examples of one source",
    ):
        assert words in card
    assert "held-out error" not in card and "mean squared error of `linear`" not in card
    said = summarise(tmp_path / "adapter")
    assert "fitted after the codes, to 45 rows" in said and "held-out divergence of this" in said


def test_weights_of_another_run_are_refused(trained, tmp_path):
    paths = []
    for seeds in ((0, 1), (2,)):
        weights = read_weights(trained[0].files("square", seeds).weights, 20)
        weights["encoder.weight"] = weights["encoder.weight"][:, ::-1] + 0.1
        paths.append(tmp_path / f"{len(paths)}.safetensors")
        write_weights(paths[-1], {20: weights}, seeds, {"model": "square"})
    with pytest.raises(DataError, match=r"'square' give the held-out loss .* of different runs"):
        export(trained, "square", tmp_path / "adapter", weights=paths)
