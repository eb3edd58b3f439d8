"""What the verdict says of costs is what the table says."""

import re

import numpy as np
import pytest

from helpers.cost import make_cost
from helpers.metrics import make_metrics
from helpers.verdict import ONE, bullets, rows_of, section, tables_of
from qdistill.verdict.document import compose_verdict
from qdistill.verdict.questions.cost import cost_section, headline_qubits
from qdistill.wording import number


def written(table):
    return "\n".join(cost_section(table))


@pytest.fixture(scope="module")
def verdict():
    metrics = make_metrics(**ONE, names=("mean", "classical", "quantum"))
    tables = tables_of(metrics, cost=make_cost())
    return tables, compose_verdict(tables, "x")


def test_it_is_the_last_of_the_open_questions_and_every_sentence_has_its_rows(verdict):
    tables, text = verdict
    assert "### Cost" in section(text, "The open questions").splitlines()
    found = bullets(text, "Cost")
    assert len(found) == 6
    for words, sources in found:
        for source in sources:
            assert source[0] == "cost" and len(rows_of(tables, source)), words


def row(table, **where):
    hit = np.logical_and.reduce([table[key] == value for key, value in where.items()])
    return table[hit].iloc[0]


def test_the_ratio_of_the_models_stands_beside_the_articles(verdict):
    table = verdict[0].cost
    words, sources = bullets(verdict[1], "Cost")[0]
    one, ten = (
        row(table, engine="quantum", what="model_step", qubits=6, seeds=seeds) for seeds in (1, 10)
    )
    baseline = row(table, engine="classical", what="model_step", qubits=6, seeds=10)
    assert (
        f"takes `quantum` {number(one['ratio_to_classical'])} times (1 seed) and "
        f"{number(ten['ratio_to_classical'])} times (10 seeds at once) the time of `classical` at "
        "6 qubits (20 layers, batches of 32; with 10 seeds "
        f"{number(ten['milliseconds'])} against {number(baseline['milliseconds'])} ms a seed); "
        "the article gives 68 times."
    ) in words
    rows = rows_of(verdict[0], sources[0])
    assert set(rows["engine"]) == {"quantum", "classical"} and set(rows["qubits"]) == {6}
    words, sources = bullets(verdict[1], "Cost")[1]
    ratios = rows_of(verdict[0], sources[0]).sort_values("qubits")["ratio_to_classical"]
    four, eight = map(number, ratios)
    assert f"With 10 seeds at once, that ratio is {four} at 4 and {eight} at 8 qubits." in words


def test_the_circuit_alone_is_compared_with_a_layer_and_with_others(verdict):
    table = verdict[0].cost
    words, sources = bullets(verdict[1], "Cost")[2]
    mine = row(table, engine="numba", what="circuit_step", qubits=6, seeds=1)
    assert f"takes {number(mine['milliseconds'])} ms a step at 6 qubits with the engine" in words
    assert f": {mine['ratio_to_classical']:.2f} times as long as a classical layer" in words
    assert f"1/{number(mine['speedup_over_pennylane'])} of PennyLane's" in words
    assert set(rows_of(verdict[0], sources[0])["engine"]) == {"numba", "classical", "pennylane"}
    words, _ = bullets(verdict[1], "Cost")[3]
    assert words.endswith("`pennylane` 80 ms and `lightning-expectations` 600 ms.")


def test_inference_is_told_per_example(verdict):
    table = verdict[0].cost
    for place, batch in ((4, 1), (5, 32)):
        words, sources = bullets(verdict[1], "Cost")[place]
        for name in ("quantum", "compiled", "onnx", "distilled", "classical", "pennylane"):
            mine = row(table, engine=name, what="inference", qubits=6, batch=batch)
            assert f"`{name}` {number(1e3 * mine['milliseconds'] / batch)} µs" in words
        assert set(rows_of(verdict[0], sources[0])["batch"]) == {batch}
    lines = [line for line in section(verdict[1], "Cost").splitlines() if line.startswith("| 8")]
    assert [line.split(" | ")[1] for line in lines] == ["1", "32"]
    mine = row(table, engine="quantum", what="inference", qubits=8, batch=32)
    assert lines[1].split(" | ")[2] == number(1e3 * mine["milliseconds"] / 32)


def test_serving_is_tabulated_per_row_and_per_second(verdict):
    """At the article's qubits alone, batch by batch."""
    table, text = verdict[0].cost, section(verdict[1], "Cost")
    assert "Serving at 6 qubits, on one thread" in text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    names = ["quantum", "compiled", "onnx", "distilled", "classical", "pennylane"]
    assert [row[0] for row in rows] == [f"`{name}`" for name in names]
    for name, (_, *cells) in zip(names, rows, strict=True):
        times = [
            row(table, engine=name, what="inference", qubits=6, batch=batch)["milliseconds"]
            for batch in (1, 32)
        ]
        seconds_a_row = [times[0] / 1e3, times[1] / 1e3 / 32]
        assert cells[:2] == [number(1e6 * each) for each in seconds_a_row]
        assert cells[2:] == [number(1 / each) for each in seconds_a_row]


def test_what_was_not_timed_is_left_empty_and_unsaid():
    table = make_cost(qubits=(6,), seeds=(1,))
    slow = (table["engine"] == "pennylane") & (
        (table["batch"] == 32) | (table["what"] != "inference")
    )
    table = table[~slow].assign(speedup_over_pennylane=np.nan)
    text = written(table)
    assert "PennyLane's `default.qubit`" not in text and "nan" not in text
    assert text.splitlines()[-1].endswith("|  |")
    (serving,) = (line for line in text.splitlines() if line.startswith("| `pennylane`"))
    assert [bool(cell.strip()) for cell in serving.split("|")[2:-1]] == [True, False, True, False]
    mine = row(table, engine="quantum", what="model_step")
    assert f"`quantum` {number(mine['ratio_to_classical'])} times the time of" in text
    assert "seeds at once" not in text
    assert "that ratio is" not in text


def test_other_sizes_than_the_articles_are_not_passed_off_as_its():
    text = written(make_cost(qubits=(2, 3)))
    assert "at 3 qubits (20 layers" in text
    assert "the article gives 68 times at 6 qubits, which were not measured." in text
    assert headline_qubits(make_cost(qubits=(4, 8))["qubits"]) == 4


def test_nothing_measured_is_said_and_how_to_measure():
    tables = tables_of(make_metrics(**ONE, names=("mean", "linear")))
    words = section(compose_verdict(tables, "x"), "Cost")
    assert "Not measured in this study, whose configuration has `cost: null`." in words
    assert "`snakemake --cores all benchmark_engines`" in words
    assert not re.search(r"\d+ ms", words)
