"""Trained circuits that are measured, and students of their counts, in small real runs."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from helpers.files import SEEDS, files_of, make_problem
from helpers.students import SETTINGS
from helpers.training import draw_problem
from qdistill.datasets.examples import load_examples
from qdistill.errors import DataError
from qdistill.measurement.circuits import MeasuredCircuit, find_rates, prepared_share
from qdistill.measurement.measuring import measure_circuits
from qdistill.measurement.students import Spending, teach_measured
from qdistill.storage.contracts import CONTRACTS
from qdistill.storage.contracts.devices import PREDICTORS
from qdistill.storage.tables import read_frame, write_table
from qdistill.study.noise import rates_of, swept_rates
from qdistill.training.protocols import train_model

pytestmark = pytest.mark.slow

MODELS = ("quantum", "frozen_circuit", "separable", "real_circuit", "quantum_scrambled")
CONDITIONS = (
    *(("none", "none"), ("trapped_ion", "none"), ("trapped_ion", "readout")),
    *(("trapped_ion", "zero_noise"), ("trapped_ion", "richardson"), ("0.2", "none")),
)
SHOTS = (2, 50, 100_000)
N = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Circuits trained to reconstruct rows of rank three."""
    folder = tmp_path_factory.mktemp("measured")
    features, _ = draw_problem("reconstruct")
    split = np.repeat(["train", "unlabelled", "heldout"], (60, 80, 50))
    columns = {"row": np.arange(len(features)), "split": split, "features": features}
    write_table("latents", folder / "latents.parquet", columns, {})
    for name in MODELS:
        train_model(name, problem_in(folder), SETTINGS, files_of(folder, name))
    return folder


def problem_in(folder, seeds=SEEDS):
    return make_problem(folder / "latents.parquet", (N,), seeds, qubits=3)


def given(folder, models, **settings):
    files = {name: files_of(folder, name) for name in models}
    paths = ({k: own[kind] for k, own in files.items()} for kind in ("weights", "metrics"))
    return *paths, {"models": {name: SETTINGS for name in models}, **settings}


@pytest.fixture(scope="module")
def tables(folder):
    settings = given(folder, MODELS, conditions=CONDITIONS, shots=SHOTS)
    paths = {kind: folder / f"{kind}.parquet" for kind in ("measured", "noise_depth")}
    measure_circuits(problem_in(folder), *settings, paths)
    return {kind: read_frame(kind, path) for kind, path in paths.items()}


def chosen(table, **where):
    return table[(table[[*where]] == [*where.values()]).all(axis=1)].set_index("seed")


def test_without_noise_and_a_limit_the_error_is_that_of_the_metrics(folder, tables):
    for name in MODELS:
        trained = read_frame("metrics", files_of(folder, name).metrics).set_index("seed")
        own = chosen(tables["measured"], model=name, noise="none", shots=0)
        assert own["heldout_loss"].to_numpy() == pytest.approx(trained["heldout_loss"], rel=1e-4)


def test_drawn_errors_are_near_expected_ones_and_fall_to_the_floor(tables):
    measured = tables["measured"]
    assert list(measured.columns) == CONTRACTS["measured"].scalars()
    seen = measured[measured["shots"] >= 3]
    assert seen["heldout_loss"].to_numpy() == pytest.approx(seen["expected_loss"], rel=0.25)
    keys = ["model", "noise", "mitigation"]
    for _, own in measured.groupby(keys):
        wide = own.pivot(index="seed", columns="shots", values="expected_loss")
        assert (wide[50] > wide[100_000]).all() and (wide[100_000] > wide[0]).all()
        assert wide[100_000].to_numpy() == pytest.approx(wide[0], rel=1e-2)


def test_two_shots_are_too_few_for_three_circuits(tables):
    folded = tables["measured"]["mitigation"].isin(["zero_noise", "richardson"])
    assert {*tables["measured"][folded]["shots"]} == {0, 50, 100_000}
    assert {*tables["measured"][~folded]["shots"]} == {0, *SHOTS}


def test_mitigation_takes_most_of_the_noise_out(folder):
    circuit = MeasuredCircuit.load(
        "quantum", N, {"quantum": files_of(folder, "quantum").weights}, 8, SETTINGS
    )
    examples = load_examples(folder / "latents.parquet", problem_in(folder).subsets, N)
    amplitudes = circuit.amplitudes(examples.inputs[examples.heldout])
    codes = {pair: circuit.measure(amplitudes, *pair).exact for pair in CONDITIONS[:5]}
    exact = codes["none", "none"]
    errors = {pair: (own - exact).abs().mean().item() for pair, own in codes.items()}
    assert errors["trapped_ion", "readout"] < errors["trapped_ion", "none"]
    assert errors["trapped_ion", "zero_noise"] < errors["trapped_ion", "none"]
    assert errors["trapped_ion", "richardson"] < errors["trapped_ion", "zero_noise"]
    for own in codes.values():
        assert own.sum(-1).numpy() == pytest.approx(1, abs=1e-6)


