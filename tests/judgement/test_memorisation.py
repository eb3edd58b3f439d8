"""What is fitted of targets without any relation to their rows, and nothing else said of them."""

import numpy as np
import pytest

from helpers.figures import figure_of
from helpers.metrics import diverge, make_metrics
from helpers.verdict import described, documents_of, findings_of, found
from qdistill.figures.memorisation import draw_memorisation

NAMES = ("mean", "classical", "square", "quantum")
PERMUTED = described("noise", kind="scrambled", targets="permuted", source={"name": "synthetic-6q"})
ERRORS = {"mean": 1.0, "classical": 0.9, "square": 0.4, "quantum": 0.01}


@pytest.fixture
def metrics():
    made = make_metrics(("noise",), (50, 100), names=NAMES)
    seeds = 1 + 0.01 * np.sin(made["seed"])
    return made.assign(train_loss=made["model"].map(ERRORS) * seeds, n_parameters=7)


def test_the_share_is_that_of_the_means_training_error(metrics):
    findings = findings_of(metrics, [PERMUTED])
    rows = found(findings, "memorisation", n=50).set_index("subject")
    shares = {"classical": 0.1, "square": 0.6, "quantum": 0.99}
    assert rows["estimate"].to_dict() == pytest.approx(shares)
    verdicts = ("does not memorise", "memorises in part", "memorises")
    assert rows["verdict"].to_dict() == dict(zip(shares, verdicts, strict=True))
    assert (rows["low"] <= rows["estimate"]).all() and (rows["level"] == 7).all()
    assert (rows["measure"] == "variance_fitted").all()
    assert set(findings["question"]) == {"memorisation"}


def test_a_diverged_run_leaves_it_undefined(metrics):
    lost = diverge(metrics, "quantum", 50, 3)
    rows = found(findings_of(lost, [PERMUTED]), "memorisation", n=50, subject="quantum")
    assert rows[["verdict", "reason"]].to_numpy().tolist() == [["undefined", "diverged"]]


def test_the_page_says_it_and_counts_it_among_no_conditions(metrics):
    page = documents_of(metrics, [PERMUTED])["markdown"]
    assert "It memorises, fitting 0.99 [0.99, 0.99] of targets unrelated to their rows at" in page
    assert (
        "at n = 50 (`classical` 0.1)." in page and "|`noise` article|50|0.99 [0.99, 0.99]|" in page
    )
    assert "- `noise` article: The circuit memorises at every n." in page
    assert "|`noise` article|100|0.99 [0.99, 0.99]|0.6 [" in page
    assert "n = 50|" not in page  # no table of held-out errors


LABELS = described("dealt", kind="shuffled-labels", source={"name": "digits"})
TOLD = {"mean": 0.2, "classical": 1.0, "square": 0.2, "quantum": 0.6}


@pytest.fixture
def told():
    """Accuracies of classes: `classical` tells all of them, `square` as many as `mean`."""
    made = make_metrics(("dealt",), (50, 100), names=NAMES)
    accuracy = made["model"].map(TOLD) + (made["model"] == "quantum") * 0.02 * np.sin(made["seed"])
    return made.assign(train_accuracy=accuracy, task="classify", measure="cross_entropy")


def test_of_labels_it_is_the_share_told_right_beyond_guessing(told):
    rows = found(findings_of(told, [LABELS]), "memorisation", n=50).set_index("subject")
    shares = {"classical": 1.0, "square": 0.0, "quantum": 0.5}
    assert rows["estimate"].to_dict() == pytest.approx(shares, abs=0.02)
    verdicts = ("memorises", "does not memorise", "memorises in part")
    assert rows["verdict"].to_dict() == dict(zip(shares, verdicts, strict=True))
    assert (rows["measure"] == "labels_fitted").all()
    limits = rows.loc[["classical", "square"], ["low", "high"]].to_numpy().tolist()
    assert limits == [[1, 1], [0, 0]]  # all seeds agree


def test_a_diverged_run_leaves_that_of_labels_undefined_too(told):
    lost = diverge(told, "classical", 50, 3)
    lost.loc[lost["diverged"], "train_accuracy"] = np.nan
    rows = found(findings_of(lost, [LABELS]), "memorisation", n=50, subject="classical")
    assert rows[["verdict", "reason"]].to_numpy().tolist() == [["undefined", "diverged"]]


def test_page_details_and_figure_say_which_share_it_is(metrics, told):
    documents = documents_of(told, [LABELS])
    assert "of labels, the share told right beyond guessing" in documents["markdown"]
    assert "Classes independent of the rows" in documents["details"]
    assert "(digits, labels shuffled)" in documents["details"]
    for table, words in ((metrics, "variance fitted"), (told, "labels told right")):
        figure, _ = figure_of(draw_memorisation, table)
        assert words in figure.axes[0].get_ylabel()
        heights = [line.get_ydata()[0] for line in figure.axes[0].lines[:-1]]
        bottom, top = figure.axes[0].get_ylim()
        assert len(heights) == 3 and bottom < min(heights) and max(heights) < top
