"""All tables of judgement: written by their contracts, whatever the results hold."""

import numpy as np
import pandas as pd
import pytest

from helpers.downstream import make_downstream
from helpers.metrics import make_metrics, make_sweep
from qdistill.errors import DataError
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.crossover import locate_crossovers
from qdistill.judgement.downstream import compare_downstream
from qdistill.judgement.overfitting import judge_overfitting
from qdistill.judgement.published import PUBLISHED_PATH, read_published
from qdistill.judgement.study import judge_study, judge_tables
from qdistill.judgement.transfer import judge_transfer
from qdistill.storage.tables import read_frame, read_metadata, write_table

JUDGED = ("comparisons", "attribution", "crossover", "transfer", "overfitting", "published")
JUDGED += ("findings",)
PROTOCOLS = ("article", "regularised")
FEW = ("mean", "pca", "linear", "square", "classical", "quantum", "distilled_pool")


def judge(folder, metrics, sweep, downstream=None, extra=()):
    """Write results, judge them, and read what was written."""
    inputs = {kind: folder / f"{kind}.parquet" for kind in ("metrics", "sweep")}
    write_table("metrics", inputs["metrics"], metrics, {})
    write_table("sweep", inputs["sweep"], sweep, {})
    outputs = {kind: folder / f"{kind}.parquet" for kind in JUDGED}
    outputs["published"] = folder / "beside.parquet"
    if downstream is not None:
        inputs["downstream"] = folder / "downstream.parquet"
        write_table("downstream", inputs["downstream"], downstream, {})
        outputs["downstream_comparisons"] = folder / "downstream_comparisons.parquet"
    judge_study({**inputs, "published": PUBLISHED_PATH}, outputs, extra)
    return {kind: read_frame(kind, path) for kind, path in outputs.items()}, outputs


def fading(model, stage, n):
    """Nothing is left of the advantage at n = 300."""
    return 0.002 if (model, n) == ("quantum", 100) else 0.004


@pytest.mark.slow
def test_tables_keep_their_contracts_and_what_was_computed(tmp_path):
    metrics = make_metrics(("synthetic-6q",), (100, 300), loss=fading)
    sweep, downstream = make_sweep(metrics), make_downstream(metrics)
    tables, outputs = judge(tmp_path, metrics, sweep, downstream)
    expected = {
        "comparisons": compare_study(metrics),
        "crossover": locate_crossovers(metrics),
        "transfer": judge_transfer(metrics),
        "overfitting": judge_overfitting(metrics, sweep),
        "downstream_comparisons": compare_downstream(downstream),
    }
    for kind, table in expected.items():
        pd.testing.assert_frame_equal(tables[kind], table, check_dtype=False)
    assert len(tables["attribution"]) == 2 and len(tables["published"]) == 2
    assert np.isinf(tables["crossover"]["ci_high"]).any()  # it survives the file
    before = read_metadata(outputs["comparisons"])["configuration_digest"]
    pair = {"challenger": "compiled", "baseline": "square"}
    more, _ = judge(tmp_path, metrics, sweep, downstream, [pair])
    assert len(more["comparisons"]) == len(tables["comparisons"]) + 1 * 2
    assert read_metadata(outputs["comparisons"])["configuration_digest"] != before


@pytest.mark.slow
@pytest.mark.parametrize("where", ["protocol == 'regularised'", "n == 500"])
def test_conditions_are_judged_apart(where):
    """As if there were no other protocol and, but for crossovers, no other n."""
    metrics = make_metrics(("synthetic-6q",), (100, 500), 4, FEW, protocols=PROTOCOLS)
    results = {"metrics": metrics, "sweep": make_sweep(metrics)}
    results["downstream"] = make_downstream(metrics)
    chosen = {kind: rows.query(where) for kind, rows in results.items()}
    together, alone = (judge_tables(each, read_published()) for each in (results, chosen))
    for kind in together.keys() - ({"crossover"} if where.startswith("n ") else set()):
        found = together[kind].query(where).reset_index(drop=True)
        assert 0 < len(found) < len(together[kind])
        pd.testing.assert_frame_equal(found, alone[kind])


def test_a_seed_that_one_of_two_lacks_is_an_error():
    metrics = make_metrics(("synthetic-6q",), (100,))
    sweep, downstream = make_sweep(metrics), make_downstream(metrics)

    def without(name, table=metrics):
        return table[(table["model"] != name) | (table["seed"] != 4)]

    for judge in (
        lambda: compare_study(without("classical")),
        lambda: judge_transfer(without("classical")),
        lambda: judge_overfitting(without("quantum"), sweep),
        lambda: compare_downstream(without("linear", downstream)),
    ):
        with pytest.raises(DataError, match=r"synthetic-6q, .* n = 100: seed 4 has only one of"):
            judge()


def test_what_cannot_be_judged_is_an_empty_table(tmp_path):
    metrics = make_metrics(("docstrings",), (100,), names=("mean",))
    downstream = make_downstream(make_metrics(("docstrings",), (100,))).iloc[:0]
    tables, _ = judge(tmp_path, metrics, make_sweep(make_metrics()).iloc[:0], downstream)
    assert all(table.empty for table in tables.values())
    (tmp_path / "sweep.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"sweep\.parquet"):
        inputs = {kind: tmp_path / f"{kind}.parquet" for kind in ("metrics", "sweep")}
        judge_study({**inputs, "published": PUBLISHED_PATH}, {})
