"""Labels dealt out at random: a long training learns them by heart, and nothing besides."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.files import files_of, make_problem
from helpers.verdict import described, findings_of, found
from qdistill.datasets.labelled import shuffle_labels
from qdistill.judgement.attribution import attribute, required_rivals
from qdistill.judgement.comparisons import compare_study
from qdistill.judgement.study import tasks_of
from qdistill.storage.tables import read_frame, write_table
from qdistill.training.protocols import train_model
from qdistill.training.references import fit_references

SEEDS, SIZES = tuple(range(5)), (20,)
TRAINING = {"protocol": "article", "epochs": 300, "batch_size": 10, "learning_rate": 0.02}
TRAINING |= {"schedule": "cosine", "code_scale": "unit", "layers": 4, "angle_range": 3.0}
TRAINED = ("square", "linear", "classical", "quantum")


@dataclass
class Dealt:
    """A data set of three classes that are easily told, until their labels are shuffled."""

    folder: Path

    def __post_init__(self):
        generator = np.random.default_rng(0)
        label = np.arange(360) % 3
        features = generator.normal(size=(360, 24)) + generator.normal(size=(3, 24))[label]
        columns = {
            "row": np.arange(360),
            "split": np.repeat(["train", "unlabelled", "heldout"], 120),
        }
        columns |= {"label": np.array(["a", "b", "c"])[label], "features": features}
        source = self.folder / "source.parquet"
        write_table("latents", source, columns, {})
        settings = {"name": "dealt", "kind": "shuffled-labels", "least_rows": 5, "rare": "refuse"}
        self.settings = {**settings, "scramble_seed": 0, "source": {"name": "x", "kind": "vectors"}}
        shuffle_labels(self.settings, self.folder / "latents.parquet", source)

    def metrics(self, trained, references, projections="trained", seeds=SEEDS):
        """Train models, and fit references beside them."""
        latents = self.folder / "latents.parquet"
        problem = make_problem(latents, SIZES, seeds, dataset="dealt")
        files = {name: files_of(self.folder / projections, name, seeds) for name in trained}
        for name, own in files.items():
            train_model(name, problem, {**TRAINING, "projections": projections}, own)
        path = self.folder / f"references-{projections}.parquet"
        fit_references(references, problem, {}, path)
        paths = [path, *(own.metrics for own in files.values())]
        return pd.concat([read_frame("metrics", each) for each in paths], ignore_index=True)

    def memorised(self, metrics):
        """The findings of each model."""
        about = described("dealt", **{k: v for k, v in self.settings.items() if k != "name"})
        return found(findings_of(metrics, [about]), "memorisation").set_index("subject")


@pytest.fixture(scope="module")
def dealt(tmp_path_factory):
    return Dealt(tmp_path_factory.mktemp("dealt"))


def test_a_long_training_learns_every_label_by_heart(dealt):
    metrics = dealt.metrics(["classical"], ["mean"])
    own = metrics[metrics["model"] == "classical"]
    assert (own["train_accuracy"] == 1).all() and (own["train_loss"] < 0.05).all()
    found = dealt.memorised(metrics).loc["classical"]
    assert found["verdict"] == "memorises" and found["level"] == own["n_parameters"].iloc[0]


@pytest.mark.slow
def test_no_held_out_label_is_told_and_no_circuit_is_distinct(dealt):
    """Seeds share their 120 held-out rows, whose chance is a third; four standard deviations."""
    rivals = [name for name in required_rivals("classify") if name not in TRAINED]
    trained = dealt.metrics(TRAINED, rivals)
    reach = 4 * np.sqrt(2 / 9 / 120)
    accuracy = trained.groupby("model")["heldout_accuracy"].mean()
    assert len(accuracy) > 8 and (np.abs(accuracy - 1 / 3) < reach).all()
    attribution = attribute(compare_study(trained), tasks_of(trained))
    assert attribution["verdict"].tolist() == ["not distinct"]


def test_alone_a_circuit_fits_some_labels_and_what_is_not_trained_fits_none(dealt):
    names = ("square", "quantum", "classical_dense")
    metrics = dealt.metrics(names, ["mean"], "pca", seeds=range(20))
    sizes = metrics.groupby("model")["n_parameters"].first()
    assert sizes[["square", "quantum"]].to_dict() == {"square": 0, "quantum": 4 * 3 * 2}
    assert metrics["refitted_loss"].isna().all()
    found = dealt.memorised(metrics)
    assert found["verdict"]["square"] == "does not memorise"
    assert (found["low"][["quantum", "classical_dense"]] > found["high"]["square"]).all()
