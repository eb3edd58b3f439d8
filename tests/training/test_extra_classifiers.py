"""TabPFN and SetFit: the treatment of other classifiers, and what they are given."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.extra_packages import SETFIT, TABPFN, stand_in
from helpers.files import make_problem
from helpers.text import build_encoder, sentence
from helpers.training import write_problem
from qdistill.datasets.encoders import load_encoder
from qdistill.datasets.labelled import label_latents
from qdistill.datasets.subsets import load_subsets
from qdistill.errors import DataError
from qdistill.randomness import split_folds
from qdistill.storage.tables import read_frame, write_table
from qdistill.training.classifiers import FOLDS, TunedClassifier, best_temperature, log_losses
from qdistill.training.extra_classifiers import ContextClassifier, extra_recipe
from qdistill.training.references import fit_references

_fresh = count()
N, SEEDS = 20, (3, 4)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Undo what loading an encoder sets for offline work on the CPU."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "0")
    for name in ("ACCELERATE_USE_CPU", "TORCH_FORCE_WEIGHTS_ONLY_LOAD"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Weights of TabPFN, and a stand-in for its package."""
    stand_in(tmp_path / f"site{next(_fresh)}", monkeypatch, "tabpfn", TABPFN)
    (folder := tmp_path / "weights").mkdir()
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(folder))
    (file := folder / "tabpfn-v2-classifier.ckpt").write_text("weights")
    return file


