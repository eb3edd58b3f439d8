"""Captions of the report: they render without a warning and say what the run was."""

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from qdistill.registry import BOTTLENECKS, REFERENCES, STUDENTS

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "workflow" / "report"
FIGURE_CAPTIONS = ("crossover", "gap", "transfer", "curves", "unitary")
EVERY_CAPTION = (*FIGURE_CAPTIONS, "verdict", "summary", "workflow")

DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def render(name, config, dataset="synthetic-6q"):
    """Source of a caption as Snakemake renders it, but with unknown names refused."""
    # the options are those of snakemake.report.auto_report
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    snakemake = SimpleNamespace(config=config, wildcards=SimpleNamespace(dataset=dataset))
    return environment.from_string((REPORT / f"{name}.rst").read_text()).render(snakemake=snakemake)


def configured(**changes):
    config = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    return config


UNUSUAL = configured(
    study="a-study-with-quite-a-long-name",
    datasets=["digits", {"name": "own", "kind": "vectors", "path": "some_folder_/x.npy"}],
    n=[37, 11],
    seeds=3,
    models=["classical", "quantum", "frozen_circuit"],
    students=["unitary_re"],
    training={
        "epochs": 77,
        "batch_size": 13,
        "learning_rate": 0.0042,
        "layers": 6,
        "models": {
            "quantum": {"layers": 9, "epochs": 88},
            "classical": {"learning_rate": 0.07},
            "unitary_re": {"epochs": 19},
            "frozen_circuit": {},
        },
    },
)
WITHOUT_STUDENTS = configured(students=[], training={"models": {}})


def test_every_caption_is_tested():
    assert sorted(path.stem for path in REPORT.glob("*.rst")) == sorted(EVERY_CAPTION)


@pytest.mark.filterwarnings("ignore:Argument .writer_name.:PendingDeprecationWarning")
@pytest.mark.parametrize("config", [DEFAULT, UNUSUAL, WITHOUT_STUDENTS])
@pytest.mark.parametrize("name", EVERY_CAPTION)
def test_captions_are_valid(name, config):
    source = render(name, config)
    strict = {"report_level": 1, "halt_level": 1}  # docutils' remarks are errors here
    body = publish_parts(source, writer_name="html", settings_overrides=strict)["html_body"]
    assert "{{" not in body and "{%" not in body
    assert ".." not in source.replace("...", "")


@pytest.mark.parametrize("name", EVERY_CAPTION)
def test_captions_tell_the_runs_numbers(name):
    words = render(name, UNUSUAL)
    assert "3 seeds" in words or "Seeds**: 3," in words
    assert "11, 37" in words or name == "unitary"
    for number in ("50, 100", "10 seeds", "batches of 32", "20 layers"):
        assert number not in words


@pytest.mark.parametrize("name", ["crossover", "gap", "transfer", "curves", "workflow"])
def test_captions_tell_the_training(name):
    words = render(name, UNUSUAL)
    assert "77 epochs of Adam, learning rate 0.0042, batches of 13" in words
    assert "6 layers" in words
    for override in ("layers 9, epochs 88", "learning rate 0.07"):
        assert override in words


def test_settings_are_told_of_the_shown_models_only():
    assert "epochs 19" in render("transfer", UNUSUAL)
    assert "epochs 19" not in render("gap", UNUSUAL)
    assert "frozen_circuit`` (" not in render("gap", UNUSUAL)
    assert "settings of their own" not in render("gap", WITHOUT_STUDENTS)


def test_the_unitary_is_told_with_its_models_own_settings():
    assert "largest n (37), after 88 epochs, with 9 layers" in render("unitary", UNUSUAL)
    default = DEFAULT["training"]
    expected = f"after {default['epochs']} epochs, with {default['layers']} layers"
    assert expected in render("unitary", DEFAULT)


def test_only_the_studys_names_are_listed():
    listed = {"crossover": UNUSUAL["models"], "transfer": UNUSUAL["students"]}
    for caption, names in listed.items():
        words = render(caption, UNUSUAL)
        items = [line for line in words.splitlines() if line.startswith("* ")]
        assert [item.split("``")[1] for item in items] == names


@pytest.mark.parametrize("caption", ["crossover", "transfer"])
def test_every_shipped_name_is_explained(caption):
    names = [*REFERENCES, *BOTTLENECKS] if caption == "crossover" else [*STUDENTS]
    words = render(caption, configured(models=[*REFERENCES, *BOTTLENECKS], students=[*STUDENTS]))
    assert all(f"* ``{name}``: " in words for name in names)


def test_published_figures_are_told_of_the_articles_data_only():
    assert "published in the article" in render("crossover", DEFAULT, "synthetic-4q")
    assert "published" not in render("crossover", DEFAULT, "docstrings")


def test_the_description_names_what_was_set_for_a_data_set():
    words = render("workflow", UNUSUAL)
    assert "``digits``, ``own`` (kind ``vectors``, path ``some_folder_/x.npy``)." in words
    assert "none." in render("workflow", WITHOUT_STUDENTS)


def test_few_seeds_are_called_few():
    assert "most questions cannot be decided" in render("verdict", UNUSUAL)
    assert "cannot be decided" not in render("verdict", configured(seeds=10))


def test_captions_that_tell_the_training_share_the_same_words():
    # a report's captions cannot include one another
    starts = {
        (REPORT / f"{name}.rst").read_text().split("{% macro trained")[0]
        for name in ("crossover", "gap", "transfer", "curves")
    }
    assert len(starts) == 1
