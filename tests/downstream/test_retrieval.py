"""What is found by codes in fewer bytes, against faiss's searches and brute force."""

import faiss
import numpy as np
import pytest
import torch

from helpers.files import SEEDS, files_of, make_problem
from helpers.students import SETTINGS
from qdistill.datasets.examples import load_examples
from qdistill.downstream.codes import load_encoder
from qdistill.downstream.neighbours import TrueNeighbours
from qdistill.downstream.retrieval import SHORTLIST, measure_retrieval
from qdistill.errors import DataError
from qdistill.models.quantisation import Quantiser
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.tables import read_frame, write_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.training.protocols import train_model

pytestmark = pytest.mark.slow

K = 4
SIZES = (10, 40)
MODELS = ("linear", "square")
SPLIT = np.repeat(["train", "unlabelled", "heldout"], (60, 100, 80))
GENERATOR = np.random.default_rng(0)
CLASSES = GENERATOR.integers(3, size=240)
FEATURES = (2 * np.eye(3, 12)[CLASSES] + GENERATOR.normal(size=(240, 12))).astype(np.float32)
HELDOUT = FEATURES[160:]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Labelled rows, and two models trained on them."""
    folder = tmp_path_factory.mktemp("retrieval")
    columns = {"row": np.arange(240), "split": SPLIT, "features": FEATURES}
    columns["label"] = np.array(list("abc"))[CLASSES]
    write_table("latents", folder / "latents.parquet", columns, {})
    for name in MODELS:
        train_model(name, problem_in(folder), SETTINGS, files_of(folder, name))
    return folder


def problem_in(folder, sizes=SIZES, seeds=SEEDS):
    return make_problem(folder / "latents.parquet", sizes, seeds, dataset="own", qubits=2)


def measured(folder, kind="docstrings", models=MODELS, sizes=SIZES, seeds=SEEDS, **changes):
    settings = {"dataset": {"kind": kind}, "neighbours": K, "examples_per_class": 3}
    settings |= {"bytes": [2, 8], "models": {name: SETTINGS for name in models}, **changes}
    files = {name: files_of(folder, name) for name in models}
    weights = {name: own.weights for name, own in files.items()}
    metrics = {name: own.metrics for name, own in files.items()}
    path = folder / "retrieval.parquet"
    measure_retrieval(problem_in(folder, sizes, seeds), weights, metrics, settings, path)
    return read_frame("retrieval", path)


@pytest.fixture(scope="module")
def tables(study):
    return {kind: measured(study, kind) for kind in ("docstrings", "vectors")}


def recall_of(table, method, form, rescored=False, seed=0, n=40, **where):
    where |= {"method": method, "form": form, "rescored": rescored, "seed": seed, "n": n}
    rows = table.loc[(table[list(where)] == where.values()).all(axis=1)]
    assert len(rows) == 1
    return rows["recall"].iloc[0]


def codes_of(folder, name, n=40):
    """Codes of labelled and of held-out rows, of seed 0."""
    problem = problem_in(folder)
    examples = load_examples(problem.latents, problem.subsets, n)
    encode = load_encoder(name, n, {name: files_of(folder, name).weights}, 2, SETTINGS)
    rows = (examples.inputs[examples.labelled], examples.inputs[examples.heldout].expand(3, -1, -1))
    return [encode(each)[0].numpy() for each in rows]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def true_neighbours(metric):
    """The rows' own neighbours in full, by faiss: (80, k)."""
    index, vectors = faiss.IndexFlatL2(12), HELDOUT if metric == "euclidean" else unit(HELDOUT)
    index.add(vectors)
    return index.search(vectors, K + 1)[1][:, 1:]


def share(found, metric):
    return (found[:, :, None] == true_neighbours(metric)[:, None]).any(2).mean()


def test_every_code_has_a_row_in_every_form(tables):
    for table in tables.values():
        assert list(table.columns) == CONTRACTS["retrieval"].scalars()
        expected = {"raw", "truncation", "rotation", "pca", "pca_pool", "pq_pool", *MODELS}
        ways = table.groupby(["n", "seed"])
        assert ways.ngroups == 6 and all(set(rows["method"]) == expected for _, rows in ways)
        first = table[(table["n"] == 40) & (table["seed"] == 0)]
        forms = first[first["method"] == "square"].groupby(["form", "rescored"])["bytes"].first()
        keys = [("binary", False), ("binary", True), ("float16", False), ("float32", False)]
        assert forms.to_dict() == dict(zip([*keys, ("int8", False)], (1, 1, 8, 16, 4), strict=True))
        assert not table["diverged"].any() and table["recall"].notna().all()
        assert (table["probe_accuracy"].isna() == table["rescored"]).all()
        assert (table[["fit_seconds", "apply_microseconds"]] >= 0).all(axis=None)


