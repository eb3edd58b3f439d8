"""What is deployed: the simplest of those not shown to be worse than the best."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from helpers.metrics import diverge, make_metrics
from helpers.names import ENTRIES
from qdistill.errors import DataError
from qdistill.judgement.choice import choose_model, select_condition
from qdistill.judgement.pairing import last_stage
from qdistill.study.registry import contenders, deployable

AT = {"dataset": "docstrings", "protocol": "article", "n": 100}


def errors_table(means, noise=0.001, seeds=10):
    """Metrics whose held-out errors are the means, plus noise of each model's own."""
    table = make_metrics(("docstrings",), (100,), seeds, names=means)
    generator = np.random.default_rng(0)
    for name, mean in means.items():
        rows = table["model"] == name
        table.loc[rows, "heldout_loss"] = mean + noise * generator.standard_normal(rows.sum())
    return table


def choose(means, **options):
    return choose_model(errors_table(means, **options), "auto", contenders(means))


def test_a_student_comes_after_every_model():
    means = {"unitary_re": 0.01, "classical": 0.0101, "quantum_tuned": 0.0101, "quantum": 0.5}
    choice = choose(means)
    assert choice.best == "unitary_re"
    assert choice.name == "classical"
    alone = choose({"unitary_re": 0.01, "classical": 0.1, "quantum": 0.5})
    assert (alone.name, alone.stage) == ("unitary_re", "fine_tuned")


@pytest.mark.slow
def test_the_rule_is_paired_t_tests_with_holms_correction_over_the_candidates():
    """Against scipy and statsmodels, with p-values around the level."""
    generator = np.random.default_rng(4)
    names = ["pca", "linear", "linear_tuned", "square", "orthogonal", "classical", "quantum"]
    verdicts, limit = [], np.log(1.02)
    for _ in range(10):
        means = {name: 0.01 + 0.0007 * generator.uniform() for name in names}
        table = errors_table(means, noise=0.0002)
        choice = choose_model(table, "auto", contenders(names))
        wide = table.pivot_table(index="seed", columns="model", values="heldout_loss")
        best = wide.mean().idxmin()
        others = [name for name in names if name != best]
        raw = [stats.ttest_rel(wide[best], wide[name]).pvalue for name in others]
        logs = np.log(wide)
        small = [ttost_paired(logs[best], logs[name], -limit, limit)[0] for name in others]
        worse, level = (multipletests(p, method="holm")[0] for p in (raw, small))
        as_good = {best} | {name for name, it_is in zip(others, level, strict=True) if it_is}
        lost = {name for name, it_is in zip(others, worse, strict=True) if it_is} - as_good
        assert choice.best == best
        assert set(choice.as_good) == as_good
        assert set(choice.not_told_apart) == {*names} - as_good - lost
        assert choice.name == min({*names} - lost, key=deployable(ENTRIES).index)
        verdicts.append((len(as_good), len(lost)))
    assert len({count for count, _ in verdicts}) > 1 < len({count for _, count in verdicts})


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
    same = table.loc[table["model"] == "square", "heldout_loss"].to_numpy()
    table.loc[table["model"] == "linear", "heldout_loss"] = same
    assert choose_model(table, "auto", ("pca", "linear", "square")).name == "linear"


def test_a_name_is_taken_at_its_word_and_one_candidate_needs_no_comparison():
    assert choose({"pca": 0.01, "mean": 0.001}).name == "pca"
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
