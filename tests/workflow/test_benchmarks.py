"""A study of benchmarks, from a file of the collection's form to the verdict."""

import pytest
import yaml

from helpers.benchmarks import write_benchmarks
from helpers.checkout import checkout, fail, succeed
from qdistill.storage.tables import read_frame

pytestmark = pytest.mark.workflow

SETS = {f"planes-{count}": f"hyperplanes-10d-from3d-{count}n" for count in (2, 3, 4)}
STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: own
n: [24]
seeds: 2
seeds_per_block: 2
models: [mean, nearest_centroid, logistic, linear, quantum]
students: []
pool_sweep: []
sweeps: []
training:
  protocol: regularised
  layers: 2
  regularised:
    { folds: 2, steps: 20, epochs: 0, checks: 2, learning_rates: [0.1], weight_decays: [0] }
tracks: null
downstream: null
trainability: null
cost: null
mlflow: { enabled: false }
""")


def configure(folder, **changes):
    entries = [
        {"name": name, "kind": "benchmark", "path": "many.parquet", "qubits": 2, "data_set": own}
        for name, own in SETS.items()
    ]
    config = {**CONFIG, "datasets": [{**each, **changes} for each in entries]}
    (folder / STUDY).write_text(yaml.safe_dump(config))


def test_a_study_of_benchmarks_stands_beside_published_scores(tmp_path):
    folder = checkout(tmp_path)
    write_benchmarks(folder / "many.parquet", [("hyperplanes_diff", own) for own in SETS.values()])
    configure(folder, data_set="hyperplanes")
    assert "no data set 'hyperplanes' (did you mean" in fail(folder, "-n", "--configfile", STUDY)
    configure(folder)
    results = folder / "results/own"
    succeed(folder, "results/own/figures/ranks.svg", "reports/verdict.md", "--configfile", STUDY)
    metrics = read_frame("metrics", results / "metrics.parquet")
    assert len(metrics) == 3 * 2 * len(CONFIG["models"])
    scores = read_frame("benchmark_scores", results / "benchmark_scores.parquet")
    ours = scores[(scores["origin"] == "ours") & scores["data_set"].notna()]
    assert set(ours["data_set"]) == set(SETS.values()) and len(ours) == 3 * len(CONFIG["models"])
    ranks = read_frame("benchmark_ranks", results / "benchmark_ranks.parquet")
    assert {"SVC", "logistic"} <= set(ranks["model"])
    shares = read_frame("variance_shares", results / "variance_shares.parquet")
    assert shares["share"].sum() == pytest.approx(1.0)
    page = (folder / "reports/verdict.md").read_text()
    assert "## Beside published scores" in page and "|`quantum`|" in page
    assert "3 benchmarks with published scores are counted here" in page
    assert "`planes-2`" not in page