def test_a_read_out_fitted_to_noisy_codes_undoes_most_of_the_noise(tables):
    exact = tables["measured"][tables["measured"]["shots"] == 0]
    keys = ["model", "noise", "mitigation"]
    means = exact.groupby(keys)[["heldout_loss", "refitted_loss"]].mean().loc["quantum"]
    added = means.loc["0.2", "none"] - means.loc["none", "none"]
    assert added["heldout_loss"] > 0 and added["refitted_loss"] < 0.5 * added["heldout_loss"]


def test_a_preparation_without_errors_is_whole_and_worse_rates_leave_less():
    shares = [prepared_share(swept_rates(rate), 6) for rate in (1e-9, 1e-3, 1e-2)]
    assert shares[0] == pytest.approx(1, abs=1e-6) and shares[0] > shares[1] > shares[2] > 0
    assert shares[1] == pytest.approx((1 - 1e-4) ** 63 * (1 - 1e-3) ** 62)


def test_a_number_is_a_rate_and_a_word_a_device():
    assert find_rates("0.2") == swept_rates(0.2)
    assert find_rates("trapped_ion") == rates_of("trapped_ion")


def test_states_lose_fidelity_layer_by_layer_and_more_at_a_higher_rate(tables):
    depths = tables["noise_depth"]
    assert {*depths["noise"]} == {"trapped_ion", "0.2"}
    for _, own in depths.groupby(["model", "noise", "seed"]):
        assert own.sort_values("layers")["fidelity"].is_monotonic_decreasing
        assert own["fidelity"].between(0, 1).all()
    means = depths.groupby("noise")["fidelity"].mean()
    assert means["0.2"] < means["trapped_ion"] < 1
    gates = depths.groupby("model")["two_qubit_gates"].max()
    assert gates["separable"] == 6 and gates["quantum"] == 6 + 3 * SETTINGS["layers"]


def test_a_total_is_spent_on_rows_that_are_there():
    cells = Spending.plan([100, 1000], [1, 10, 50], n=10, available=60)
    assert [(cell.total, cell.shots, cell.rows) for cell in cells] == [
        (100, 10, 10),
        (1000, 50, 20),
    ]


@pytest.fixture(scope="module")
def students(folder):
    asked = {"totals": [900, 9_000, 9_000_000], "shots": [10, 100, 100_000]}
    two = (("none", "none"), ("trapped_ion", "readout"))
    settings = given(folder, MODELS[:2], conditions=two, students=asked)
    path = folder / "measured_students.parquet"
    teach_measured(problem_in(folder), *settings, path)
    return read_frame("measured_students", path)


def test_every_way_of_spending_has_every_predictor(students):
    assert list(students.columns) == CONTRACTS["measured_students"].scalars()
    spent = {*students[["total", "shots", "rows"]].itertuples(index=False, name=None)}
    assert spent == {(900, 10, 90), (9_000, 100, 90), (9_000_000, 100_000, 90)}
    assert {*students["teacher"]} == {"quantum"}
    for _, own in students.groupby(["noise", "mitigation", "total", "seed"]):
        assert sorted(own["model"]) == sorted(PREDICTORS)


def test_with_very_many_shots_a_student_is_that_of_exact_probabilities(students):
    wide = students[(students["total"] == 9_000_000) & (students["noise"] == "none")]
    wide = wide.pivot(index="seed", columns="model", values="heldout_loss")
    assert wide["student"].to_numpy() == pytest.approx(wide["student_of_exact"], rel=2e-2)


def test_principal_components_are_those_of_scikit_learn(folder, students):
    examples = load_examples(folder / "latents.parquet", problem_in(folder).subsets, N)
    heldout = examples.inputs[examples.heldout].double().numpy()
    found = students.drop_duplicates(["seed", "model"]).set_index(["model", "seed"])["heldout_loss"]
    for seed in SEEDS:
        labelled, _ = examples.labelled_rows(seed)
        pool = examples.inputs[examples.unlabelled].double().numpy()
        for name, rows in {"pca": labelled, "pca_pool": np.vstack([labelled, pool])}.items():
            model = PCA(8).fit(rows)
            error = np.square(model.inverse_transform(model.transform(heldout)) - heldout).mean()
            assert found[name, seed] == pytest.approx(error, rel=1e-5)


def test_a_model_without_a_circuit_is_refused(folder):
    train_model("square", problem_in(folder), SETTINGS, files_of(folder, "square"))
    paths = {"square": files_of(folder, "square").weights}
    with pytest.raises(DataError, match="'square', whose codes are no outcomes of a circuit"):
        MeasuredCircuit.load("square", N, paths, 8, SETTINGS)
