"""What is deployed: the simplest of those that do as well as the best; and of which seed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import KFold
from statsmodels.stats.multitest import multipletests

from helpers_adapter import SETTINGS, deployment_of, finish, train_everything
from helpers_metrics import diverge, make_metrics
from qdistill.adapter.seeds import SeedErrors, seed_errors
from qdistill.catalogue import (
    CONVERTED,
    FITTED,
    LADDER,
    contenders,
    deployable,
    has_circuit_origin,
    is_deployable,
)
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.examples import load_examples
from qdistill.judgement.choice import choose_model, last_stage, select_condition
from qdistill.protocols import start_model, train_model
from qdistill.randomness import generator_for
from qdistill.references import FOLDS, PrincipalRegression
from qdistill.registry import BOTTLENECKS, MODELS, STUDENTS, TUNED
from qdistill.tables import read_frame, write_table
from qdistill.training import evaluate_errors

AT = {"dataset": "docstrings", "protocol": "article", "n": 100}
ALL = (*MODELS, *STUDENTS)


def errors_table(means, noise=0.001, seeds=10):
    """Metrics whose held-out errors are the means, plus noise of each model's own."""
    table = make_metrics(("docstrings",), (100,), seeds, names=means)
    generator = np.random.default_rng(0)
    for name, mean in means.items():
        rows = table["model"] == name
        table.loc[rows, "heldout_mse"] = mean + noise * generator.standard_normal(rows.sum())
    return table


def choose(means, **options):
    return choose_model(errors_table(means, **options), "auto", contenders(means))


# ---------------------------------------------------------------- the ladder


def test_every_deployable_name_has_a_place_on_the_ladder():
    assert len(set(LADDER)) == len(LADDER)
    assert {name for name in ALL if is_deployable(name)} == set(LADDER)
    assert set(CONVERTED) == set(BOTTLENECKS)
    assert not is_deployable("mean")
    assert not is_deployable("oracle")
    assert not is_deployable("a bottleneck of one's own")
    assert set(LADDER) == {*FITTED, *CONVERTED, *TUNED, *STUDENTS}


def test_order_does_not_depend_on_the_study():
    assert deployable(ALL) == LADDER
    assert deployable(reversed(ALL)) == LADDER
    assert contenders(("compiled", "quantum", "mean", "pca")) == ("pca", "quantum")
    assert contenders(("compiled", "pca")) == ("pca", "compiled")


@pytest.mark.parametrize(
    ("name", "circuit"),
    [
        *(("pca", False), ("square", False), ("tuned", False), ("self_distilled", False)),
        *(("quantum", True), ("compiled", True), ("quantum_tuned", True), ("unitary_re", True)),
        ("frozen_circuit", True),
    ],
)
def test_what_comes_from_a_circuit(name, circuit):
    assert has_circuit_origin(name) is circuit


# ---------------------------------------------------------------- which model


def test_a_clearly_best_model_is_taken_however_elaborate():
    choice = choose({"pca": 0.03, "linear": 0.04, "square": 0.02, "quantum": 0.01})
    assert (choice.name, choice.best, choice.as_good) == ("quantum", "quantum", ("quantum",))


def test_of_equals_the_simplest_is_taken():
    means = {"quantum": 0.0100, "square": 0.01005, "pca": 0.02, "linear": 0.01004}
    choice = choose(means, noise=0.001)
    assert choice.as_good == ("linear", "square", "quantum")
    assert choice.best in choice.as_good
    assert (choice.name, choice.stage) == ("linear", "trained")


def test_a_student_comes_after_every_model():
    means = {"unitary_re": 0.01, "classical": 0.0101, "quantum_tuned": 0.0101, "quantum": 0.5}
    choice = choose(means)
    assert choice.best == "unitary_re"
    assert choice.name == "classical"
    alone = choose({"unitary_re": 0.01, "classical": 0.1, "quantum": 0.5})
    assert (alone.name, alone.stage) == ("unitary_re", "fine_tuned")


