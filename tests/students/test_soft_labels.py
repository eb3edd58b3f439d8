"""Students of labels: whose probabilities they are trained on, at which temperature, where."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import log_loss

from helpers.files import SEEDS, files_of, make_problem, rows_at
from helpers.students import SETTINGS, take_from
from helpers.training import ROWS, draw_problem, make_examples
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.models.bottlenecks.classical import Classical
from qdistill.models.slot_model import SlotModel
from qdistill.storage.tables import write_table
from qdistill.storage.weights import read_weights, read_weights_metadata, write_weights
from qdistill.students.fitting import fit_student
from qdistill.students.soft_labels import (
    SMOOTHING,
    TEMPERATURE,
    CooledModel,
    distil_labels,
    scores_of,
    soften,
)
from qdistill.students.teachers import load_teacher, teacher_agreement
from qdistill.study.registry import BOTTLENECKS, LABEL_STUDENTS
from qdistill.training.blocks import evaluate_errors
from qdistill.training.classifiers import fit_classifier
from qdistill.training.example_loss import ExampleLoss
from qdistill.training.protocols import start_model, train_by_protocol, train_model

N = 20
GRID = {"folds": 3, "steps": 30, "epochs": 0, "checks": 3, "learning_rates": [0.03]}
GRID |= {"weight_decays": [0.1, 1.0]}
REGULARISED = {"projections": "trained", "protocol": "regularised", "batch_size": 9}
REGULARISED |= {"regularised": GRID, "code_scale": "unit", "layers": 2, "angle_range": 3.0}
BOTH = pytest.mark.parametrize("settings", [SETTINGS, REGULARISED], ids=lambda s: s["protocol"])
POOLED = [name for name, entry in LABEL_STUDENTS.items() if entry.pool]


def write_classes(folder, spoilt=()):
    """Rows of three classes; in the splits that are spoilt each row has another's class."""
    x, y = draw_problem("classes", 8)
    split = np.repeat(list(ROWS), list(ROWS.values()))
    for each in spoilt:
        y[split == each] = np.roll(y[split == each], 1, axis=1)
    columns = {"row": np.arange(len(x)), "split": split, "features": x, "targets": y}
    columns["label"] = np.array(["a", "b", "c"])[y.argmax(1)]
    folder.mkdir(parents=True, exist_ok=True)
    write_table("latents", path := folder / "latents.parquet", columns, {}, {"classes": _NAMES})
    return path


_NAMES = json.dumps(["a", "b", "c"])


def teach(folder, settings=SETTINGS, seeds=SEEDS, spoilt=()):
    """A problem with both teachers trained on it."""
    problem = make_problem(write_classes(folder, spoilt), (N,), seeds, settings["protocol"])
    for name in ("quantum", "classical"):
        train_model(name, problem, settings, files_of(folder, name, seeds))
    return problem


def fit(folder, problem, name, settings=SETTINGS, seeds=SEEDS, teacher=None):
    files, entry = files_of(folder, name, seeds), LABEL_STUDENTS[name]
    if teacher is None and entry.teacher in BOTTLENECKS:
        teacher = files_of(folder, entry.teacher, seeds).weights
    distil_labels(name, problem, teacher, settings, files)
    return files


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    return folder, teach(folder)


def outputs_of(files, name, x):
    """Logits of a model of the baseline's kind, or of a circuit, from its file."""
    model, weights = load_teacher(files_of(files, name).weights, N)
    return model.predict_rows(weights, x)


def test_targets_are_the_teachers_probabilities_at_the_temperature_of_each_seeds_own_rows():
    examples, generator = make_examples("classes"), np.random.default_rng(3)
    planted = torch.tensor(generator.normal(size=(len(SEEDS), 12, 3)), dtype=torch.float32)
    for name, entry in LABEL_STUDENTS.items():
        soft, temperature = soften(entry, examples, lambda at: examples.inputs[at] @ planted)
        assert temperature == TEMPERATURE and soft.n == 15 + ROWS["unlabelled"] * entry.pool, name
        pool = examples.unlabelled.numpy()[: None if entry.pool else 0]
        for place, matrix in enumerate(planted.numpy()):
            x = examples.inputs.numpy()[[*examples.labelled[place].numpy(), *pool]]
            own = soft.labelled[place]
            np.testing.assert_array_equal(soft.inputs[own], x)
            expected = softmax(x @ matrix / TEMPERATURE, axis=1)
            np.testing.assert_allclose(soft.targets[own], expected, rtol=1e-4, atol=1e-6)
        assert not len(soft.heldout) and not len(soft.unlabelled)


def test_logistic_regression_teaches_from_the_n_rows_alone():
    examples = make_examples("classes", n=30)
    entry = LABEL_STUDENTS["soft_labels_logistic"]
    found = scores_of(entry, examples, None, 3)(examples.heldout.expand(len(SEEDS), -1))
    heldout = examples.inputs[examples.heldout].double().numpy()
    for place, seed in enumerate(SEEDS):
        own = fit_classifier("logistic", *examples.labelled_rows(seed), seed, 3)
        np.testing.assert_allclose(found[place], own.scores(heldout), rtol=1e-5)


