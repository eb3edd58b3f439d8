"""A verdict speaks only of the models that the study holds, whichever these are."""

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.metrics import EVERY_NAME, make_metrics
from helpers.verdict import described, every_bullet, rows_of, tables_of
from qdistill.judgement.attribution import REQUIRED_RIVALS
from qdistill.study.registry import ENTRIES
from qdistill.verdict.document import compose_verdict
from qdistill.verdict.page import render_page
from qdistill.verdict.questions import QUESTIONS

pytestmark = pytest.mark.slow


def models_in(words):
    """Names of models, students and references that are set as code."""
    return set(re.findall(r"`([a-z0-9_]+)`", words)) & set(EVERY_NAME)


def check_without(names):
    """No sentence names what is not held, and all sources still lead somewhere."""
    metrics = make_metrics(("synthetic-6q",), (100,), seeds=3, names=names)
    tables = tables_of(metrics)
    text = compose_verdict(tables, "x", [described("synthetic-6q", kind="synthetic")])
    assert all(f"### {question.title}\n" in text for question in QUESTIONS)
    for line in text.splitlines():
        exempt = REQUIRED_RIVALS if "does not hold" in line else ()
        absent = models_in(line.split(" `[")[0]) - set(names)
        assert absent <= set(exempt), line
    for words, sources in every_bullet(text):
        assert all(len(rows_of(tables, source)) for source in sources), words
    assert "nan" not in text.lower().replace("finan", "")
    assert "<h1>" in render_page("verdict", title="x", text=text)


@pytest.mark.parametrize("left_out", [*EVERY_NAME, "quantum classical", "mean pca linear"])
def test_a_model_that_is_left_out_takes_its_sentences_with_it(left_out):
    check_without([name for name in EVERY_NAME if name not in left_out.split()])


@settings(max_examples=25)
@given(st.sets(st.sampled_from(EVERY_NAME), min_size=1))
def test_any_set_of_models_makes_a_verdict(names):
    check_without([name for name in EVERY_NAME if name in names])


def test_every_name_is_explained():
    assert set(ENTRIES) == set(EVERY_NAME)
    assert all(entry.meaning and not models_in(entry.meaning) for entry in ENTRIES.values())


def test_a_finding_names_only_the_models_of_its_own_problem():
    few = ("mean", "classical", "quantum", "compiled")
    frames = [
        make_metrics(("docstrings",), (100,), seeds=3, names=few, protocols=("converged",)),
        make_metrics(("docstrings",), (50, 100), seeds=3),
    ]
    text = compose_verdict(tables_of(pd.concat(frames, ignore_index=True)), "x")
    found = [words for words, _ in every_bullet(text) if "**`docstrings`, converged**" in words]
    assert len(found) > 3
    for words in found:
        exempt = REQUIRED_RIVALS if "does not hold" in words else ()
        assert models_in(words) <= {*few, *exempt}, words
        assert "n = 50" not in words
