"""A study in which one seed has diverged, from the circuit to verdict, adapter and index."""

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
import yaml
from pyarrow import parquet

from helpers.checkout import checkout, succeed
from qdistill.storage.tables import matrix_of, read_frame, read_table

pytestmark = pytest.mark.workflow

STUDY = yaml.safe_load("""
study: lost
datasets: [{ name: mine, kind: vectors, path: v.npy, qubits: 2 }]
n: [8]
seeds: 3
seeds_per_block: 3
models: [mean, pca, linear, square, classical, quantum, linear_tuned]
students: [compiled, unitary_re, distilled_train, distilled_pool, self_distilled]
pool_sweep: [0, 10]
sweeps: [{ model: quantum, setting: code_scale, values: [1, 4], max_n: 8 }]
training:
  epochs: 3
  layers: 2
  regularised: { folds: 2, steps: 20, epochs: 0, checks: 2 }
tuning: { folds: 2, layers: [2] }
tracks:
  denoise: null
  labels: null
  memorise: null
  control: null
  regularised:
    n: [8]
    models: [mean, classical, quantum, quantum_tuned]
    students: [compiled, distilled_pool]
downstream: { neighbours: 5, examples_per_class: 2 }
retrieval: { neighbours: 5, bytes: [4, 16], datasets: all }
trainability: null
cost: null
deploy: { dataset: mine, n: 8, model: auto }
""")


def spoil_a_row(folder, seed):
    """Put a fill value into a labelled row of one seed and no other, past all that is refused."""
    (subsets,) = folder.glob("data/*/subsets/*.parquet")
    labelled = pd.read_parquet(subsets).query("position < 8")
    counts = labelled.groupby("row")["seed"].agg(["count", "first"])
    row = counts.query("count == 1 and first == @seed").index[0]
    path = subsets.parents[1] / "latents.parquet"
    table = parquet.read_table(path)
    features = matrix_of(table, "features").copy()
    features[table["row"].to_pylist().index(row), 2] = 9.97e36
    column = arrow.FixedSizeListArray.from_arrays(features.ravel(), features.shape[1])
    place = table.column_names.index("features")
    spoilt = table.set_column(place, table.schema.field(place), column)
    parquet.write_table(spoilt, path)
    subsets.touch()  # it is not to be drawn again


def test_one_seed_that_has_diverged_is_a_flagged_row_everywhere(tmp_path):
    folder = checkout(tmp_path)
    generator = np.random.default_rng(0)
    np.save(folder / "v.npy", generator.normal(size=(60, 3)) @ generator.normal(size=(3, 8)))
    (folder / "lost.yaml").write_text(yaml.safe_dump(STUDY))
    succeed(folder, "--configfile", "lost.yaml", "--until", "draw_subsets")
    spoil_a_row(folder, seed=0)
    succeed(folder, "--configfile", "lost.yaml")
    results = folder / "results/lost"
    metrics = read_frame("metrics", results / "metrics.parquet")
    taught = ["quantum", "compiled", "unitary_re", "distilled_train", "distilled_pool"]
    flags = metrics[metrics["model"].isin(taught)].groupby(["model", "seed"])["diverged"].any()
    assert set(flags.index.get_level_values("model")) == set(taught)
    assert flags[:, 0].all() and not flags[:, 1].any() and not flags[:, 2].any()
    own = results / "mine/article/quantum/seeds~0-2"
    unitary = read_frame("unitary", own / "unitary.parquet")
    assert (unitary[["re", "im"]].isna().all(axis=1) == (unitary["seed"] == 0)).all()
    soft = read_table("soft_targets", own / "soft_targets.parquet")
    lost = ~np.isfinite(matrix_of(soft, "target")).all(axis=1)
    np.testing.assert_array_equal(lost, soft["seed"].to_numpy() == 0)
    found = read_frame("retrieval", results / "retrieval.parquet")
    assert {"raw", "pca", "rotation", "truncation", *taught} < set(found["method"])
    assert set(found["protocol"]) == {"article", "regularised"}
    circuits = found[found["method"].isin(taught)]
    assert (circuits["diverged"] == (circuits["seed"] == 0)).all()
    lost = circuits[circuits["protocol"] == "article"]
    assert (lost["recall"].isna() == (lost["seed"] == 0)).all()
    front = read_frame("retrieval_front", results / "retrieval_front.parquet")
    judged = front[front["method"].isin(taught) & front["against"].notna()]
    assert set(judged.query("protocol == 'article'")["verdict"]) == {"undefined"}
    assert "## What should a vector store hold?" in (folder / "reports/verdict.md").read_text()
    assert len(list(results.glob("figures/mine/*/retrieval.svg"))) == 2
    assert "a diverged run has no finite error" in (folder / "reports/verdict.md").read_text()
    assert (results / "mine/adapter/model.safetensors").is_file()
    card = (results / "mine/adapter/README.md").read_text()
    assert card.index("| stored | bytes | recall@5 |") < card.index("\nUse ") < card.index("\n## ")
    assert (results / "mlflow.json").is_file() and (results / "mine/adapter.json").is_file()
