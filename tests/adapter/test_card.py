"""The card says what the tables say: flattering nobody, and its examples run."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from helpers.adapter import STORED, deployment_of, make_adapter, train_study
from helpers.metrics import cut_short, diverge, make_metrics
from helpers.planning import no_plans  # noqa: F401
from helpers.verdict import findings_of
from qdistill.__main__ import app
from qdistill.adapter.card import write_card
from qdistill.adapter.evidence import gather_evidence
from qdistill.adapter.export import export_adapter
from qdistill.adapter.layout import AdapterConfig
from qdistill.adapter.seeds import SeedErrors
from qdistill.adapter.torch_module import Adapter
from qdistill.datasets.encoders import MINILM_NAME, encoder_folder, load_encoder
from qdistill.judgement.choice import choose_model
from qdistill.storage.tables import read_frame
from qdistill.study.deploy_rules import Deployment
from qdistill.study.registry import AUTO, contenders

pytestmark = pytest.mark.slow

AT = {"dataset": "docstrings", "protocol": "article", "n": 100}
NAMES = ("mean", "pca", "pca_cv", "linear", "linear_tuned", "square", "classical", "quantum")
LATENTS = {"rows": {"train": 1400, "unlabelled": 1800, "heldout": 800}, "encoder": "MiniLM"}


def evidence_of(means, student=AUTO, spoil=lambda table: table, noise=0.02):
    """Evidence from metrics with these mean errors; the other names have 0.9."""
    names = [*means, *({"compiled"} if "quantum" in means else ())]
    table = make_metrics(
        ("docstrings",), (100,), 10, names, lambda m, s, n: means.get(m, 0.9), noise
    )
    metrics = spoil(table)
    candidates = contenders(names) if student == AUTO else (student,)
    choice = choose_model(metrics, student, candidates)
    errors = SeedErrors({seed: 0.5 + seed for seed in range(10)}, "that of `x`, made up")
    return gather_evidence(metrics, findings_of(metrics), AT, choice, errors)


def card_of(evidence, kind="circuit", student=AUTO, metric=None, **changes):
    about = {"study": "mine", "width": 8, "model": student, "training": {}, **AT}
    about |= {"settings": {"kind": "docstrings", "encoder": None}}
    about |= {"equivalence": {"error": 0.02, "accuracy": 0.01}}
    deployment = Deployment(**about, candidates=evidence.choice.candidates)
    config = AdapterConfig(kind, 10, 8, 10, {"seed": 4, **changes}, metric)
    return write_card(deployment, config, evidence, LATENTS, "results/mine/adapter", "sqlite:///x")


def lead(evidence, student=AUTO):
    """The card's first paragraph."""
    return ModelCard(card_of(evidence, student=student)).text.strip().split("\n\n")[1]


PLAIN = {"mean": 0.5, "pca": 0.1, "linear": 0.4, "linear_tuned": 0.3, "square": 0.2, "pca_cv": 0.11}


def plain(quantum):
    """Means of plain models, the best of which is `pca` at 0.1, and of the circuit."""
    return {**PLAIN, "quantum": quantum}


@pytest.mark.parametrize(
    ("means", "student", "expected"),
    [
        (plain(0.2), AUTO, "^This adapter is `pca` .*, not made .*: it does better than the"),
        (
            plain(0.01),
            AUTO,
            "^This adapter is `quantum` .* every simpler model of the study does w",
        ),
        (plain(0.2), "compiled", "^This adapter is `compiled` .* and a plain `pca` .* does better"),
        (plain(0.01), "pca", "not made from the circuit: the circuit does better on .* by name"),
        (plain(0.2), "square", "not made from the circuit"),
        (PLAIN, AUTO, "not made from the circuit: the study trained no `quantum` model"),
        ({"pca": 0.3, "quantum": 0.01}, AUTO, "whether a simpler model .* was not settled by the"),
    ],
)
def test_the_first_sentence(means, student, expected):
    text = lead(evidence_of(means, student), student)
    assert re.search(expected, text), text


@pytest.mark.parametrize(
    ("noise", "student", "expected"),
    [
        (0.002, AUTO, "not made from .*: it does as well as the circuit .*, within 2 %; its held"),
        (
            0.1,
            AUTO,
            "not made from .*: 10 seeds do not tell it from the circuit .*, nor show it to",
        ),
        (0.002, "compiled", "a plain `pca` without the circuit does as well .*, within 2 %; the"),
        (0.1, "compiled", "10 seeds do not tell a plain `pca` from the circuit .*, nor show it to"),
    ],
)
def test_the_first_sentence_says_as_well_only_where_that_is_shown(noise, student, expected):
    means = plain(0.1) | {"classical": 0.6}
    text = lead(evidence_of(means, student, noise=noise), student)
    assert re.search(expected, text), text


