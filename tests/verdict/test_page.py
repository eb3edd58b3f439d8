"""The verdict is one page that decides, of the lengths that it promises, on any study."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.configuration import changes_of, study_of
from helpers.cost import make_cost
from helpers.downstream import make_downstream
from helpers.metrics import (
    EVERY_NAME,
    cut_short,
    diverge,
    make_metrics,
    make_row_intervals,
    make_sweep,
)
from helpers.names import ENTRIES, MODELS
from helpers.verdict import (
    CIRCUIT,
    ONE,
    SQUARES,
    described,
    documents_of,
    leveled,
    make_trainability,
)
from qdistill.judgement.attribution import required_rivals
from qdistill.judgement.published import read_published
from qdistill.study.configuration import resolve_study
from qdistill.study.datasets import resolve_dataset
from qdistill.verdict.details import summarise_values

pytestmark = pytest.mark.slow

MOST_WORDS, MOST_WORDS_OF_SMOKE, MOST_IN_ITEM, MOST_IN_SENTENCE = 1500, 700, 60, 40


def sentences(page):
    """Sentences of paragraphs, and items of lists, without tables and headings."""
    for line in page.splitlines():
        if line and line[0] not in "|#":
            yield from re.split(r"(?<=[.!?]) (?=[A-Z*`\[])", line)


def page_of_study(path, **loss):
    """The page of a whole study, with losses that are chosen."""
    study = resolve_study(study_of(changes_of(path)))
    frames, seeds = {}, study.config["seeds"]
    for (dataset, protocol), track in study.problems.items():
        chosen = {"names": track.names_of(dataset), "protocols": (protocol,), **loss}
        frames[dataset, protocol] = make_metrics((dataset,), track.n, seeds, **chosen)
    metrics, used, swept = (
        pd.concat([frames[problem] for problem in problems], ignore_index=True)
        for problems in (frames, study.downstream, [p for p in frames if study.problems[p].pools])
    )
    more = {"downstream": make_downstream(used), "cost": make_cost()}
    more["sweep"] = make_sweep(swept, pools=(0, 1000))
    more["row_intervals"] = make_row_intervals(metrics, {"classical": (0.4, 2), "square": (2, 3)})
    return documents_of(metrics, study.describe_problems(), study.name, **more)["markdown"]


def noisy(model, stage, n):
    """Errors without an order: the study that is hardest to sum up."""
    return 0.004 * (1 + (sum(map(ord, f"{model}{stage}{n}")) % 7) / 10)


NOISE = {"loss": noisy, "noise": 0.3}
DEFAULT, SMOKE = "config.yaml", "studies/smoke.yaml"


@pytest.mark.parametrize(
    ("path", "most", "loss"),
    [
        (DEFAULT, MOST_WORDS, NOISE),
        (SMOKE, MOST_WORDS_OF_SMOKE, {}),
        (SMOKE, MOST_WORDS_OF_SMOKE, NOISE),
    ],
)
def test_the_page_has_the_length_that_it_promises(path, most, loss):
    page = page_of_study(path, **loss)
    assert len(page.split()) <= most
    for sentence in sentences(page):
        item = sentence.startswith("- ")
        assert len(sentence.split()) <= (MOST_IN_ITEM if item else MOST_IN_SENTENCE), sentence
    top = " ".join(page.split()[:100])
    assert re.search(r"\*\*(Do not use|Use|No reason to use) the circuit.*use `", top)
    if path == DEFAULT:  # the claim: is it met, why, and what is left of it at equal terms
        words = r"eproduced: .*\d \[.*with `classical`'s codes divided by their number, N. "
        assert re.search(words + r"At equal scale.*\d \[", top)
        theirs = read_published().query("qubits == 6 and n == 100").set_index("model")
        ratio = theirs["heldout_loss"]["quantum"] / theirs["heldout_loss"]["classical"]
        assert f"`classical` (the article: {ratio:.3g});" in top
    assert "nan" not in page.lower() and "none" not in re.findall(r"\|([^|]*)\|", page)


def heads(names, **settings):
    page = documents_of(make_metrics(names=names, **{**ONE, **settings}))["markdown"]
    return "\n".join(page.split("\n\n")[1:4])


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ({"quantum": 0.001}, "**Use the circuit: it beats every simpler model in all 2 conditions"),
        ({"pca": 0.001}, "**No reason to use the circuit: in none of 2 conditions"),
        ({"pca": 0.001, "mean": 0.006}, "\nIt is worse than a simpler model in 2, distinct"),
    ],
)
def test_the_answer_comes_first(loss, said):
    assert said in heads(MODELS, loss=leveled(**loss))


def test_an_advantage_in_some_conditions_is_counted():
    def loss(model, stage, n):
        return 0.001 if model == "quantum" and n == 100 else 0.004 - 0.001 * (model == "pca")

    head = heads(MODELS, loss=loss)
    assert "**Use the circuit in 1 of 2 conditions" in head and "`pca` (1 of 2)" in head


def test_a_study_without_circuits_is_told_what_to_use():
    page = documents_of(make_metrics(**ONE, names=("mean", "pca", "linear")))["markdown"]
    assert page.split("\n\n")[1].startswith("**This study holds no circuit; use `pca`.**")
    assert "over that of `mean`" in page and "|`pca` better 0.7" in page
    assert "Whose advantage" not in page and "`quantum`" not in page


def test_undecided_is_an_answer():
    assert heads(("mean", "quantum", "classical"), loss=leveled(quantum=0.001)).startswith(
        "**Undecided: whether the circuit beats every simpler model could not be judged in any of 2"
    )


def test_a_control_that_fails_is_said_in_the_headline():
    about = [described("teacher-circuit", **CIRCUIT), described("docstrings", kind="docstrings")]
    for quantum, said in ((1e-6, "the planted controls pass"), (0.004, "distrust this page")):
        frames = [
            make_metrics((name,), (5, 100), names=MODELS, loss=leveled(quantum=quantum))
            for name in ("teacher-circuit", "docstrings")
        ]
        page = documents_of(pd.concat(frames, ignore_index=True), about)["markdown"]
        assert said in "".join(page.split("\n\n")[1:4])
        assert page.index("|`docstrings` article|") < page.index("|`teacher-circuit` article (c")


def test_a_control_that_could_not_be_judged_has_not_passed():
    about = [described("squares-null", **SQUARES), described("docstrings", kind="docstrings")]
    names = ("mean", "classical", "quantum")  # too few rivals for any attribution
    chosen = {"names": names, "loss": leveled(quantum=1e-6)}
    metrics = make_metrics(("squares-null", "docstrings"), (5, 100), **chosen)
    page = documents_of(metrics, about)["markdown"]
    assert "**1 of 1 control not passed: distrust this page.**" in page.split("\n\n")[1]
    assert "Control `squares-null` article undefined at every n." in page


@pytest.mark.parametrize("ahead", ["quantum", "classical"])
def test_only_a_baseline_that_was_behind_catches_up(ahead):
    errors = {100: 0.001, 1000: 0.004}
    metrics = make_metrics(
        **ONE,
        names=("mean", "classical", "quantum"),
        loss=lambda model, stage, n: errors[n] if model == ahead else 0.002,
    )
    page = documents_of(metrics)["markdown"]
    assert ("|`classical`|" in page.split("## Where does a baseline")[1]) == (ahead == "quantum")
    words = {"quantum": "`classical` catches up.", "classical": "`classical` is overtaken."}
    assert words[ahead] in page


def test_runs_that_diverged_or_were_cut_short_are_counted():
    metrics = diverge(make_metrics(**ONE), "classical", 100, 1)
    metrics = cut_short(metrics, "quantum", 1000, [2, 5])
    documents = documents_of(metrics)
    said = (
        f"1 of {len(metrics):,} runs diverged; none is left out, and of 2, at n = 1000, the "
        "chosen settings lie at the edge"
    )
    assert said in documents["markdown"]
    assert "not finite (1 diverged)" in documents["details"]


def models_in(words):
    """Names of models, students and references that are set as code."""
    return set(re.findall(r"`([a-z0-9_]+)`", words)) & set(EVERY_NAME)


def check_without(names):
    """No sentence names what is not held, and no cell is left with the name of a missing value."""
    metrics = make_metrics(("synthetic-6q",), (100,), seeds=3, names=names)
    documents = documents_of(metrics, [described("synthetic-6q", kind="synthetic")])
    for line in documents["markdown"].splitlines():
        exempt = required_rivals("map") if "does not hold it" in line else ()
        exempt = (*exempt, *(EVERY_NAME if line.startswith("|problem") else ()))
        exempt = (*exempt, *("classical", "pca", "mean") * (line[:1] not in "|-"))
        assert models_in(line) - set(names) <= set(exempt), line
    for text in documents.values():
        assert not re.search(r"\bnan\b|None|undefined\]", text)


@pytest.mark.parametrize("left_out", [*required_rivals("map"), "quantum", "classical", "compiled"])
def test_a_model_that_is_left_out_takes_its_sentences_with_it(left_out):
    check_without([name for name in EVERY_NAME if name not in left_out.split()])


@settings(max_examples=10)
@given(st.sets(st.sampled_from(EVERY_NAME), min_size=1))
def test_any_set_of_models_makes_a_verdict(names):
    check_without([name for name in EVERY_NAME if name in names])


def test_every_name_is_explained():
    assert set(ENTRIES) == set(EVERY_NAME)
    assert all(entry.meaning and not models_in(entry.meaning) for entry in ENTRIES.values())


# ------------------------------------------------------------ pages


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.ids, self.cells = [], [], [], 0

    def handle_starttag(self, tag, attrs):
        self.cells += tag == "td"
        self.addresses += [value for key, value in attrs if key in ("src", "href")]
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def documents():
    metrics = make_metrics(**ONE, protocols=("article", "regularised"))
    more = {"downstream": make_downstream(metrics), "cost": make_cost()}
    more["trainability"] = make_trainability(lambda depth, bound: 10 - 2 * depth)
    return metrics, documents_of(metrics, study="a<study", **more)


@pytest.mark.parametrize("name", ["html", "details"])
def test_pages_are_whole_and_need_no_network(documents, name):
    parser, page = _Tags(), documents[1][name]
    parser.feed(page)
    assert parser.open == [] and parser.cells > 50
    inside = [a for a in parser.addresses if a.startswith("#")]
    assert {a[1:] for a in inside} == set(parser.ids)
    assert set(parser.addresses) - set(inside) <= {"details.html"}
    assert "a&lt;study</title>" in page and "http" not in page and "|---" not in page


def test_the_details_hold_every_run_and_mark_the_best(documents):
    metrics, page = documents[0], documents[1]["details"]
    errors = page.split('id="errors"')[1].split("</table>")[0]
    runs = metrics[["protocol", "model", "stage"]].drop_duplicates()
    assert errors.count("<tr><td>") == len(runs)
    means = metrics[~metrics["model"].isin(["oracle"])]
    means = means.groupby(["protocol", "n", "model", "stage"])["heldout_loss"].mean()
    assert errors.count("<b>") == means.groupby(["protocol", "n"]).ngroups
    lowest = means.loc["article", 100].min()
    assert f"<b>{lowest:.3g} [" in errors
    assert "unitary_re (fine tuned)" in errors
    for key in ("findings", "comparisons", "transfer", "choices", "trainability", "cost"):
        assert f'<h2 id="{key}">' in page and f'<a href="#{key}">' in page
    assert "8 of 10 seeds" in page and "layers: 2 (5), 20 (5)" in page


def test_the_note_is_the_head_of_the_page(documents):
    page, note = documents[1]["markdown"], documents[1]["note"]
    assert note.split("\n\n")[0].strip() in page and note.split("\n\n")[1] in page
    assert len(note) < 7500


def test_choices_are_counted_or_summarised():
    kinds = summarise_values(["weight_decay", "linear", "weight_decay"])
    assert kinds == "weight decay (2), linear (1)"
    assert summarise_values([0.001, 0.01, 0.001]) == "0.001 (2), 0.01 (1)"
    assert summarise_values([10, 20, 30, 40, 50]) == "median 30 (10 to 50)"
    assert summarise_values([True, False, True]) == "yes (2), no (1)"


def test_a_problem_with_other_circuits_alone_has_no_row_of_the_circuits_parts():
    names = ("mean", "linear", "classical", "quantum_angle", "angle_frozen")
    alone = make_metrics(datasets=("digits",), sizes=(100,), names=names)
    whole = make_metrics(**ONE, names=("mean", "linear", "classical", "square", "quantum"))
    page = documents_of(pd.concat([whole, alone], ignore_index=True))["markdown"]
    section = page.partition("## Whose advantage is it?")[2].partition("\n## ")[0]
    assert "synthetic-6q" in section and "|`digits`" not in section


def test_published_levels_of_other_reviews_are_said_not_to_be_comparable():
    metrics = make_metrics(("told",), (64,), 5, ("mean", "logistic", "classical", "quantum"))
    metrics = metrics.assign(task="classify", measure="cross_entropy")
    spread = pd.util.hash_pandas_object(metrics[["model", "seed"]]) % 1_000
    metrics["heldout_accuracy"] = 0.7 + spread.to_numpy() / 20_000
    pages = {}
    for source in ("reviews", "docstrings"):
        told = described("told", name="told", kind="labels", source={"name": source})
        told["settings"] = resolve_dataset(told["settings"])
        pages[source] = documents_of(metrics, [told])["markdown"]
    said = "Beside published accuracies, as of SST-2, compare ranks"
    assert said in pages["reviews"] and "SST-2" not in pages["docstrings"]