@pytest.mark.parametrize(("kind", "metric"), [("docstrings", "cosine"), ("vectors", "euclidean")])
def test_a_flat_index_of_the_library_finds_the_same(study, tables, kind, metric):
    table = tables[kind]
    assert set(table["metric"]) == {metric}
    assert recall_of(table, "raw", "float32") == 1
    _, codes = codes_of(study, "square")
    index = faiss.IndexFlatL2(4) if metric == "euclidean" else faiss.IndexFlatIP(4)
    placed = codes if metric == "euclidean" else unit(codes)
    index.add(placed)
    found = index.search(placed, K + 1)[1]
    others = np.array([[j for j in row if j != i][:K] for i, row in enumerate(found)])
    assert recall_of(table, "square", "float32") == pytest.approx(share(others, metric), abs=1e-6)
    half = recall_of(table, "square", "float16"), recall_of(table, "square", "int8")
    assert half == pytest.approx([share(others, metric)] * 2, abs=0.03)


@pytest.mark.parametrize(("kind", "metric"), [("docstrings", "cosine"), ("vectors", "euclidean")])
@pytest.mark.parametrize("name", ["raw", "square"])
def test_a_binary_index_of_the_library_finds_the_same(study, tables, kind, metric, name):
    labelled, codes = codes_of(study, "square")
    if name == "raw":
        problem = problem_in(study)
        examples = load_examples(problem.latents, problem.subsets, 40)
        labelled, codes = examples.inputs[examples.labelled[0]].numpy(), HELDOUT
    stored = Quantiser.fit(labelled, "binary", metric).store(codes)
    index = faiss.IndexBinaryFlat(8 * stored.shape[1])
    index.add(stored)
    distances, order = index.search(stored, len(stored))
    by_row = np.take_along_axis(distances, np.argsort(order, axis=1), axis=1)
    truth = true_neighbours(metric)
    expected = np.mean([_expected(i, row, truth[i]) for i, row in enumerate(by_row)])
    found = recall_of(tables[kind], name, "binary")
    assert found == pytest.approx(expected / K, abs=1e-6)


def _expected(own, distances, true):
    """True neighbours among the k nearest, on average over all ways to break ties."""
    others = np.delete(np.arange(len(distances)), own)
    last = np.sort(distances[others])[K - 1]
    above, level = others[distances[others] < last], others[distances[others] == last]
    places = (K - len(above)) / len(level)
    return np.isin(above, true).sum() + places * np.isin(level, true).sum()


def test_eight_bits_find_as_much_as_those_of_the_library(tables):
    quantised = faiss.IndexScalarQuantizer(12, faiss.ScalarQuantizer.QT_8bit_uniform)
    quantised.train(unit(FEATURES[:60]))
    quantised.add(unit(HELDOUT))
    restored = torch.from_numpy(quantised.reconstruct_n(0, 80))
    theirs = TrueNeighbours(torch.from_numpy(HELDOUT), K, "cosine").recall(restored)
    ours = recall_of(tables["docstrings"], "raw", "int8")
    assert ours == pytest.approx(theirs, abs=0.02) and ours > 0.95


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("offset", [0, 3])
def test_the_best_are_sorted_again_by_queries_in_full(metric, offset):
    vectors = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32) + offset
    quantiser = Quantiser.fit(vectors, "binary", metric)
    signs = quantiser.restore(quantiser.store(vectors))
    asked = vectors - quantiser.offset
    recalls = []
    true = TrueNeighbours(torch.from_numpy(vectors), K, metric)
    relevant = np.argsort(-_nearness(vectors, metric), axis=1)[:, :K]
    for i in range(60):
        others = np.delete(np.arange(60), i)
        agreeing = signs[others] @ signs[i]
        bar = np.sort(agreeing)[-SHORTLIST * K]
        candidates = others[agreeing >= bar]  # and those tied with the last
        best = candidates[np.argsort(-(signs[candidates] @ asked[i]), kind="stable")[:K]]
        recalls.append(np.isin(best, relevant[i]).mean())
    given = torch.from_numpy(signs), torch.from_numpy(asked)
    found = true.recall_rescored(*given, SHORTLIST * K, "cosine")
    assert found == pytest.approx(np.mean(recalls), abs=0.01)  # where scores tie, a mean
    assert found > true.recall(given[0])
    same = torch.ones(60, 8)
    assert true.recall_rescored(same, given[1], K, metric) == pytest.approx(K / 59)  # by chance
    assert np.isnan(true.recall_rescored(given[0] * torch.nan, given[1], K, metric))