def drawn_teacher(examples):
    """A head of the baseline's kind, with larger weights than at a start, and its logits."""
    model, weights, _ = start_model("classical", SETTINGS, 8, examples)
    weights = {name: 2 * tensor + 0.1 for name, tensor in weights.items()}
    return model, weights, lambda at: model.predict_rows(weights, examples.inputs[at])


def heated(weights):
    """The weights of which the cooled model is the same function."""
    decoder = ("decoder.weight", "decoder.bias")
    return {k: v / TEMPERATURE if k in decoder else v for k, v in weights.items()}


def test_a_teacher_that_the_student_can_be_is_where_training_ends():
    """There no step changes it, and cooled it gives the teacher's logits."""
    examples = make_examples("classes")
    model, weights, scores = drawn_teacher(examples)
    soft, temperature = soften(LABEL_STUDENTS["soft_labels_pool"], examples, scores)
    start, cooled = heated(weights), CooledModel(model, temperature)
    heldout = examples.inputs[examples.heldout]
    found = (
        cooled.predict_rows(start, heldout),
        model.predict_rows(cooled.kept_weights(start), heldout),
    )
    for logits in found:
        np.testing.assert_allclose(logits, model.predict_rows(weights, heldout), atol=1e-4)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    for tensor in leaves.values():
        tensor.grad = torch.zeros_like(tensor)
    ExampleLoss(model, soft).add_gradients(leaves, torch.arange(soft.n).expand(3, -1), 1.0)
    assert max(float(tensor.grad.abs().max()) for tensor in leaves.values()) < 1e-6


@pytest.mark.slow
def test_training_recovers_the_logits_of_a_teacher_from_nearby():
    examples = make_examples("classes")
    model, weights, scores = drawn_teacher(examples)
    soft, temperature = soften(LABEL_STUDENTS["soft_labels_pool"], examples, scores)
    torch.manual_seed(0)
    start = {k: v + 0.1 * torch.randn_like(v) for k, v in heated(weights).items()}
    settings = {**SETTINGS, "epochs": 300, "schedule": "cosine"}
    measured = CooledModel(model, temperature), examples
    block, _ = train_by_protocol(model, start, soft, settings, measured=measured)

    def distance(own):
        """Of logits but for what all classes have in common, which changes no probability."""
        pair = [each.predict_rows(own_, examples.inputs) for each, own_ in own]
        ours, theirs = (x - x.mean(-1, keepdim=True) for x in pair)
        return float((ours - theirs).square().mean() / theirs.square().mean())

    assert distance([(model, block.weights), (model, weights)]) < 1e-3
    assert distance([(measured[0], start), (model, weights)]) > 1e-2
    # Without the temperature a student of the same outputs would be half as sure of itself.
    assert distance([(model, heated(weights)), (model, weights)]) > 0.2


@BOTH
def test_the_smoothed_control_is_the_baseline_on_smoothed_labels(tmp_path, settings):
    problem = make_problem(write_classes(tmp_path), (N,), protocol=settings["protocol"])
    files = fit(tmp_path, problem, "soft_labels_smoothed", settings)
    examples = load_examples(problem.latents, problem.subsets, N)
    smooth = (1 - SMOOTHING) * examples.targets + SMOOTHING / 3
    model, parameters, _ = start_model("classical", settings, 8, examples)
    smoothed = replace(examples, targets=smooth)
    expected = train_by_protocol(model, parameters, smoothed, settings)[0].weights
    found = {name: torch.tensor(x) for name, x in read_weights(files.weights, N).items()}
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-5, atol=1e-6)
    metrics = rows_at(files, "metrics", N)
    losses = evaluate_errors(SlotModel(Classical(8)), found, examples)  # on true labels
    np.testing.assert_allclose(metrics["train_loss"], losses[0], rtol=1e-5)
    np.testing.assert_allclose(metrics["heldout_loss"], losses[1], rtol=1e-5)
    assert metrics["teacher"].isna().all() and metrics["teacher_agreement"].isna().all()
    assert "teacher" not in read_weights_metadata(files.weights)