class Harmful:
    """What makes a file when it is unpickled."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return Path.touch, (self.made,)


def test_nothing_in_a_checkpoint_is_run(tmp_path, monkeypatch):
    loading = TABPFN.replace("with open(self.model_path) as file:", "import torch\n        if 1:")
    loading = loading.replace("file.read()", "torch.load(self.model_path, weights_only=None)")
    stand_in(tmp_path / "site", monkeypatch, "tabpfn", loading)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"weights": Harmful(tmp_path / "made")}, path := tmp_path / "classifier.ckpt")
    with pytest.raises(DataError, match=r"classifier.ckpt: TabPFN cannot use it here \(.*Weights"):
        ContextClassifier(str(path), 0).fit(np.eye(4), np.arange(4) % 2)
    assert not (tmp_path / "made").exists()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(build_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def settings_of(encoder):
    source = {"name": "texts", "kind": "text", "encoder": encoder}
    told = {"name": "told", "kind": "labels", "least_rows": 2, "rare": "refuse"}
    return {**told, "even": False, "source": source}


def write_texts(folder, settings, spoilt=""):
    """Texts of two classes, which one word tells; the vectors of the table tell nothing."""
    split = np.repeat(["train", "unlabelled", "heldout"], [40, 5, 30])
    labels = np.array(["dull", "good"])[np.arange(75) % 2]
    words = {"good": "amber " * 9, "dull": "birch " * 9}
    texts = [f"{words[label]}{sentence(row, 2)} {spoilt}" for row, label in enumerate(labels)]
    columns = {"row": np.arange(75), "split": split, "label": labels}
    columns |= {"text": texts, "features": np.zeros((75, 4))}
    write_table("latents", source := folder / "source.parquet", columns, {})
    label_latents(settings, path := folder / "latents.parquet", source)
    return path, columns


def fitted(folder, name, settings, spoilt=""):
    path, columns = write_texts(folder, settings, spoilt)
    problem = make_problem(path, [N], SEEDS)
    fit_references(["mean", name], problem, settings, metrics := folder / "metrics.parquet")
    return problem, columns, read_frame("metrics", metrics).query("model == @name")


def test_tabpfn_has_the_temperature_of_rows_left_out_and_counts_the_rows_it_keeps(weights):
    generator = np.random.default_rng(0)
    classes = np.arange(45) % 3
    inputs = np.eye(3, 5)[classes] + generator.normal(size=(45, 5))
    made = TunedClassifier("tabpfn", inputs, classes, 1, 2, extra_recipe("tabpfn", {}))
    from tabpfn import TabPFNClassifier

    def scores(kept, held):
        alone = TabPFNClassifier(model_path=weights, device="cpu", random_state=0)
        odds = alone.fit(inputs[kept], classes[kept]).predict_proba(inputs[held])
        return np.log(np.maximum(odds, 1 / 45))

    folds = list(split_folds(1, 45, "rivals", FOLDS, classes))
    left = np.concatenate([scores(*fold) for fold in folds])
    truth = np.concatenate([classes[held] for _, held in folds])
    assert made.temperature == pytest.approx(best_temperature(left, truth)[1])
    assert made.temperature != pytest.approx(1, abs=0.05)
    whole = np.arange(45)
    np.testing.assert_allclose(made.scores(inputs) * made.temperature, scores(whole, whole))
    assert made.count_parameters() == 45 * 5 and not made.at_edge


def test_tabpfn_stands_in_the_metrics_and_what_it_objects_to_is_told(weights, tmp_path):
    problem = make_problem(write_problem(tmp_path, "classes"), [N], SEEDS)
    fit_references(["tabpfn"], problem, {}, path := tmp_path / "metrics.parquet")
    metrics = read_frame("metrics", path)
    assert metrics["heldout_accuracy"].notna().all() and not metrics["diverged"].any()
    assert (metrics["train_seconds"] > 0).all()
    weights.write_text("damaged")
    with pytest.raises(DataError) as caught:
        fit_references(["tabpfn"], problem, {}, path)
    assert str(caught.value) == f"{weights}: TabPFN cannot use it here (not a checkpoint)"


def test_setfit_is_tuned_on_the_texts_of_the_n_rows_alone(encoder, tmp_path, monkeypatch):
    module = stand_in(tmp_path / f"site{next(_fresh)}", monkeypatch, "setfit", SETFIT)
    problem, columns, metrics = fitted(tmp_path, "setfit", settings_of(encoder))
    assert not metrics["diverged"].any()
    # The vectors tell nothing: what is told is told by the texts, through the head.
    assert (metrics["heldout_accuracy"] > 0.7).all()
    calls = module.calls
    assert len(calls) == len(SEEDS) * (FOLDS + 1)
    texts, classes = np.array(columns["text"]), np.array(columns["label"]) == "good"
    for place, (seed, rows) in enumerate(zip(*load_subsets(problem.subsets, N), strict=True)):
        own = calls[place * (FOLDS + 1) : (place + 1) * (FOLDS + 1)]
        seen, told, arguments = own[-1]
        assert seen == texts[rows].tolist() and told == classes[rows].astype(int).tolist()
        for (kept, _), call in zip(
            split_folds(int(seed), N, "rivals", FOLDS, np.array(told)), own, strict=False
        ):
            assert call[0] == texts[rows][kept].tolist()
        assert arguments["report_to"] == "none" and arguments["num_iterations"] == 20
    assert len({call[2]["seed"] for call in calls}) == len(SEEDS)
    size = sum(each.numel() for each in load_encoder(encoder).parameters())
    assert (metrics["n_parameters"] == size + 8 + 1).all()


def test_latents_without_texts_are_told(encoder, tmp_path):
    problem = make_problem(path := write_problem(tmp_path, "classes"), [N], SEEDS)
    with pytest.raises(DataError, match=f"{path}: no column 'text', which 'setfit' reads; an"):
        fit_references(
            ["mean", "setfit"], problem, settings_of(encoder), tmp_path / "metrics.parquet"
        )


def test_an_encoder_that_diverges_is_a_flagged_row(encoder, tmp_path, monkeypatch):
    stand_in(tmp_path / f"site{next(_fresh)}", monkeypatch, "setfit", SETFIT)
    _, _, metrics = fitted(tmp_path, "setfit", settings_of(encoder), "burst")
    assert metrics["diverged"].all() and metrics["heldout_loss"].isna().all()


@pytest.mark.slow
def test_the_package_itself_tunes_the_encoder(encoder, tmp_path, monkeypatch):
    pytest.importorskip("setfit")
    _, _, metrics = fitted(tmp_path, "setfit", settings_of(encoder))
    assert not metrics["diverged"].any() and (metrics["heldout_accuracy"] > 0.7).all()


@pytest.mark.slow
def test_the_package_itself_runs_with_random_weights_of_its_second_version(tmp_path, monkeypatch):
    pytest.importorskip("tabpfn")
    from tabpfn.architectures import tabpfn_v2
    from tabpfn.checkpoint import save_as_safetensors

    sizes = {"emsize": 24, "nlayers": 2, "nhead": 2, "max_num_classes": 10, "num_buckets": 10}
    config, _ = tabpfn_v2.parse_config(sizes)
    weights = tabpfn_v2.get_architecture(config).state_dict()
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(tmp_path))
    file = tmp_path / "tabpfn-v2-classifier.safetensors"
    save_as_safetensors({"state_dict": weights, "config": sizes}, file)
    inputs, classes = np.random.default_rng(0).normal(size=(24, 5)), np.arange(24) % 3
    first, again = (
        TunedClassifier("tabpfn", inputs, classes, 1, 2, extra_recipe("tabpfn", {}))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.scores(inputs), again.scores(inputs))
    assert log_losses(first.scores(inputs), classes).mean() < np.log(3) + 0.2
    file.write_text("damaged")
    with pytest.raises(DataError, match="TabPFN cannot use it here"):
        TunedClassifier("tabpfn", inputs, classes, 1, 2, extra_recipe("tabpfn", {}))
