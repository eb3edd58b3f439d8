"""Captions of the report: they render without a warning and say what the run was."""

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from qdistill.study.configuration import resolve_study
from qdistill.study.registry import MODELS, STUDENTS

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
WITH_TRACK = (
    *("crossover", "gap", "transfer", "curves", "unitary"),
    *("ladder", "bound", "overfitting", "downstream"),
)
WITH_TRAINING = ("crossover", "gap", "transfer", "curves", "ladder", "bound", "downstream")
EVERY_CAPTION = (*WITH_TRACK, "trainability", "cost", "verdict", "summary", "workflow")

DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def render(name, config, dataset="synthetic-6q", protocol="article"):
    """Source of a caption as Snakemake renders it, but with unknown names refused."""
    # the options are those of snakemake.report.auto_report
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    wildcards = SimpleNamespace(dataset=dataset, protocol=protocol)
    snakemake = SimpleNamespace(config=copy.deepcopy(config), wildcards=wildcards)
    words = environment.from_string((REPORT / f"{name}.rst").read_text()).render(
        snakemake=snakemake
    )
    assert snakemake.config == config, "a caption changed the configuration"
    return words


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
    students=["unitary_re", "distilled_pool"],
    pool_sweep=[0, 19, "all"],
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
    downstream={"neighbours": 7, "examples_per_class": 4, "datasets": "all"},
    trainability={
        "qubits": 3,
        "n": 41,
        "layers": [2, 1],
        "angle_ranges": [0.7, 0.3],
        "learning_rate": 0.0042,
        "max_steps": 123,
    },
    cost={
        "qubits": [7, 3],
        "layers": 9,
        "batch": 13,
        "seeds": [1, 17],
        "rounds": 19,
        "simulators": ["pennylane", "qulacs"],
    },
)
UNUSUAL["tracks"] = {
    "left-out": None,
    "longer": {
        "n": [91, 53],
        "models": ["mean", "quantum", "square", "orthogonal"],
        "students": ["compiled"],
        "projections": "pca",
        "pool_sweep": [0, 7],
        "training": {
            "protocol": "converged",
            "learning_rate": 0.0069,
            "converged": {"folds": 4, "max_steps": 1234, "patience": 9},
            "models": {"quantum": {"layers": 15}, "square": {"converged": {"max_steps": 567}}},
        },
    },
    "other-data": {"datasets": ["own-map"], "n": [5], "projections": "identity"},
}
WITHOUT_STUDENTS = configured(students=[], training={"models": {}}, tracks=None)


def test_every_caption_is_tested():
    assert sorted(path.stem for path in REPORT.glob("*.rst")) == sorted(EVERY_CAPTION)


@pytest.mark.filterwarnings("ignore:Argument .writer_name.:PendingDeprecationWarning")
@pytest.mark.parametrize("protocol", ["article", "converged"])
@pytest.mark.parametrize("config", [DEFAULT, UNUSUAL, WITHOUT_STUDENTS])
@pytest.mark.parametrize("name", EVERY_CAPTION)
def test_captions_are_valid(name, config, protocol):
    dataset = "digits" if config is UNUSUAL else "synthetic-6q"
    if config is WITHOUT_STUDENTS and protocol == "converged":
        config = configured(training={"protocol": protocol, "converged": CONVERGED}, tracks=None)
    source = render(name, config, dataset, protocol)
    strict = {"report_level": 1, "halt_level": 1}  # docutils' remarks are errors here
    body = publish_parts(source, writer_name="html", settings_overrides=strict)["html_body"]
    assert "{{" not in body and "{%" not in body
    assert ".." not in source.replace("...", "")


CONVERGED = {"folds": 5, "max_steps": 2000, "patience": 20}


@pytest.mark.parametrize("name", sorted({*EVERY_CAPTION} - {"cost"}))  # which no seed is in
def test_captions_tell_the_runs_numbers(name):
    words = render(name, UNUSUAL, "digits")
    assert "3 seeds" in words or "Seeds**: 3," in words
    assert "11, 37" in words or name in ("unitary", "trainability")
    for number in ("50, 100", "10 seeds", "20 layers"):
        assert number not in words
    assert "batches of 32" not in words or name == "trainability"