def test_the_rule_is_a_paired_t_test_with_holms_correction_over_the_candidates():
    """Against scipy and statsmodels, with p-values around the level."""
    generator = np.random.default_rng(4)
    names = ["pca", "linear", "tuned", "square", "orthogonal", "classical", "quantum"]
    verdicts = []
    for _ in range(20):
        means = {name: 0.01 + 0.0007 * generator.uniform() for name in names}
        table = errors_table(means, noise=0.0005)
        choice = choose_model(table, "auto", contenders(names))
        wide = table.pivot_table(index="seed", columns="model", values="heldout_mse")
        best = wide.mean().idxmin()
        others = [name for name in names if name != best]
        raw = [stats.ttest_rel(wide[best], wide[name]).pvalue for name in others]
        adjusted = dict(zip(others, multipletests(raw, method="holm")[1], strict=True))
        as_good = {best} | {name for name in others if not adjusted[name] < 0.05}
        assert choice.best == best
        assert set(choice.as_good) == as_good
        assert choice.name == min(as_good, key=LADDER.index)
        verdicts.append(len(as_good))
    assert min(verdicts) < len(names) < sum(verdicts)


def test_a_candidate_with_a_diverged_run_is_left_out():
    means = {"pca": 0.03, "linear": 0.01, "quantum": 0.02}
    choice = choose_model(diverge(errors_table(means), "linear", 100, 3), "auto", contenders(means))
    assert choice.name == "quantum"
    assert choice.left_out == ("linear",)
    table = errors_table(means)
    for name in means:
        table = diverge(table, name, 100, 3)
    with pytest.raises(DataError, match="nothing can be deployed"):
        choose_model(table, "auto", contenders(means))


def test_errors_that_are_the_same_number_by_number_are_as_good():
    table = errors_table({"pca": 0.03, "linear": 0.01, "square": 0.01})
    same = table.loc[table["model"] == "square", "heldout_mse"].to_numpy()
    table.loc[table["model"] == "linear", "heldout_mse"] = same
    assert choose_model(table, "auto", ("pca", "linear", "square")).name == "linear"


def test_one_candidate_needs_no_comparison():
    assert choose({"pca": 0.01, "mean": 0.001}).name == "pca"


def test_a_name_is_taken_at_its_word():
    choice = choose_model(errors_table({"pca": 0.01, "quantum": 9.0}), "quantum", ("quantum",))
    assert (choice.name, choice.best) == ("quantum", None)
    assert last_stage("distilled_pool") == ("distilled_pool", "distilled")


def test_rows_of_other_conditions_do_not_count():
    metrics = make_metrics(("docstrings", "digits"), (50, 100), 4, names=("pca", "quantum"))
    chosen = select_condition(metrics, AT)
    assert set(chosen["n"]) == {100}
    assert set(chosen["dataset"]) == {"docstrings"}
    with pytest.raises(DataError, match="no rows at dataset = docstrings, protocol = article, n ="):
        select_condition(metrics, {**AT, "n": 7})


# ---------------------------------------------------------------- which seed


@pytest.mark.parametrize(
    ("errors", "seed"),
    [
        ([3.0, 1.0, 2.0], 2),
        ([4.0, 1.0, 3.0, 2.0], 3),  # the lower of the two middle ones
        ([np.nan, 1.0, 2.0], 2),
        ([np.inf, np.nan, 2.0], 0),
        ([1.0, 1.0, 1.0, 1.0], 1),
        ([5.0], 0),
    ],
)
def test_the_median_seed(errors, seed):
    assert SeedErrors(dict(enumerate(errors)), "").median_seed() == seed


@pytest.fixture(scope="module")
def trained(small_study):
    names = ("pca", "pca_cv", "linear", "square", "tuned", "quantum", "compiled")
    train_everything(small_study, names)
    return small_study, finish(small_study, names)


CONDITION = {"dataset": "small", "protocol": "article", "n": 20}


def errors_of(trained, name, settings=None, spoiled=()):
    study, files = trained
    latents = load_latents(study.latents)
    features = latents.features.copy()
    for split in spoiled:
        features[latents.positions(split)] = 1e3
    latents = replace(latents, features=features)
    blocks = [load_examples(latents, path) for path in files.subsets]
    training = deployment_of(study, ("linear", "square", "quantum")).training
    if settings:
        training = {**training, **settings}
    found = seed_errors(name, blocks, 3, CONDITION, training, files.histories, files.choices)
    return found, blocks


