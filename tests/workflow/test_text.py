"""A study of the user's own texts, from a folder of files to the verdict."""

import shutil

import numpy as np
import pytest
import yaml

from helpers.checkout import checkout, jobs_of, run, succeed
from helpers.text import build_encoder, sentence, write_folder
from qdistill.storage.tables import read_frame
from qdistill.study.datasets import folder_of, resolve_dataset

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: own
datasets: [{ name: mine, kind: text, path: texts, encoder: encoder, qubits: 2 }]
n: [6, all]
seeds: 2
seeds_per_block: 2
models: [mean, linear]
students: []
pool_sweep: []
training: { epochs: 2 }
tracks: null
trainability: null
cost: null
mlflow: { enabled: false }
""")


def configure(folder, **changes):
    """Write the study with other settings of its data set."""
    config = {**CONFIG, "datasets": [{**CONFIG["datasets"][0], **changes}]}
    (folder / STUDY).write_text(yaml.safe_dump(config))


def data_of(folder, **changes):
    """Where the study keeps its data, as it is run in a folder."""
    settings = resolve_dataset({**CONFIG["datasets"][0], **changes})
    return folder / "data" / folder_of(settings)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("own"))
    build_encoder(folder / "encoder")
    write_folder(folder / "texts", documents=12, paragraphs=2)
    for document in range(12):  # the same paragraph in each, so that copies stand in all splits
        with (folder / "texts" / f"{document:02d}.txt").open("a") as file:
            file.write(f"\n\n{sentence(999)}\n")
    configure(folder)
    succeed(folder, "reports/verdict.md", "--configfile", STUDY)
    return folder


def test_the_study_is_done_and_the_verdict_counts_the_copies(finished):
    metrics = read_frame("metrics", finished / "results/own/metrics.parquet")
    assert set(metrics["model"]) == {"mean", "linear"}
    assert np.isfinite(metrics["heldout_loss"]).all()
    paragraphs = read_frame("paragraphs", data_of(finished) / "paragraphs.parquet")
    assert set(metrics["n"]) == {6, (paragraphs["split"] == "train").sum()}
    latents = read_frame("latents", data_of(finished) / "latents.parquet")
    assert len(paragraphs) == len(latents) == 36
    assert (paragraphs.groupby("document")["split"].nunique() == 1).all()
    copies = (paragraphs["text"] == sentence(999)) & (paragraphs["split"] == "heldout")
    heldout = (paragraphs["split"] == "heldout").sum()
    count = copies.sum()
    assert count >= 2
    said = f"In `mine` {count} of {heldout} held-out texts repeat a training text."
    assert said in (finished / "reports/verdict.md").read_text()


def test_only_what_is_new_is_made_again(finished):
    output = succeed(finished, "reports/verdict.md", "--configfile", STUDY, "--dry-run")
    assert "Nothing to be done" in output
    added = finished / "texts" / "new.txt"
    added.write_text(sentence(500))
    try:
        _, output = run(finished, "reports/verdict.md", "--configfile", STUDY, "--dry-run")
    finally:
        added.unlink()
    jobs = jobs_of(output)
    assert jobs["collect_paragraphs"] == jobs["find_duplicates"] == jobs["embed_paragraphs"] == 1


def test_copies_can_be_dropped(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "dropping", symlinks=True)
    configure(folder, duplicates="drop")
    dropping = data_of(folder, duplicates="drop")
    target = dropping / "latents.parquet"
    succeed(folder, target.relative_to(folder), "--configfile", STUDY)
    # Other settings are other data, and what was there under the same name stays as it was.
    assert len(read_frame("latents", data_of(folder) / "latents.parquet")) == 36
    kept = read_frame("latents", target)
    copies = read_frame("duplicates", dropping / "duplicates.parquet")["row"]
    assert len(kept) == 36 - copies.nunique()
    assert set(kept.loc[kept["text"] == sentence(999), "split"]) == {"train"}
