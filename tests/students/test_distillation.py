"""Distillation on planted teachers, and on several subsets at once."""

import numpy as np
import pytest
import torch

from qdistill.circuits.encoding import encode_amplitudes
from qdistill.models.student_layers import StudentLayer
from qdistill.students.distillation import SoftExamples, distil_layer, distil_on_subsets
from qdistill.students.teachers import teacher_r2
from qdistill.training.optimiser import TrainingSettings

SEEDS = [0, 1, 2]
SETTINGS = TrainingSettings(epochs=60, batch_size=20, learning_rate=0.02)
N_ROWS, POOL, WIDTH = 20, 40, 4


def planted(squared: bool = False, factor: float = 1.0) -> SoftExamples:
    """A teacher that a layer can match: another layer with the same read-out."""
    codes, targets = [], []
    for seed in SEEDS:
        generator = np.random.default_rng(seed)
        h = torch.from_numpy(generator.normal(size=(1, N_ROWS + POOL, WIDTH)).astype(np.float32))
        matrix = torch.from_numpy(generator.normal(size=(WIDTH, WIDTH)).astype(np.float32)) / 2
        outputs = encode_amplitudes(h) @ matrix.T
        codes.append(h)
        targets.append((outputs.square() if squared else outputs + 0.5) * factor)
    return SoftExamples(SEEDS, N_ROWS, torch.cat(codes), torch.cat(targets))


@pytest.mark.parametrize("readout", ["linear", "squared"])
def test_a_planted_teacher_is_matched(readout):
    soft, layer = planted(readout == "squared"), StudentLayer(4, readout)
    courses = []

    def record(epoch, parameters):
        agreement = teacher_r2(layer.forward(parameters, soft.codes), soft.targets)
        courses.append((epoch, agreement))

    fitted = distil_layer(layer, soft, "any", SETTINGS, record)
    assert [epoch for epoch, _ in courses] == list(range(SETTINGS.epochs + 1))
    assert (courses[0][1] < 0.5).all()
    last = teacher_r2(layer.forward(fitted, soft.codes), soft.targets)
    assert (last > 0.99).all()
    np.testing.assert_array_equal(last, courses[-1][1])


@pytest.mark.parametrize("readout", ["linear", "squared"])
def test_the_scale_of_the_teacher_does_not_matter(readout):
    layer = StudentLayer(4, readout)
    soft, large = planted(readout == "squared"), planted(readout == "squared", factor=64.0)
    outputs = layer.forward(distil_layer(layer, soft, "any", SETTINGS), soft.codes)
    larger = layer.forward(distil_layer(layer, large, "any", SETTINGS), soft.codes)
    np.testing.assert_allclose(larger, 64 * outputs, rtol=1e-3, atol=1e-3)


def test_a_subset_smaller_than_a_batch_fills_it():
    """Batches of 40 from 20 rows are the gradient of all 20, whatever their order."""
    rows, layer = [[np.arange(N_ROWS)] * len(SEEDS)], StudentLayer(4, "linear")
    whole, large = (
        distil_on_subsets(layer, planted(), rows, "any", 40, TrainingSettings(1, size, 0.02))
        for size in (N_ROWS, 2 * N_ROWS)
    )
    for name, tensor in large.items():
        np.testing.assert_allclose(tensor, whole[name], atol=1e-5)
