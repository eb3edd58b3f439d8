"""A study inside a frozen language model, from a folder of texts to samples of the adapted one."""

import shutil

import numpy as np
import pytest
import yaml

from helpers.checkout import checkout, run_python, succeed
from helpers.language import save_language_model
from helpers.text import write_folder
from qdistill.errors import DataError
from qdistill.language.saved import loaded
from qdistill.provenance.verification import verify_study
from qdistill.storage.tables import read_frame

pytestmark = pytest.mark.workflow

STUDY = "config/studies/own.yaml"
CONFIG = yaml.safe_load("""
study: own
datasets:
  - name: mine
    kind: language
    niche: texts
    base: base
    general: [networkx]
    max_tokens: 12
    qubits: 3
n: [8, 12]
seeds: 2
seeds_per_block: 2
models: [frozen_base, constant, linear, lora_4, quantum]
students: [compiled, distilled_general, mean_code]
projections: trained
pool_sweep: []
sweeps: []
training:
  protocol: regularised
  batch_size: 4
  layers: 2
  regularised:
    { folds: 2, steps: 4, epochs: 1, checks: 2, learning_rates: [0.02], weight_decays: [0, 0.1] }
tracks: null
downstream: null
trainability: null
cost: null
deploy: { n: 12, model: lora_4 }
""")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("language"))
    save_language_model(folder / "base")
    write_folder(folder / "texts", documents=24, paragraphs=2)
    (folder / STUDY).write_text(yaml.safe_dump(CONFIG))
    succeed(folder, "--configfile", STUDY)
    return folder


def test_the_provenance_has_texts_and_base(finished):
    folder = finished / "results/own"
    assert verify_study(folder).differences == []
    listed = (folder / "ro-crate-metadata.json").read_text()
    texts = [path.relative_to(finished) for path in (finished / "texts").rglob("*.txt")]
    (base,) = finished.glob("data/*/model/model.safetensors")
    assert texts and all(
        f'"../../{name}"' in listed for name in (*texts, base.relative_to(finished))
    )


def test_the_verdict_answers_with_intervals(finished):
    page = (finished / "reports/verdict.md").read_text()
    question = page.partition("## Does a circuit help to adapt a frozen diffusion language model?")[
        2
    ]
    answer = question.partition("\n## ")[0]
    assert "At n = 8 the circuit" in answer and "of 4 other methods" in answer
    for name in (*CONFIG["models"], *CONFIG["students"]):
        (row,) = [line for line in answer.splitlines() if f"|`{name}`|" in line]
        assert "[" in row, row
    figures = finished / "results/own/figures/mine/regularised"
    assert {each.stem for each in figures.glob("*.svg")} == {
        "crossover",
        "ladder",
        "transfer",
        "tradeoff",
    }


def test_every_run_is_measured_on_the_same_held_out_texts(finished):
    runs = finished / "results/own/mine/regularised"
    bounds = {
        name: read_frame("text_bounds", runs / name / "seeds~0-1/text_bounds.parquet")
        for name in ("quantum", "compiled", "frozen_base")
    }
    compiled, quantum = bounds["compiled"], bounds["quantum"]
    np.testing.assert_allclose(compiled["loss"], quantum["loss"], atol=1e-4)
    assert compiled["row"].tolist() == bounds["frozen_base"]["row"].tolist()
    metrics = read_frame("metrics", finished / "results/own/metrics.parquet")
    for (n, seed), rows in quantum.groupby(["n", "seed"]):
        hit = (metrics["model"] == "quantum") & (metrics["n"] == n) & (metrics["seed"] == seed)
        (found,) = metrics.loc[hit, "heldout_loss"]
        assert found == pytest.approx(np.average(rows["loss"], weights=rows["tokens"]))
    frozen = metrics[metrics["model"] == "frozen_base"]
    assert frozen["heldout_loss"].nunique() == 1 and (frozen["n_parameters"] == 0).all()


def test_the_adapter_fills_masks_and_says_what_it_is_worth(finished):
    adapter = "results/own/mine/adapter"
    card = (finished / adapter / "README.md").read_text()
    first = card.partition("# Adapter of the study")[2].split("\n\n")[1]
    assert "the article's use case" in first and "nats a token on held-out text" in first
    assert "its bound in general text" in first
    filled = run_python("-m", "qdistill", "fill", adapter, "amber [MASK]", cwd=finished)
    assert filled.startswith("amber ")
    drawn = run_python("-m", "qdistill", "sample", adapter, "--tokens", "6", cwd=finished)
    assert drawn.strip()
    assert "models:/own@champion" in (finished / "results/own/mine/adapter.json").read_text()


def test_a_base_that_changed_since_is_told_in_a_sentence(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copy")
    (base,) = folder.glob("data/base~*/model")
    (base / "config.json").write_text((base / "config.json").read_text() + "\n")
    with (
        pytest.raises(DataError, match="was trained on"),
        loaded(folder / "results/own/mine/adapter", base),
    ):
        pass


def test_nothing_is_left_to_do(finished):
    assert "Nothing to be done" in succeed(finished, "--configfile", STUDY, "--dry-run", "--quiet")
