"""The map of trainability: against an independent training, and case by case."""

import numpy as np
import pandas as pd
import pytest
import torch

from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame, read_metadata
from qdistill.training.trainability import HELDOUT, map_trainability

SETTINGS = {"qubits": 3, "n": 24, "layers": [1, 2], "angle_ranges": [0.25, 1.0]}
SETTINGS |= {"learning_rate": 0.03, "max_steps": 60}
CASE = ["layers", "angle_range", "seed"]


def mapped(folder, seeds=(0, 1, 2), **changes):
    path = folder / "trainability.parquet"
    map_trainability(seeds, {**SETTINGS, **changes}, path)
    return read_frame("trainability", path).set_index(CASE).sort_index()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return mapped(tmp_path_factory.mktemp("trainability"))


def test_there_is_a_row_for_every_case(table):
    cases = pd.MultiIndex.from_product([[1, 2], [0.25, 1.0], [0, 1, 2]], names=CASE)
    assert table.index.tolist() == cases.tolist()
    assert (table["qubits"] == 3).all() and (table["n"] == 24).all()
    assert np.isfinite(table[["train_loss", "heldout_loss", "mean_heldout_loss"]]).all(axis=None)
    assert not table["diverged"].any()
    assert table["mean_heldout_loss"].nunique() == len(table)  # each has a problem of its own


def test_a_small_case_against_pennylane_and_the_adam_of_torch(tmp_path):
    """With n below the batch size a batch is all n rows, so their order does not matter."""
    n, layers, bound, seed, steps = 6, 2, 0.7, 4, 25
    changes = {"qubits": 2, "n": n, "layers": [layers], "angle_ranges": [bound]}
    found = mapped(tmp_path, (seed,), **changes, max_steps=steps).loc[layers, bound, seed]
    stream = generator_for(seed, n, f"trainability {layers} {bound}")
    teacher = torch.tensor(draw_angles(stream, layers, 2, bound)).double()
    inputs = torch.tensor(stream.standard_normal((n + HELDOUT, 4)).astype(np.float32)).double()
    angles = torch.tensor(draw_angles(stream, layers, 2, bound)).double().requires_grad_()
    circuit = build_qnode(2)
    targets = circuit(teacher, inputs).detach()
    optimiser = torch.optim.Adam([angles], lr=SETTINGS["learning_rate"])
    unit = targets[:n].var(0).mean()
    for _ in range(steps):
        optimiser.zero_grad()
        ((circuit(angles, inputs[:n]) - targets[:n]).square().mean() / unit).backward()
        optimiser.step()
    squared = (circuit(angles, inputs) - targets).square().detach()
    mean = (targets[n:] - targets[:n].mean(0)).square().mean()
    assert found["train_loss"] == pytest.approx(float(squared[:n].mean()), rel=1e-3)
    assert found["heldout_loss"] == pytest.approx(float(squared[n:].mean()), rel=1e-3)
    assert found["mean_heldout_loss"] == pytest.approx(float(mean), rel=1e-5)


def test_shallow_circuits_of_small_angles_find_their_teacher(tmp_path):
    table = mapped(tmp_path, angle_ranges=[0.25], max_steps=300)
    for column in ("train_loss", "heldout_loss"):
        assert (table[column] < 1e-3 * table["mean_heldout_loss"]).all()


def test_deep_circuits_of_wide_angles_do_not(tmp_path):
    table = mapped(tmp_path, layers=[8], angle_ranges=[0.25, 3.0], max_steps=300)
    share = (table["heldout_loss"] / table["mean_heldout_loss"]).groupby("angle_range").median()
    assert share[0.25] < 0.01 and share[3.0] > 0.1


def test_a_case_does_not_depend_on_which_others_are_mapped(tmp_path, table):
    alone = mapped(tmp_path, (2,), layers=[2], angle_ranges=[1])  # a whole number is the same
    expected = table.loc[alone.index]
    for column in ("train_loss", "heldout_loss", "mean_heldout_loss"):
        np.testing.assert_allclose(alone[column], expected[column], rtol=2e-3)


def test_a_training_that_ends_worse_than_it_began_is_flagged(tmp_path):
    """One step of a whole radian, from near the teacher, overshoots."""
    table = mapped(tmp_path, angle_ranges=[0.01], learning_rate=1.0, max_steps=1)
    assert table["diverged"].all()


def test_the_metadata_tell_settings_and_seeds_apart(tmp_path):
    digests = set()
    for seeds, changes in (((0,), {}), ((0, 1), {}), ((0,), {"learning_rate": 0.02})):
        mapped(tmp_path, seeds, layers=[1], max_steps=1, **changes)
        digests.add(read_metadata(tmp_path / "trainability.parquet")["configuration_digest"])
    assert len(digests) == 3