@pytest.mark.parametrize("name", LABEL_STUDENTS)
def test_what_is_written_is_measured_on_true_labels_at_a_temperature_of_one(classes, name):
    folder, problem = classes
    entry, files = LABEL_STUDENTS[name], fit(folder, problem, name)
    examples = load_examples(problem.latents, problem.subsets, N)
    weights = {key: torch.tensor(x) for key, x in read_weights(files.weights, N).items()}
    logits = SlotModel(Classical(8)).predict_rows(weights, examples.inputs).double().numpy()
    metrics, history = (rows_at(files, kind, N) for kind in ("metrics", "history"))
    truth = examples.targets.numpy().argmax(1)
    heldout = examples.heldout.numpy()
    for place in range(len(SEEDS)):
        row, chances = metrics.iloc[place], softmax(logits[place], axis=1)
        for column, rows in (("train_loss", examples.labelled[place]), ("heldout_loss", heldout)):
            wanted = log_loss(truth[rows], chances[rows], labels=[0, 1, 2])
            assert row[column] == pytest.approx(wanted, rel=1e-4)
        told = chances[heldout].argmax(1) == truth[heldout]
        assert row["heldout_accuracy"] == pytest.approx(told.mean())
    last = history[history["epoch"] == history["epoch"].max()]
    for column in ("train_loss", "heldout_loss"):
        np.testing.assert_array_equal(last[column], metrics[column])
    assert (metrics["stage"] == "distilled").all() and (metrics["family"] == "student").all()
    assert (metrics["teacher"].fillna("") == entry.teacher).all()
    if entry.teacher in BOTTLENECKS:
        x = examples.inputs[examples.heldout]
        theirs = outputs_of(folder, entry.teacher, x).argmax(-1).numpy()
        same = (logits[:, heldout].argmax(-1) == theirs).mean(1)
        np.testing.assert_allclose(metrics["teacher_agreement"], same)
    assert metrics["teacher_agreement"].notna().all() == bool(entry.teacher)


@pytest.mark.parametrize("name", POOLED)
def test_labels_of_the_pool_and_of_heldout_rows_are_never_read(classes, name, tmp_path):
    folder, problem = classes
    before = read_weights(fit(folder, problem, name).weights, N)
    latents = write_classes(tmp_path, ("unlabelled", "heldout"))
    spoilt = replace(problem, latents=latents)
    teacher = LABEL_STUDENTS[name].teacher
    given = files_of(folder, teacher).weights if teacher in BOTTLENECKS else None
    after = read_weights(fit(tmp_path, spoilt, name, teacher=given).weights, N)
    for key, tensor in before.items():
        np.testing.assert_array_equal(after[key], tensor)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("name", ["soft_labels", "soft_labels_logistic"])
def test_a_seed_does_not_depend_on_its_block(tmp_path, settings, name):
    both = teach(tmp_path / "a", settings, (0, 1)), teach(tmp_path / "b", settings, (1,))
    files = fit(tmp_path / "a", both[0], name, settings, (0, 1))
    alone = fit(tmp_path / "b", both[1], name, settings, (1,))
    expected = read_weights(alone.weights, N)
    for key, tensor in read_weights(files.weights, N).items():
        np.testing.assert_allclose(tensor[1], expected[key][0], rtol=1e-3, atol=1e-5)


def test_a_seed_whose_teacher_diverged_has_a_diverged_student_alone(classes, tmp_path):
    folder, problem = classes
    source = files_of(folder, "quantum").weights
    weights = {key: array.copy() for key, array in read_weights(source, N).items()}
    weights["bottleneck.angles"][1] = np.nan
    broken = tmp_path / "weights.safetensors"
    write_weights(broken, {N: weights}, SEEDS, {"model": "quantum"})
    spoilt = rows_at(fit(tmp_path, problem, "soft_labels", teacher=broken), "metrics", N)
    whole = rows_at(fit(folder, problem, "soft_labels"), "metrics", N)
    assert spoilt["diverged"].tolist() == [False, True, False]
    assert spoilt["heldout_loss"].isna().tolist() == [False, True, False]
    assert spoilt["teacher_agreement"].isna().tolist() == [False, True, False]
    others = [0, 2]
    np.testing.assert_array_equal(
        spoilt["heldout_loss"].iloc[others], whole["heldout_loss"].iloc[others]
    )


def test_students_of_codes_agree_too(classes):
    """The compiled circuit always; a random layer as often as its own outputs say."""
    folder, problem = classes
    teacher = files_of(folder, "quantum")
    take_from(problem, "quantum", teacher, SETTINGS)
    found = {}
    for name in ("compiled", "random_dense"):
        files = files_of(folder, name)
        fit_student(name, problem, teacher.weights, teacher.unitary, SETTINGS, files)
        found[name] = rows_at(files, "metrics", N).groupby("stage")["teacher_agreement"]
    assert (found["compiled"].min() == 1).all()
    shares = found["random_dense"].mean()
    assert 0 < shares["zero_shot"] < shares["fine_tuned"] < 1


def test_another_models_file_is_no_teacher(classes):
    folder, problem = classes
    other = files_of(folder, "classical").weights
    with pytest.raises(
        DataError, match="'soft_labels' learns from 'quantum', not from 'classical'"
    ):
        fit(folder, problem, "soft_labels", teacher=other)


def test_agreement_is_the_share_of_rows_of_the_same_class():
    teacher = torch.randn(4, 50, 3, generator=torch.Generator().manual_seed(1))
    student = torch.stack([5 * teacher[0] + 1, -teacher[1], teacher[2], torch.nan * teacher[3]])
    student[2, :10] = teacher[2, :10].roll(1, -1)
    found = teacher_agreement(student, teacher)
    np.testing.assert_allclose(found, [1, 0, 0.8, np.nan])
