"""Downstream measures of a small study: every code, at every n, of every seed."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from helpers.files import SEEDS, files_of, make_problem
from helpers.students import SETTINGS
from qdistill.datasets.examples import load_examples
from qdistill.datasets.latents import load_latents
from qdistill.downstream.measures import MOST_ROWS, measure_downstream
from qdistill.errors import DataError
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.tables import read_frame, read_table, write_table
from qdistill.storage.weights import read_weights, write_weights
from qdistill.training.protocols import train_model

MODELS = ("linear", "square")
SPLIT = np.repeat(["train", "unlabelled", "heldout"], 60)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Three classes along three directions, labelled; two models trained on them."""
    folder = tmp_path_factory.mktemp("downstream")
    generator = np.random.default_rng(0)
    classes = generator.integers(3, size=180)
    features = 2.0 * np.eye(3, 12)[classes] + 0.3 * generator.normal(size=(180, 12))
    columns = {"row": np.arange(180), "split": SPLIT, "features": features}
    write_table("latents", folder / "bare.parquet", columns, {})
    latents = folder / "latents.parquet"
    write_table("latents", latents, {**columns, "label": np.array(list("abc"))[classes]}, {})
    for name in MODELS:
        train_model(name, problem_in(folder), SETTINGS, files_of(folder, name))
    return folder


def problem_in(folder, latents="latents", sizes=(10, 40)):
    """Whatever else was changed in a data set, its subsets are of the same rows."""
    problem = make_problem(folder / "latents.parquet", sizes, dataset="own", qubits=2)
    return replace(problem, latents=folder / f"{latents}.parquet")


def measured(folder, models=MODELS, kind="vectors", latents="latents", sizes=(10, 40), **changes):
    settings = {"dataset": {"kind": kind}, "neighbours": 4, "examples_per_class": 3, "pca": True}
    settings |= {"models": {name: SETTINGS for name in models}, **changes}
    path, problem = folder / "downstream.parquet", problem_in(folder, latents, sizes)
    files = {name: files_of(folder, name) for name in models}
    weights = {name: own.weights for name, own in files.items()}
    metrics = {name: own.metrics for name, own in files.items()}
    measure_downstream(problem, weights, metrics, settings, path)
    return read_frame("downstream", path)


def test_every_code_has_a_row_of_every_seed_and_n(labelled):
    table = measured(labelled)
    assert list(table.columns) == CONTRACTS["downstream"].scalars()
    found = set(table[["n", "seed", "model"]].itertuples(index=False, name=None))
    names = ("raw", "pca", *MODELS)
    assert found == {(n, seed, name) for n in (10, 40) for seed in SEEDS for name in names}
    assert len(table) == len(found) and not table["diverged"].any()
    assert (table["classes"] == 3).all() and (table["probe_rows"] == 60).all()
    assert (table["queries"] == 60).all() and table["probe_undefined"].isna().all()


def test_full_vectors_find_everything_and_tell_separable_classes_apart(labelled):
    table = measured(labelled).set_index("model")
    assert (table.loc["raw", "recall"] == 1).all()
    assert (table.loc["raw", "probe_accuracy"] > 0.98).all()
    assert (table.loc["pca", "probe_accuracy"] > 0.98).all()
    assert (table.loc["pca", "recall"] < 1).all()
    assert table.loc["square", "recall"].mean() < table.loc["pca", "recall"].mean()


def test_the_metric_is_cosine_for_text_alone_unless_another_is_asked_for(labelled):
    text, other = (measured(labelled, kind=kind) for kind in ("text", "vectors"))
    assert (text["metric"] == "cosine").all() and (other["metric"] == "euclidean").all()
    assert not np.allclose(text["recall"], other["recall"])
    asked = measured(labelled, dataset={"kind": "vectors", "metric": "cosine"})
    assert (asked["metric"] == "cosine").all()
    np.testing.assert_allclose(asked["recall"], text["recall"])