def test_the_caption_of_costs_tells_what_was_timed():
    words = render("cost", UNUSUAL)
    for part in (
        *("9 layers on 3, 7 qubits", "batches of 13", "up to 19 rounds", "17 seeds"),
        "asked for: pennylane, qulacs",
    ):
        assert part in words, part
    assert "asked for: installed" in render("cost", DEFAULT)


@pytest.mark.parametrize("name", WITH_TRACK)
def test_captions_name_data_set_and_protocol(name):
    for protocol in ("article", "converged"):
        words = render(name, UNUSUAL, "digits", protocol)
        assert f"**digits**, protocol **{protocol}**" in words


@pytest.mark.parametrize("name", [*WITH_TRAINING, "workflow"])
def test_captions_tell_the_training(name):
    words = render(name, UNUSUAL, "digits")
    assert "77 epochs of Adam, learning rate 0.0042, batches of 13" in words
    assert "6 layers" in words
    for override in ("layers 9, epochs 88", "learning rate 0.07"):
        assert override in words


@pytest.mark.parametrize("name", [*WITH_TRAINING, "workflow"])
def test_captions_tell_the_training_of_the_track_that_was_run(name):
    words = render(name, UNUSUAL, "digits", "converged")
    assert "learning rate 0.0069, batches of 13" in words  # one of the track, one inherited
    assert "4-fold cross-validation" in words and "at most 1234" in words
    assert "layers 15, epochs 88" in words
    if name != "workflow":
        assert "53, 91" in words and "11, 37" not in words
        assert "0.0042" not in words
        assert "principal components of the unlabelled rows" in words


def test_fixed_projections_are_told():
    assert "neither encoder nor decoder" in render("gap", UNUSUAL, "own-map")
    assert "neither encoder nor decoder" not in render("gap", UNUSUAL, "digits")
    assert "Encoder and decoder are trained too" in render("bound", UNUSUAL, "digits")
    assert "Encoder and decoder are trained too" not in render("bound", UNUSUAL, "own-map")
    assert "and both of these" in render("transfer", UNUSUAL, "digits")
    assert "and both of these" not in render("transfer", UNUSUAL, "own-map")


@pytest.mark.parametrize("name", WITH_TRACK)
def test_the_track_of_a_caption_is_that_of_the_checked_study(name):
    """What a caption works out from the configuration is what the workflow ran."""
    for (dataset, protocol), track in resolve_study(DEFAULT).problems.items():
        words = render(name, DEFAULT, dataset, protocol)
        sizes = str(max(track.n)) if name == "unitary" else ", ".join(map(str, track.n))
        assert f"({sizes})" in words or f"n = {sizes})" in words
        if name in WITH_TRAINING:
            rate, size = track.training["learning_rate"], track.training["batch_size"]
            assert f"learning rate {rate}, batches of {size}" in words
        if name in ("crossover", "transfer"):
            items = [line.split("``")[1] for line in words.splitlines() if line.startswith("* ")]
            shown = (
                track.students
                if name == "transfer"
                else (*track.references, *track.bottlenecks, *track.tuned)
            )
            assert sorted(items) == sorted(shown)


def test_settings_are_told_of_the_shown_models_only():
    assert "epochs 19" in render("transfer", UNUSUAL, "digits")
    assert "epochs 19" not in render("gap", UNUSUAL, "digits")
    assert "frozen_circuit`` (" not in render("gap", UNUSUAL, "digits")
    assert "settings of their own" not in render("gap", WITHOUT_STUDENTS)
    assert "``square`` (max steps 567)" in render("gap", UNUSUAL, "digits", "converged")


def test_the_unitary_is_told_with_its_models_own_settings():
    words = render("unitary", UNUSUAL, "digits")
    assert "largest n (37), after 88 epochs, with 9 layers" in words
    words = render("unitary", UNUSUAL, "digits", "converged")
    assert "largest n (91), trained until its cross-validated error stopped falling" in words
    assert "with 15 layers" in words
    default = DEFAULT["training"]
    expected = f"after {default['epochs']} epochs, with {default['layers']} layers"
    assert expected in render("unitary", DEFAULT)


def test_the_bound_tells_the_layers_that_its_angles_are_counted_in():
    assert "in each of its 9 layers" in render("bound", UNUSUAL, "digits")
    assert "in each of its 15 layers" in render("bound", UNUSUAL, "digits", "converged")


