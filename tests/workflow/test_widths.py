"""A study of a table divided into folders: any width, all rows, columns by a pattern, a metric."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers.checkout import checkout, fail, succeed
from qdistill.datasets.latents import load_latents
from qdistill.storage.tables import read_frame
from qdistill.storage.weights import read_weights
from qdistill.study.datasets import folder_of, resolve_dataset

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: own
datasets:
  - name: mine
    kind: vectors
    path: divided
    columns: "f*"
    label_column: kind
    metric: cosine
    width: 48
n: [20, all]
seeds: 2
seeds_per_block: 2
models: [mean, pca, linear, classical, square, orthogonal]
students: [self_distilled]
pool_sweep: []
training: { epochs: 2 }
downstream: { neighbours: 5, examples_per_class: 3, datasets: all }
tracks: null
trainability: null
cost: null
deploy: { n: all, model: linear }
mlflow: { enabled: false }
""")
ROWS, FEATURES = 90, 60


def write_table(folder):
    """Rows of three kinds in folders, with a column for each feature, sorted by their names."""
    generator = np.random.default_rng(0)
    for place, kind in enumerate(("first", "second", "third")):
        values = generator.normal(size=(ROWS // 3, FEATURES)) + 3 * np.eye(3, FEATURES)[place]
        names = [f"f{number}" for number in range(FEATURES)]
        frame = pd.DataFrame(values, columns=names)[sorted(names)].assign(note="x")
        (inner := folder / f"kind={kind}").mkdir(parents=True)
        frame.to_csv(inner / "part-00000.csv", index=False)
    (folder / "_SUCCESS").touch()


def configure(folder, **changes):
    (folder / STUDY).write_text(yaml.safe_dump({**CONFIG, **changes}))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("own"))
    write_table(folder / "divided")
    configure(folder)
    succeed(folder, "all", "--configfile", STUDY)
    return folder


def test_a_width_of_48_and_all_rows_are_trained_judged_and_deployed(finished):
    settings = resolve_dataset(CONFIG["datasets"][0])
    latents = load_latents(finished / "data" / folder_of(settings) / "latents.parquet")
    train = int((latents.split == "train").sum())
    assert train == ROWS // 2 and latents.features.shape[1] == FEATURES
    metrics = read_frame("metrics", finished / "results/own/metrics.parquet")
    assert set(metrics["n"]) == {20, train} and set(metrics["qubits"]) == {0}
    assert not metrics["diverged"].any()
    runs = finished / "results/own/mine/article"
    weights = read_weights(runs / "classical/seeds~0-1/weights.safetensors", train)
    assert weights["encoder.weight"].shape == (2, 48, FEATURES)
    sizes = metrics.drop_duplicates("model").set_index("model")["n_parameters"]
    assert sizes["orthogonal"] - sizes["linear"] == 48 * 47 // 2
    details = (finished / "results/own/details.html").read_text()
    assert "mine, width 48, article protocol" in details and "0 qubits" not in details
    figure = (finished / "results/own/figures/mine/article/crossover.svg").read_text()
    assert "over 2 seeds;" in figure and "qubits" not in figure
    adapter = finished / "results/own/mine/adapter"
    config = json.loads((adapter / "config.json").read_text())
    assert (config["width"], config["origin"]["n"]) == (48, train)
    card = (adapter / "README.md").read_text()
    assert "a bottleneck of 48 numbers, 2 seeds" in card


def test_codes_are_near_by_the_metric_and_told_apart_by_the_folders_of_their_rows(finished):
    table = read_frame("downstream", finished / "results/own/downstream.parquet")
    assert set(table["metric"]) == {"cosine"} and (table["classes"] == 3).all()
    assert table.loc[table["model"] == "raw", "probe_accuracy"].mean() > 0.6  # of three kinds


def test_a_circuit_is_refused_before_anything_runs(finished):
    configure(finished, models=[*CONFIG["models"], "quantum"])
    refused = fail(finished, "all", "--configfile", STUDY)
    configure(finished)
    assert "'quantum' needs a bottleneck whose width is a power of two, by 'qubits'" in refused