@pytest.mark.parametrize("name", ["pca", "pca_cv", "linear", "quantum", "compiled", "tuned"])
def test_every_seed_has_an_error_and_no_held_out_row_counts(trained, name):
    found, _ = errors_of(trained, name)
    assert list(found.errors) == [0, 1, 2]
    assert all(0 < error < 1 for error in found.errors.values())
    assert len(set(found.errors.values())) == 3
    spoiled, _ = errors_of(trained, name, spoiled=("heldout", "unlabelled"))
    assert spoiled.errors == found.errors


def test_a_students_seed_is_its_teachers(trained):
    found, _ = errors_of(trained, "compiled")
    assert found.errors == errors_of(trained, "quantum")[0].errors
    assert "its teacher `quantum`" in found.source


def test_the_error_of_pca_is_that_of_leaving_rows_out(trained):
    found, blocks = errors_of(trained, "pca")
    block = blocks[0]
    x = block.inputs[block.labelled[1]].double().numpy()
    state = int(generator_for(1, 20, "rank").integers(2**32))
    squared = 0.0
    for kept, held in KFold(FOLDS, shuffle=True, random_state=state).split(x):
        guess = PrincipalRegression(x[kept], x[kept], 8).predict(x[held])
        squared += np.square(guess - x[held]).sum()
    assert found.errors[1] == pytest.approx(squared / x.size)


def test_the_error_of_tuned_is_what_its_search_recorded(trained):
    _, files = trained
    found, _ = errors_of(trained, "tuned")
    recorded = read_frame("choices", files.choices).set_index("seed")["validation_mse"]
    assert found.errors == recorded.to_dict()


def test_training_on_folds_is_as_long_as_the_training_itself(trained):
    """With no epochs the error is that of the start, and with more it is another."""
    start, blocks = errors_of(trained, "linear", {"linear": {**SETTINGS, "epochs": 0}})
    model, parameters, _ = start_model("linear", SETTINGS, 3, blocks[0])
    before = evaluate_errors(model, parameters, blocks[0])[0]
    assert [start.errors[seed] for seed in (0, 1)] == pytest.approx(before, rel=1e-5)
    longer, _ = errors_of(trained, "linear", {"linear": {**SETTINGS, "epochs": 100}})
    assert all(longer.errors[seed] < start.errors[seed] for seed in (0, 1, 2))


def test_a_converged_run_has_recorded_its_error(trained, tmp_path):
    study, _ = trained
    settings = {
        **{k: v for k, v in SETTINGS.items() if k != "epochs"},
        "protocol": "converged",
        "converged": {"folds": 2, "max_steps": 60, "patience": 2},
    }
    runs = study.runs("square")
    train_model("square", "small", 3, study.latents, runs, settings)
    run = next(run for run in runs if run.n == 20)
    examples = load_examples(study.latents, run.subset)
    arguments = ([examples], 3, {**CONDITION, "protocol": "converged"}, {"square": settings})
    found = seed_errors("square", *arguments, [run.history], tmp_path / "none.parquet")
    history = read_frame("history", run.history)
    for seed, rows in history.groupby("seed"):
        curve = rows.sort_values("epoch")["validation_mse"]
        assert found.errors[seed] == curve.iloc[-1] == curve.min()
    with pytest.raises(DataError, match="no cross-validated error of 'square' for seed 0"):
        seed_errors("square", *arguments, [], tmp_path / "none.parquet")


def test_a_seed_without_a_recorded_choice_is_an_error(trained, tmp_path):
    study, files = trained
    table = read_frame("choices", files.choices)
    fewer = tmp_path / "choices.parquet"
    write_table("choices", fewer, pd.DataFrame(table[table["seed"] != 1]), {})
    blocks = [load_examples(study.latents, path) for path in files.subsets]
    with pytest.raises(DataError, match="no cross-validated error of 'tuned' for seed 1"):
        seed_errors("tuned", blocks, 3, CONDITION, {}, [], fewer)