@pytest.mark.parametrize("name", ["linear", "linear_tuned"])
def test_codes_of_one_subspace_find_the_same_neighbours_by_cosine_too(tmp_path, name):
    """Its code of the zero vector is no part of a linear code, and neither is PCA's mean."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(180, 12)) / np.arange(1, 13) + np.eye(12)[0]
    columns = {"row": np.arange(180), "split": SPLIT, "features": features}
    write_table("latents", tmp_path / "latents.parquet", columns, {})
    examples = load_examples(tmp_path / "latents.parquet", problem_in(tmp_path).subsets, 40)
    fitted = [PCA(4).fit(examples.inputs[rows].numpy()) for rows in examples.labelled]
    turned = np.stack([stats.ortho_group.rvs(4, random_state=1) @ f.components_ for f in fitted])
    train_model("linear", problem_in(tmp_path), SETTINGS, files := files_of(tmp_path, name))
    weights = read_weights(files.weights, 40)
    weights["encoder.weight"] = turned.astype(np.float32)
    weights["encoder.bias"] += 2 * np.eye(3, 4, dtype=np.float32)
    write_weights(files.weights, {40: weights}, SEEDS, {"model": name})
    found = measured(tmp_path, (name,), kind="text", sizes=(40,))
    heldout = examples.inputs[examples.heldout].numpy()
    for seed, fit in zip(SEEDS, fitted, strict=True):
        truth, *codes = (
            NearestNeighbors(n_neighbors=4, metric="cosine").fit(x).kneighbors()[1]
            for x in (heldout, heldout @ fit.components_.T, fit.transform(heldout))
        )
        right, centred = ((x[:, :, None] == truth[:, None]).any(2).mean() for x in codes)
        recall = found[found["seed"] == seed].set_index("model")["recall"]
        assert recall[["pca", name]].tolist() == pytest.approx([right, right], abs=0.005)
        assert right > centred + 0.02  # from the mean of the rows other neighbours are near


@pytest.mark.slow
def test_leaving_a_model_out_leaves_its_rows_out_and_changes_nothing_else(labelled):
    whole = measured(labelled)
    fewer = measured(labelled, models=("linear",), pca=False)
    kept = whole[whole["model"].isin(["raw", "linear"])].reset_index(drop=True)
    assert fewer.equals(kept)
    assert set(measured(labelled, models=())["model"]) == {"raw", "pca"}
    one = measured(labelled, sizes=(40,))
    assert one.equals(whole[whole["n"] == 40].reset_index(drop=True))


def test_without_labels_there_is_recall_and_a_reason(labelled):
    table = measured(labelled, latents="bare")
    assert table["recall"].notna().all() and table["probe_accuracy"].isna().all()
    assert set(table["probe_undefined"]) == {"no_labels"}
    assert (table["classes"] == 0).all() and table["probe_chance"].isna().all()


def test_heldout_rows_alone_are_searched_and_a_probe_learns_from_train_rows(labelled):
    """Other unlabelled rows change nothing; other train rows change the probe alone."""
    source = read_table("latents", labelled / "latents.parquet")
    latents = load_latents(labelled / "latents.parquet")
    columns = {name: source.column(name).to_pandas() for name in ("row", "split", "label")}
    table = measured(labelled, pca=False)
    for split, same in (("unlabelled", True), ("train", False)):
        features = latents.features.copy()
        features[latents.positions(split)] = features[latents.positions(split)][::-1] * 1.5
        path = labelled / f"changed-{split}.parquet"
        write_table("latents", path, {**columns, "features": features}, {})
        changed = measured(labelled, latents=f"changed-{split}", pca=False)
        assert np.array_equal(changed["recall"], table["recall"])
        assert np.array_equal(changed["probe_accuracy"], table["probe_accuracy"]) == same


def test_many_heldout_rows_are_drawn_from(tmp_path):
    generator = np.random.default_rng(0)
    split = ["train"] * 20 + ["heldout"] * (MOST_ROWS + 300)
    columns = {"row": np.arange(len(split)), "split": split}
    columns["features"] = generator.normal(size=(len(split), 5))
    write_table("latents", tmp_path / "latents.parquet", columns, {})
    table = measured(tmp_path, models=(), sizes=(10,))
    assert (table["queries"] == MOST_ROWS).all()


@pytest.fixture
def changed(labelled, tmp_path):
    """A copy whose files of `linear` may be spoiled, with what is in them."""
    folder = shutil.copytree(labelled, tmp_path / "copy")
    files = files_of(folder, "linear")
    return folder, files, {n: read_weights(files.weights, n) for n in (10, 40)}


def test_a_diverged_run_is_a_row_with_a_flag(changed):
    folder, files, weights = changed
    weights[10]["encoder.weight"][1] = np.nan
    write_weights(files.weights, weights, SEEDS, {"model": "linear"})
    metrics = read_frame("metrics", files.metrics)
    spoiled = metrics.assign(diverged=(metrics["seed"] == 1) & (metrics["n"] == 10))
    write_table("metrics", files.metrics, spoiled, {})
    table = measured(folder).set_index(["model", "n", "seed"])
    row = table.loc[("linear", 10, 1)]
    assert row["diverged"] and np.isnan([row["recall"], row["probe_accuracy"]]).all()
    assert table["diverged"].sum() == 1 and table["recall"].isna().sum() == 1


def test_bad_input_is_named(changed):
    folder, files, weights = changed
    with pytest.raises(DataError, match=r"'downstream\.neighbours' is 59 and there are 60"):
        measured(folder, neighbours=59)
    assert len(measured(folder, neighbours=58))
    write_weights(files.weights, weights, (0, 1, 3), {"model": "linear"})
    with pytest.raises(DataError, match=r"weights\.safetensors: its seeds are not those of"):
        measured(folder)
