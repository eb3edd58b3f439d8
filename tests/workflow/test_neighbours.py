"""A study of codes that keep neighbours: models, students, components, and all that is judged."""

import json

import pytest
import yaml

from helpers.checkout import checkout, succeed
from qdistill.storage.tables import read_frame

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: near
datasets: [digits]
n: [20, 60]
seeds: 3
seeds_per_block: 3
models: [pca, linear, square, classical, quantum, skip, skip_square]
students: [compiled, distilled_pool]
pool_sweep: []
sweeps: [{ model: quantum, setting: layers, values: [1, 2], max_n: 20 }]
training:
  objective: neighbours
  rows: both
  start: pca
  nested: [8]
  epochs: 15
  batch_size: 100
  learning_rate: 0.003
  schedule: cosine
  layers: 2
tracks: null
downstream: { neighbours: 5, examples_per_class: 2, datasets: all }
retrieval: { neighbours: 5, bytes: [16], datasets: all }
cost: null
deploy: { dataset: digits, n: 60, model: auto }
""")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("neighbours"))
    (folder / STUDY).write_text(yaml.safe_dump(CONFIG))
    succeed(folder, "--configfile", STUDY)
    return folder


def table(folder, name):
    return read_frame(name, folder / f"results/near/{name}.parquet")


def test_every_run_has_a_divergence_and_a_circuit_as_matrices_has_the_circuits(finished):
    metrics = table(finished, "metrics")
    assert set(metrics["task"]) == {"neighbours"} and set(metrics["measure"]) == {"neighbour_kl"}
    assert set(metrics["model"]) == {*CONFIG["models"], *CONFIG["students"]}
    assert not metrics["diverged"].any() and (metrics["heldout_loss"] > 0).all()
    runs = metrics.set_index(["model", "n", "seed"])["heldout_loss"].unstack("model")
    assert runs["compiled"].to_numpy() == pytest.approx(runs["quantum"].to_numpy(), rel=1e-3)
    assert (runs["linear"] < runs["pca"]).all()
    sizes = metrics.groupby("model")["n_parameters"].first()
    assert sizes["linear"] == 16 * 64 + 16 and sizes["skip_square"] == sizes["linear"] + 1


def test_components_are_the_rung_that_an_advantage_must_beat(finished):
    attribution = table(finished, "attribution")
    assert all({"pca", "linear", "square"} <= {*rivals} for rivals in attribution["rivals"])
    assert all(missing == () for missing in attribution["missing"])
    assert set(table(finished, "comparisons")["challenger"]) >= {"quantum", "skip"}
    assert len(table(finished, "published")) == 0


def test_recall_is_measured_of_all_and_the_page_says_what_is_asked(finished):
    recall = table(finished, "downstream").groupby("model")["recall"].mean()
    assert set(recall.index) == {"raw", *CONFIG["models"], *CONFIG["students"]}
    assert recall["raw"] == 1 and recall["linear"] > recall["pca"] - 0.02
    assert set(table(finished, "findings")["question"]) >= {"choice", "downstream", "attribution"}
    details = (finished / "results/near/details.html").read_text()
    assert "Keep the neighbours of images of handwritten digits in codes" in details
    assert "`digits`" in (finished / "reports/verdict.md").read_text()


def test_an_adapter_is_exported_with_a_read_out_and_registered(finished):
    adapter, metrics = finished / "results/near/digits/adapter", table(finished, "metrics")
    origin = json.loads((adapter / "config.json").read_text())["origin"]
    own = metrics[(metrics["n"] == 60) & (metrics["seed"] == origin["seed"])]
    losses = own.set_index("model")["heldout_loss"]
    assert origin["heldout_loss"] == losses[origin["model"]]
    assert origin["readout"]["of"] == "both" and origin["readout"]["rows"] > 60
    card = (adapter / "README.md").read_text()
    assert "fitted afterwards, by least squares" in card and origin["stored"]["use"] in card
    receipt = json.loads((adapter.parent / "adapter.json").read_text())
    assert receipt["model_uri"] == "models:/near@champion"