def test_the_table_is_the_paired_comparison_with_everything_else():
    evidence = evidence_of({**PLAIN, "quantum": 0.2, "classical": 0.6})
    card = card_of(evidence)
    rows = re.findall(r"^\| `(\w+)`[^|]*\| ([^|]+)\|", card, re.M)
    assert {name for name, _ in rows} == {*PLAIN, "quantum", "classical"} - {"pca"}
    errors = [float(value) for _, value in rows]
    assert errors == sorted(errors)
    row = evidence.against("square")
    assert row["difference"] == pytest.approx(row["mean_challenger"] - row["mean_baseline"])
    assert f"{row['difference']:.3g} [{row['ci_low']:.3g}, {row['ci_high']:.3g}]" in card


def test_the_first_table_is_what_stored_codes_find_and_what_to_use():
    card = card_of(evidence_of(plain(0.2)), stored=STORED)
    parts = ModelCard(card).text.strip().split("\n\n")
    assert parts[1].startswith("This adapter is `pca`")
    assert parts[2].splitlines() == [
        "| stored | bytes | recall@10 | loss | share of variance |",
        "| --- | --: | --: | --: | --: |",
        "| this adapter as int8 | 8 | 0.52 [0.51, 0.53] | 0.48 | 0.624 |",
        "| full vectors as float32 | 1,536 | 1 [no interval] | 0 |  |",
    ]
    assert parts[3] == STORED["use"]
    assert "mean of 9 seeds" in parts[4] and "exported seed needs" not in parts[4]
    assert parts[5].startswith("It maps 10 features to 8 codes")
    narrow = card_of(evidence_of(plain(0.2)), stored={**STORED, "width": 64})
    assert "Stored were codes of 64 numbers, of which the exported seed needs 8." in narrow
    assert "recall@" not in card_of(evidence_of(plain(0.2))).lower()


def test_that_the_choice_looked_at_held_out_rows_is_said():
    card = card_of(evidence_of(plain(0.2)))
    assert "This choice among models looked at the held-out rows" in card
    assert "optimistic" in card
    assert re.search(r"Of 6 candidates \(.*`square`.*\), `pca` has the lowest", card)
    close = card_of(evidence_of(plain(0.1), noise=0.002))
    assert re.search(r"As good: `(pca|quantum)`\.", close)
    spread = card_of(evidence_of(plain(0.1), noise=0.1))
    assert re.search(r"Not told apart, nor shown to be as good: .*`(pca|quantum)`", spread)
    assert "As good:" not in spread
    named = card_of(evidence_of(plain(0.2), "square"), student="square")
    assert "`square` was asked for by name; the comparisons alone would have taken `pca`" in named
    agreed = card_of(evidence_of(plain(0.2), "pca"), student="pca")
    assert "asked for by name, and the comparisons agree." in agreed


def test_the_exported_seed_is_told_and_the_metadata_header_is_the_hubs():
    evidence = evidence_of(plain(0.2))
    card = card_of(evidence)
    assert evidence.seed == 4
    assert "those of seed 4, which has the median cross-validated error" in card
    assert f"exported seed alone: {evidence.heldout[4]:.3g}" in card
    data = ModelCard(card).data
    assert (data.library_name, data.pipeline_tag) == ("qdistill", "feature-extraction")
    mean, own = (result.metric_value for result in data.eval_results)
    assert mean == pytest.approx(np.mean([*evidence.heldout.values()]))
    assert own == pytest.approx(evidence.heldout[4])
    assert {result.dataset_split for result in data.eval_results} == {"heldout"}


def test_verdict_and_retained_share():
    card = card_of(evidence_of(plain(0.2)))
    assert (
        "The verdict is *not distinct*: the simplest model not shown to be worse is `pca` (a "
        in card
    )
    missing = card_of(evidence_of({"pca": 0.3, "quantum": 0.01}))
    assert "The verdict is *undefined*: `mean`, the study does not hold it here." in missing
    student = evidence_of({**PLAIN, "quantum": 0.2, "classical": 0.25, "mean": 0.4}, "compiled")
    assert re.search(r"`compiled` retains the share 1 .*: \*retained\*", card_of(student))
    assert "retains" not in card
    assert "so there is no attribution" in card_of(evidence_of(PLAIN))


