"""Training with counts: a small table, whose runs are held against an independent training."""

import numpy as np
import pandas as pd
import pytest
import torch

from qdistill.circuits.pennylane_engine import build_qnode
from qdistill.judgement.measurement import find_reached
from qdistill.measurement.gradients import count_settings, spall_gains
from qdistill.measurement.shot_training import make_problem, train_with_shots
from qdistill.models.bottlenecks.base import draw_angles
from qdistill.randomness import generator_for
from qdistill.storage.tables import read_frame
from qdistill.study.shot_training_settings import ShotTraining

SMALL = ShotTraining(
    qubits=2, layers=1, n=6, steps=30, record_every=10, shots=[20, 400], learning_rates=[0.05, 0.2]
).model_dump()
WAYS = {("exact", 0), *((way, shots) for way in ("parameter_shift", "spsa") for shots in (20, 400))}
RUN = ["problem", "method", "shots", "seed"]


def trained(folder, seeds=(0, 1, 2), **changes):
    path = folder / "shot_training.parquet"
    train_with_shots(seeds, {**SMALL, **changes}, path)
    return read_frame("shot_training", path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("shots"))


def test_there_is_a_run_for_each_problem_way_and_seed(table):
    assert {*zip(table["method"], table["shots"], strict=True)} == WAYS
    assert table.groupby(RUN).size().tolist() == [4] * (2 * len(WAYS) * 3)
    assert np.isfinite(table[["train_loss", "heldout_loss"]]).all(axis=None)
    chosen = table.groupby(RUN[:3])["learning_rate"].unique()
    assert chosen.map(len).eq(1).all() and {*table["learning_rate"]} <= {0.05, 0.2}


def test_executions_and_shots_are_counted(table):
    """Parameter shift takes 1 + 2 x 4 settings a step, SPSA 2, on 6 rows each."""
    each = {way: count_settings(way, 4) * 6 for way in ("exact", "parameter_shift", "spsa")}
    assert each == {"exact": 54, "parameter_shift": 54, "spsa": 12}
    assert (table["executions"] == table["step"] * table["method"].map(each)).all()
    assert (table["total_shots"] == table["executions"] * table["shots"]).all()
    last = table.groupby("method")["executions"].max()
    assert last["exact"] == last["parameter_shift"] == 30 * 54
    assert 30 * 54 - 12 < last["spsa"] <= 30 * 54


def test_all_ways_begin_alike_and_learn(table):
    first, last = (table.groupby(RUN)["train_loss"].agg(end) for end in ("first", "last"))
    assert (first.groupby(["problem", "seed"]).nunique() == 1).all()
    means = pd.DataFrame({"first": first, "last": last}).groupby(RUN[:3]).mean()
    assert (means["last"] < means["first"]).all()


def test_the_exact_gradient_against_pennylane_and_the_adam_of_torch(tmp_path):
    rate, seed = 0.05, 3
    found = trained(tmp_path, (seed,), learning_rates=[rate], shots=[2])
    problem = make_problem("reconstruction", (seed,), SMALL)
    loss, start = problem.train, generator_for(seed, 6, "shot training start reconstruction")
    angles = torch.tensor(draw_angles(start, 1, 2, 1.0)).double().requires_grad_()
    circuit, optimiser = build_qnode(2), torch.optim.Adam([angles], lr=rate)
    unit = loss.targets[0].var(0).mean()

    def error():
        outputs = circuit(angles, loss.amplitudes[0]) @ loss.weight.T + loss.bias
        return (outputs - loss.targets[0]).square().mean()

    for step in range(30):
        optimiser.param_groups[0]["lr"] = rate * spall_gains(step, 30)[0]
        optimiser.zero_grad()
        (error() / unit).backward()
        optimiser.step()
    own = found.query("problem == 'reconstruction' and method == 'exact' and step == 30")
    assert own["train_loss"].item() == pytest.approx(error().item(), rel=1e-6)


@pytest.mark.slow
def test_the_rate_is_chosen_by_the_training_loss(tmp_path, table):
    (lower, higher) = (trained(tmp_path, learning_rates=[rate]) for rate in (0.05, 0.2))
    ends = [
        each.groupby(RUN).last().groupby(RUN[:3])["train_loss"].mean()
        for each in (table, lower, higher)
    ]
    np.testing.assert_allclose(ends[0], np.minimum(ends[1], ends[2]), rtol=1e-6)


@pytest.mark.slow
def test_a_seed_is_the_same_whichever_others_there_are(tmp_path):
    settings = {"learning_rates": [0.1]}
    whole, alone = trained(tmp_path, (0, 1), **settings), trained(tmp_path, (1,), **settings)
    both = [
        each[each["seed"] == 1].set_index([*RUN, "step"]).sort_index() for each in (whole, alone)
    ]
    np.testing.assert_allclose(*(each["heldout_loss"] for each in both), rtol=1e-6)


def test_problems_are_those_of_the_data_sets():
    """Targets of the control are reached by a circuit; rows differ between seeds."""
    control = make_problem("teacher-circuit", (0, 1), SMALL)
    assert not torch.equal(control.train.targets[0], control.train.targets[1])
    ones = torch.ones(2, 1000).double()
    torch.testing.assert_close(control.heldout.targets.sum(-1), ones, rtol=0, atol=1e-6)
    behind = make_problem("reconstruction", (0, 1), SMALL)
    # The decoder is fitted to squared amplitudes of the pool, and so reconstructs other rows.
    plain = behind.heldout.values(behind.heldout.amplitudes.square().unsqueeze(1))
    spread = behind.heldout.targets[0].var(0).mean()
    assert (plain < 0.8 * spread).all()


def test_a_run_that_ends_worse_than_it_began_is_flagged_and_kept(tmp_path):
    table = trained(tmp_path, steps=1, record_every=5, learning_rates=[1.0], shots=[2])
    ends = table.groupby(RUN)["train_loss"].agg(["first", "last"])
    flags = table.groupby(RUN)["diverged"].all()
    assert (flags == (ends["last"] > ends["first"])).all() and flags.any()


def test_what_was_taken_when_an_error_was_reached(table):
    errors = (0.8 * table.groupby("problem")["heldout_loss"].median()).to_dict()
    found = find_reached(table, errors).set_index(RUN)
    assert len(found) == table[RUN].drop_duplicates().shape[0]
    assert found["executions"].isna().any() and found["executions"].notna().any()
    for key, run in table.groupby(RUN):
        hits = run.loc[run["heldout_loss"] <= errors[key[0]], "executions"]
        expected = hits.min() if len(hits) else np.nan
        assert found.loc[key, "executions"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.slow
def test_more_shots_reach_the_teacher_more_closely(tmp_path):
    table = trained(tmp_path, qubits=4, layers=2, n=20, steps=60)
    control = table[table["problem"] == "teacher-circuit"]
    ends = control.sort_values("step").groupby(RUN).last()
    middle = ends.groupby(["method", "shots"])["heldout_loss"].median()
    for method in ("parameter_shift", "spsa"):
        assert middle["exact", 0] < middle[method, 400] < middle[method, 20] / 3