def test_the_ladder_tells_which_rivals_are_missing():
    absent = "``square``, ``linear``, ``linear_tuned``, ``pca_cv``, ``mean``."
    assert absent in render("ladder", UNUSUAL, "digits")
    assert "asks for it" not in render("ladder", configured(models=[*MODELS]))


def test_the_sweep_of_the_pool_is_told():
    words = render("overfitting", UNUSUAL, "digits")
    assert "(0, 19, all; *all* is drawn at the number of rows there are)" in words
    assert "that of 77 epochs over the largest pool" in words
    words = render("overfitting", UNUSUAL, "digits", "converged")
    assert "(0, 7);" in words and "*all*" not in words


def test_the_map_of_trainability_is_told():
    words = render("trainability", UNUSUAL)
    for part in ("circuit of 3 qubits", "(vertical axis: 1, 2)", "0.3, 0.7", "n = 41 examples"):
        assert part in words
    assert "learning rate 0.0042, 123 steps" in words
    assert "a map shows" in render("workflow", UNUSUAL)
    assert "a map shows" not in render("workflow", {**UNUSUAL, "trainability": None})


def test_the_downstream_measures_are_told():
    words = render("downstream", UNUSUAL, "digits")
    assert "recall@7" in words and "the 7 nearest neighbours" in words
    assert "the mean of 4 codes" in words and "epochs 19" in words  # students are shown too
    assert "what codes are good for" in render("workflow", UNUSUAL)
    assert "good for" not in render("workflow", {**UNUSUAL, "downstream": None})


def test_only_the_studys_names_are_listed():
    listed = {"crossover": UNUSUAL["models"], "transfer": UNUSUAL["students"]}
    for caption, names in listed.items():
        words = render(caption, UNUSUAL, "digits")
        items = [line for line in words.splitlines() if line.startswith("* ")]
        assert [item.split("``")[1] for item in items] == names


@pytest.mark.parametrize("caption", ["crossover", "transfer"])
def test_every_shipped_name_is_explained(caption):
    names = MODELS if caption == "crossover" else [*STUDENTS]
    words = render(caption, configured(models=[*MODELS], students=[*STUDENTS]))
    assert all(f"* ``{name}``: " in words for name in names)


def test_products_are_told_of_a_tuned_layer_behind_fixed_projections_only():
    models = {"models": ["linear_tuned"], "tracks": None}
    assert "products of two entries" not in render("crossover", configured(**models))
    fixed = configured(**models, projections="pca")
    assert "products of two entries" in render("crossover", fixed)


def test_published_figures_are_told_of_the_articles_data_only():
    words = render("crossover", DEFAULT, "synthetic-4q")
    assert "published in the article" in words and "not to this protocol" not in words
    assert "not to this protocol" in render("crossover", DEFAULT, "synthetic-6q", "converged")
    assert "published" not in render("crossover", DEFAULT, "docstrings")


def test_the_description_names_what_was_set_for_a_data_set():
    words = render("workflow", UNUSUAL)
    assert "``digits``, ``own`` (kind ``vectors``, path ``some_folder_/x.npy``)." in words
    assert "none." in render("workflow", WITHOUT_STUDENTS)


def test_the_description_names_every_track():
    words = render("workflow", UNUSUAL)
    assert "**Track** *longer*" in words and "**Track** *other-data*" in words
    assert "left-out" not in words
    assert words.count("* **Data sets**") == 3
    assert words.count("**Settings of** ``unitary_re`` **alone**: epochs 19.") == 2
    assert words.index("53, 91") > words.index("*longer*") > words.index("11, 37")
    assert "**Track**" not in render("workflow", WITHOUT_STUDENTS)
    summary = render("summary", UNUSUAL)
    assert "n and models of its tracks (``longer``, ``other-data``)" in summary
    assert "tracks" not in render("summary", WITHOUT_STUDENTS)


def test_few_seeds_are_called_few():
    assert "most questions cannot be decided" in render("verdict", UNUSUAL)
    assert "cannot be decided" not in render("verdict", configured(seeds=10))


def test_captions_that_tell_the_training_share_the_same_words():
    # a report's captions cannot include one another
    starts = {
        (REPORT / f"{name}.rst").read_text().split("{% macro trained")[0] for name in WITH_TRACK
    }
    assert len(starts) == 1