def test_limits():
    evidence = evidence_of(plain(0.2), "quantum", lambda m: diverge(m, "quantum", 100, 3, 0.3))
    card = card_of(evidence, student="quantum")
    assert "1 seed of 10 diverged." in card and "a wider one" not in card
    short = evidence_of(plain(0.2), "quantum", lambda m: cut_short(m, "quantum", 100, [1, 2]))
    assert "2 of 10 seeds chose settings at the edge" in card_of(short, student="quantum")
    assert "exactly zero after the encoder" in card
    assert "Inputs must be vectors of MiniLM" in card
    linear = card_of(evidence_of(PLAIN), kind="linear")
    assert "exactly zero after the encoder" not in linear
    assert "every code is zero" in card_of(evidence_of(PLAIN), kind="linear", constant=True)


@pytest.fixture(scope="module")
def exported(small_study):
    files = train_study(small_study, NAMES)
    folder = small_study.folder / "adapter"
    evidence = export_adapter(files, deployment_of(small_study, NAMES), folder)
    return folder, evidence, read_frame("metrics", files.metrics)


def test_a_real_card(exported):
    folder, evidence, metrics = exported
    card = (folder / "README.md").read_text()
    at_n = metrics[metrics["n"] == 20]
    own = at_n[at_n["model"] == evidence.choice.name]["heldout_loss"]
    assert f"mean of 3 seeds: {own.mean():.3g} [" in card
    assert "nan" not in card.lower().replace("nanmean", "")
    said = ["60 training rows, of which each seed has 20", "qdistill apply"]
    said += ["MLflow: register it with `mlflow.enabled: true`"]
    assert [words for words in said if words not in card] == []


def blocks_of(card):
    return re.findall(r"```python\n(.*?)```", card, re.S)


def test_the_examples_for_torch_and_onnx_run(exported):
    for block in blocks_of((exported[0] / "README.md").read_text())[:2]:
        found: dict = {}
        exec(block, found)
        assert found["codes"].shape[0] == found["outputs"].shape[0] == 8
        assert found["outputs"].shape[1] == 32


@pytest.mark.parametrize("kind", ["linear", "circuit"])
def test_the_example_for_sentence_transformers_runs(kind, tmp_path, monkeypatch):
    """From texts to codes, with the encoder that comes with the environment."""
    weights = make_adapter(kind, 384, 8, 384)
    adapter = replace(weights, config=replace(weights.config, origin={"encoder": MINILM_NAME}))
    card = card_of(evidence_of(plain(0.2)), kind, encoder=MINILM_NAME)
    folder = tmp_path / "results/mine/adapter"
    Adapter.of(adapter).save_pretrained(folder)
    monkeypatch.chdir(tmp_path)
    command = re.search(r"^qdistill (pipeline .*)$", card, re.M)[1]
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    found: dict = {}
    exec(blocks_of(card)[2], found)
    vectors = torch.tensor(load_encoder(encoder_folder(None)).encode(["a text", "another text"]))
    with torch.no_grad():
        expected = Adapter.of(adapter)(vectors).numpy()
    np.testing.assert_allclose(found["codes"], expected, atol=1e-6)
    assert ("trust_remote_code" in card) == (kind == "circuit")


def test_without_texts_the_example_asks_for_an_encoder():
    card = card_of(evidence_of(plain(0.2)))
    assert "--out pipeline --encoder ENCODER\n```" in card
    assert "an encoder of 10 features" in card


def test_bytes_of_a_code_are_told():
    fitted = card_of(evidence_of(plain(0.2)), metric="cosine")
    told = "takes 32 bytes in float32, 16 bytes in float16, 8 bytes in int8 and 1 byte as bits."
    assert told in fitted and "compared by cosine similarity" in fitted
    bare = card_of(evidence_of(plain(0.2)))
    assert "takes 32 bytes in float32 and 16 bytes in float16." in bare and "int8" not in bare


def test_quantum_and_compiled_are_tested_once():
    for name, expected in (("pca", {"quantum"}), ("quantum", set()), ("compiled", set())):
        found = {row["baseline"] for row in evidence_of(plain(0.2), name).comparisons}
        assert found & {"quantum", "compiled"} == expected
