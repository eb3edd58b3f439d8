"""Captions of the report: short, whole, without a warning, and true of the run."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from helpers.configuration import study_of
from helpers.names import MODELS, STUDENTS
from qdistill.study.captions import caption_of_problem, caption_of_settings, caption_of_study
from qdistill.study.configuration import resolve_study
from qdistill.study.figures import FIGURES, STUDY_FIGURES

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
OF_A_PROBLEM = tuple(FIGURES)
EVERY_CAPTION = (*OF_A_PROBLEM, *STUDY_FIGURES, "verdict", "details", "workflow")

DEFAULT = resolve_study(study_of())
CHANGES = """
study: a-study-with-quite-a-long-name
datasets: [digits]
n: [37, 11]
seeds: 3
pool_sweep: [0, 19, all]
training:
  { epochs: 77, batch_size: 13, learning_rate: 0.0042, layers: 6, models: {
      quantum: { layers: 9, epochs: 88 }, unitary_re: { epochs: 19 }, frozen_circuit: {},
      distilled_pool: { epochs: 33 } } }
deploy: null
downstream: { neighbours: 7, examples_per_class: 4 }
retrieval: { neighbours: 7, bytes: [23, 6], datasets: all }
trainability:
  { qubits: 3, n: 41, layers: [2, 1], angle_ranges: [0.7], learning_rate: 0.01, max_steps: 123 }
cost: { qubits: [7, 3], layers: 9, batch: 13, rounds: 19, simulators: [] }
tracks:
  memorise: null
  denoise: null
  regularised:
    { datasets: [digits], n: [91, 53], students: [], projections: pca, training: {
        batch_size: 17, models: { square: { regularised: { steps: 567 } } } } }
"""
NAMES = {"models": [*MODELS], "students": [*STUDENTS]}
UNUSUAL = resolve_study(study_of({**yaml.safe_load(CHANGES), **NAMES}))


def render(name, study, dataset="digits", protocol="article"):
    """Source of a caption as Snakemake renders it, but with unknown names refused."""
    # the options are those of snakemake.report.auto_report
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    if name in OF_A_PROBLEM:
        caption = caption_of_problem(study, dataset, protocol)
    elif name in STUDY_FIGURES:
        caption = caption_of_settings(study, name)
    else:
        caption = caption_of_study(study)
    given = SimpleNamespace(caption=caption)
    snakemake = SimpleNamespace(**{"config" if name == "workflow" else "params": given})
    return environment.from_string((REPORT / f"{name}.rst").read_text()).render(snakemake=snakemake)


def test_every_caption_is_tested_and_short():
    captions = {path.stem: path.read_text().splitlines() for path in REPORT.glob("*.rst")}
    assert sorted(captions) == sorted(EVERY_CAPTION)
    for name, lines in captions.items():
        assert len(lines) < 20 and max(map(len, lines)) <= 100, name


@pytest.mark.filterwarnings("ignore:Argument .writer_name.:PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("study", "problem"),
    [(DEFAULT, problem) for problem in DEFAULT.problems]
    + [(UNUSUAL, problem) for problem in UNUSUAL.problems],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value.name,
)
def test_captions_are_valid(study, problem):
    drawn = [name for name in EVERY_CAPTION if study.config.get(name, name)]
    for name in drawn:
        source = render(name, study, *problem)
        strict = {"report_level": 1, "halt_level": 1}  # docutils' remarks are errors here
        body = publish_parts(source, writer_name="html", settings_overrides=strict)["html_body"]
        assert not any(mark in body for mark in ("{{", "{%", "None", "``"))
        assert ".." not in source


def test_captions_tell_what_is_fitted_of_labels_and_what_is_fixed():
    changes = {"datasets": ["digits-labels-shuffled"], "tracks": None, "projections": "pca"}
    changes |= {"models": ["mean", "square", "quantum"], "students": [], "pool_sweep": []}
    changes |= {"n": [20], "sweeps": [], "downstream": None, "deploy": None}
    study = resolve_study(study_of(changes))
    words = " ".join(render("memorisation", study, "digits-labels-shuffled").split())
    assert "told right beyond guessing" in words and "variance" not in words
    assert "a class has the sum of its own codes" in words
    words = " ".join(render("memorisation", UNUSUAL).split())
    assert "of their variance that is fitted" in words and "labels" not in words


def test_every_name_is_explained_where_it_is_drawn():
    for name, listed in {"crossover": MODELS, "transfer": STUDENTS}.items():
        words = render(name, UNUSUAL)
        found = [line.split("``")[1] for line in words.splitlines() if line.startswith("* ``")]
        assert set(found) == {*listed} - {"oracle"}  # digits have no known distribution


@pytest.mark.parametrize("name", OF_A_PROBLEM)
def test_captions_tell_the_data_set_its_numbers_and_its_track(name):
    for protocol, sizes in {"article": "11, 37", "regularised": "53, 91"}.items():
        words = render(name, UNUSUAL, protocol=protocol)
        assert f"**digits**, protocol **{protocol}**" in words
        assert re.search(r"\b3\s(paired\s)?seeds", words)
        assert (f"({sizes.split(', ')[1]})" if name == "unitary" else sizes) in words


def test_captions_tell_the_training_of_the_track_that_was_run():
    for name in {*OF_A_PROBLEM} - {"transfer", "overfitting"}:
        words = render(name, UNUSUAL)
        assert "77 epochs of Adam, learning rate 0.0042, batches of 13; circuits have 6" in words
        assert "``quantum`` (layers 9, epochs 88)." in words
        words = render(name, UNUSUAL, protocol="regularised")
        assert "AdamW, batches of 17, up to 500 steps with a cosine schedule" in words
        assert "``square`` (steps 567)" in words and "unitary_re" not in words
    words = render("transfer", UNUSUAL)
    assert "and both of these" in words and "``unitary_re`` (epochs 19)" in words
    assert "and both of these" not in render("transfer", UNUSUAL, protocol="regularised")
    control = render("gap", DEFAULT, "teacher-circuit")
    assert "neither encoder nor decoder" in control


def test_captions_tell_their_own_settings():
    expected = {
        "overfitting": ("(0, 19, all)", "that of 33 epochs"),
        "downstream": ("recall@7", "of 4 codes", "``unitary_re`` (epochs 19)"),
        "retrieval": ("fill 23, 6 bytes", "over 3", "``unitary_re`` (epochs 19)"),
        "trainability": ("of 3 qubits", "n = 41", "2, 1", "123 steps", "3 seeds"),
        "cost": ("19 rounds", "9 layers", "7, 3 qubits", "batches of 13", "none)"),
        "verdict": ("a-study-with-quite-a-long-name", "over 3 paired seeds"),
        "workflow": (
            "Track **regularised**: ``digits`` at n = 53, 91",
            "Students: none",
            "3 seeds",
        ),
    }
    for name, parts in expected.items():
        words = render(name, UNUSUAL)
        for part in parts:
            assert part in words, (name, part)
    assert "denoise" not in render("workflow", UNUSUAL)