def _nearness(vectors, metric):
    if metric == "cosine":
        similarity = unit(vectors) @ unit(vectors).T
    else:
        similarity = -((vectors[:, None] - vectors) ** 2).sum(-1)
    return similarity - np.diag([np.inf] * len(vectors))


def test_codes_are_not_centred_for_cosines(study, tables):
    """All principal components keep every cosine from the origin, and none from the mean."""
    table = tables["docstrings"]
    kept = measured(study, bytes=[12, 48], models=())
    assert recall_of(kept, "pca_pool", "float32", width=12) == pytest.approx(1, abs=0.005)
    assert recall_of(kept, "pca_pool", "int8") > 0.95
    centred = torch.from_numpy(HELDOUT - FEATURES[:160].mean(0))
    assert TrueNeighbours(torch.from_numpy(HELDOUT), K, "cosine").recall(centred) < 0.9
    assert recall_of(table, "rotation", "int8", width=8) < 1


def test_what_took_how_long_aside_results_do_not_depend_on_what_else_is_measured(study, tables):
    timings = ["fit_seconds", "apply_microseconds"]
    whole = tables["docstrings"].drop(columns=timings)
    assert measured(study).drop(columns=timings).equals(whole)
    alone = measured(study, models=(), seeds=(1,)).drop(columns=timings)
    rivals = whole[(whole["seed"] == 1) & ~whole["method"].isin(MODELS)]
    assert alone.equals(rivals.reset_index(drop=True))
    fewer = measured(study, models=("square",), sizes=(40,)).drop(columns=timings)
    kept = whole[(whole["method"] != "linear") & (whole["n"] == 40)]
    assert fewer.equals(kept.reset_index(drop=True))


def test_without_a_probe_there_is_recall_alone(study):
    table = measured(study, examples_per_class=0, models=())
    assert table["probe_accuracy"].isna().all() and table["recall"].notna().all()


def test_a_diverged_run_is_a_row_with_a_flag(study):
    files = files_of(study, "linear")
    weights = {n: read_weights(files.weights, n) for n in SIZES}
    kept = files.weights.read_bytes(), read_frame("metrics", files.metrics)
    weights[10]["encoder.weight"][1] = np.nan
    write_weights(files.weights, weights, SEEDS, {"model": "linear"})
    spoiled = kept[1].assign(diverged=(kept[1]["seed"] == 1) & (kept[1]["n"] == 10))
    write_table("metrics", files.metrics, spoiled, {})
    try:
        table = measured(study)
    finally:
        files.weights.write_bytes(kept[0])
        write_table("metrics", files.metrics, kept[1], {})
    lost = table[table["recall"].isna()]
    assert len(lost) == 5 and lost["diverged"].all() and table["diverged"].sum() == 5
    assert set(zip(lost["method"], lost["n"], lost["seed"], strict=True)) == {("linear", 10, 1)}


def test_bad_input_is_named(study):
    with pytest.raises(DataError, match=r"'retrieval\.neighbours' is 79 and there are 80"):
        measured(study, neighbours=79)


def test_components_beside_codes_that_keep_neighbours_are_those_of_the_rows_they_had(study):
    asked = {"metric": "cosine", "rows": "both", "start": "pca", "nested": []}
    table, plain = (measured(study, models=(), **more) for more in ({"objective": asked}, {}))
    rows = load_examples(study / "latents.parquet", problem_in(study).subsets, 40).labelled[0]
    for seen, where in ((np.append(rows, np.arange(60, 160)), table), (rows, plain)):
        about = np.float64(0) if where is table else FEATURES[seen].mean(0)
        axes = np.linalg.svd(FEATURES[seen].astype(float) - about)[2][:2]
        codes = torch.tensor(HELDOUT @ axes.T, dtype=torch.float32)
        expected = TrueNeighbours(torch.tensor(HELDOUT), K, "cosine").recall(codes)
        assert recall_of(where, "pca", "float32", width=2) == pytest.approx(expected, abs=1e-3)
    others = [each[each["method"] != "pca"]["recall"].tolist() for each in (table, plain)]
    assert others[0] == others[1]
