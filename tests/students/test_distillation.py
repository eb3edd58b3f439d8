"""Distillation on planted teachers, and on several subsets at once."""

import numpy as np
import pytest
import torch

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.student_layers import StudentLayer
from qdistill.students.distillation import SoftExamples, distil_layer, distil_on_subsets
from qdistill.students.teachers import teacher_agreement
from qdistill.training.optimiser import TrainingSettings

SEEDS = [0, 1, 2]
SETTINGS = TrainingSettings(epochs=60, batch_size=20, learning_rate=0.02)
N_ROWS, POOL, WIDTH = 20, 40, 4


def planted(squared: bool = False, factor: float = 1.0, seeds=SEEDS) -> SoftExamples:
    """A teacher that a layer can match: another layer with the same read-out."""
    codes, targets = [], []
    for seed in seeds:
        generator = np.random.default_rng(seed)
        h = torch.from_numpy(generator.normal(size=(1, N_ROWS + POOL, WIDTH)).astype(np.float32))
        matrix = torch.from_numpy(generator.normal(size=(WIDTH, WIDTH)).astype(np.float32)) / 2
        outputs = encode_amplitudes(h) @ matrix.T
        codes.append(h)
        targets.append((outputs.square() if squared else outputs + 0.5) * factor)
    return SoftExamples(list(seeds), N_ROWS, torch.cat(codes), torch.cat(targets))


@pytest.mark.parametrize("readout", ["linear", "squared"])
def test_a_planted_teacher_is_matched(readout):
    soft, layer = planted(readout == "squared"), StudentLayer(2, readout)
    courses = []

    def record(epoch, parameters):
        agreement = teacher_agreement(layer.forward(parameters, soft.codes), soft.targets)
        courses.append((epoch, agreement))

    fitted = distil_layer(layer, soft, "any", SETTINGS, record)
    assert [epoch for epoch, _ in courses] == list(range(SETTINGS.epochs + 1))
    assert (courses[0][1] < 0.5).all()
    last = teacher_agreement(layer.forward(fitted, soft.codes), soft.targets)
    assert (last > 0.99).all()
    np.testing.assert_array_equal(last, courses[-1][1])


@pytest.mark.parametrize("readout", ["linear", "squared"])
def test_the_scale_of_the_teacher_does_not_matter(readout):
    layer = StudentLayer(2, readout)
    soft, large = planted(readout == "squared"), planted(readout == "squared", factor=64.0)
    outputs = layer.forward(distil_layer(layer, soft, "any", SETTINGS), soft.codes)
    larger = layer.forward(distil_layer(layer, large, "any", SETTINGS), soft.codes)
    np.testing.assert_allclose(larger, 64 * outputs, rtol=1e-3, atol=1e-3)


def test_without_the_pool_only_labelled_rows_count():
    soft = planted()
    changed = SoftExamples(SEEDS, N_ROWS, soft.codes.clone(), soft.targets.clone())
    changed.targets[:, N_ROWS:] += 1
    layer = StudentLayer(2, "linear")
    first, second = (
        distil_layer(layer, one.without_pool(), "any", SETTINGS) for one in (soft, changed)
    )
    assert torch.equal(first["weight"], second["weight"])
    together = distil_layer(layer, changed, "any", SETTINGS)
    assert not torch.allclose(together["weight"], first["weight"], atol=1e-3)


def subset_rows(sizes, seeds=SEEDS):
    return [[np.arange(N_ROWS + size) for _ in seeds] for size in sizes]


STEPS = 40


def fit_subsets(sizes, seeds=SEEDS, settings=SETTINGS):
    return distil_on_subsets(
        StudentLayer(2, "linear"),
        planted(seeds=seeds),
        subset_rows(sizes, seeds),
        "any",
        STEPS,
        settings,
    )


def test_all_rows_as_a_subset_are_plain_distillation():
    layer, soft = StudentLayer(2, "linear"), planted()
    steps = SETTINGS.epochs * (N_ROWS + POOL) // SETTINGS.batch_size
    found = distil_on_subsets(layer, soft, subset_rows([0, POOL]), "any", steps, SETTINGS)
    expected = distil_layer(layer, soft, "any", SETTINGS)
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name][:, 1], tensor, atol=1e-5)


def test_subsets_do_not_depend_on_the_others():
    together = fit_subsets([0, 7, POOL])
    for place, size in enumerate([0, 7, POOL]):
        alone = fit_subsets([size])
        for name, tensor in alone.items():
            np.testing.assert_allclose(tensor[:, 0], together[name][:, place], atol=1e-5)
    assert not torch.allclose(together["weight"][:, 0], together["weight"][:, 1], atol=1e-3)


def test_subsets_do_not_depend_on_the_block():
    together, apart = fit_subsets([0, 7]), fit_subsets([0, 7], seeds=[1, 2])
    for name, tensor in apart.items():
        np.testing.assert_allclose(tensor, together[name][1:], atol=1e-5)


def test_a_subset_smaller_than_a_batch_fills_it():
    """Batches of 40 from 20 rows are the gradient of all 20, whatever their order."""
    large = TrainingSettings(epochs=1, batch_size=2 * N_ROWS, learning_rate=0.02)
    whole = TrainingSettings(epochs=1, batch_size=N_ROWS, learning_rate=0.02)
    for name, tensor in fit_subsets([0], settings=large).items():
        np.testing.assert_allclose(tensor, fit_subsets([0], settings=whole)[name], atol=1e-5)
