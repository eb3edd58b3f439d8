"""The answer of a finished study: a table of methods, and a sentence that says what to use."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qdistill.adapter.layout import read_config
from qdistill.errors import DataError
from qdistill.judgement.pairing import CONDITION, last_stage
from qdistill.judgement.retrieval import best_method
from qdistill.judgement.statistics import Interval, paired_interval
from qdistill.storage.tables import read_frame
from qdistill.study.registry import ENTRIES
from qdistill.wording import estimate, number

FRONT = "retrieval_front"
_BYTES_OF_FLOAT = 4
# Columns of that table that are shown.
_SHOWN = (
    *("method", "form", "rescored", "bytes", "recall", "recall_low", "recall_high"),
    *("loss", "on_front", "verdict"),
)


@dataclass(frozen=True)
class Answer:
    """What a study has come to."""

    table: pd.DataFrame
    sentence: str
    adapter: Path | None  # a folder; None where classes are told
    report: Path
    study: Path  # its configuration, to be changed


def read_answer(study_file: Path) -> Answer:
    """Read the answer of a finished study from the folder of its configuration file.

    Raises DataError if a table is missing or damaged.
    """
    folder = study_file.parent
    results = folder / "results" / study_file.stem
    adapters = sorted(results.glob("*/adapter/config.json"))
    adapter = adapters[0].parent if adapters else None
    report = folder / "reports/verdict.md"
    return Answer(answer_table(results), _sentence(results, adapter), adapter, report, study_file)


def answer_table(results: str | Path) -> pd.DataFrame:
    """Tabulate the methods of a study at its largest n, the best first.

    That is the table of what is kept of neighbours in so many bytes, if the study has one; else
    recall of neighbours, or, where classes are told, accuracy. Limits are those of 95 % over the
    seeds. Raises DataError if a table is missing or damaged.
    """
    results = Path(results)
    front = results / f"{FRONT}.parquet"
    if front.is_file():
        return _stores(_front_of(front))
    metrics = read_frame("metrics", results / "metrics.parquet")
    metrics = metrics[metrics["n"] == metrics["n"].max()]
    if metrics["task"].eq("classify").any():
        return _classifiers(metrics)
    return _codes(metrics, read_frame("downstream", results / "downstream.parquet"))


def _front_of(path: Path) -> pd.DataFrame:
    """Read what is found by stored codes, of the first problem at its largest n."""
    table = read_frame(FRONT, path)
    first = table.sort_values("n", ascending=False, kind="stable").iloc[0]
    return table[(table[list(CONDITION)] == first[list(CONDITION)]).all(axis=1)]


def _stores(front: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the form of each method that finds most within the largest budget."""
    fitting = front[front["budget"].notna()]
    rows = fitting.sort_values(["recall", "bytes"], ascending=[False, True])
    return rows.drop_duplicates("method")[list(_SHOWN)].reset_index(drop=True)


def _stored(front: pd.DataFrame) -> str:
    """Say what to store within the largest budget of bytes, or nothing where nothing fits."""
    best = best_method(front, front["budget"].max())
    if best is None:
        return ""
    recall = estimate(best["recall"], best["recall_low"], best["recall_high"])
    stored = f"`{best['method']}` as {best['form']}, {best['bytes']} bytes"
    return f" Store {stored}, which finds {recall} of them."


def _classifiers(metrics: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, runs in metrics.groupby("model", sort=False):
        runs = runs[runs["stage"] == last_stage(str(name))[1]]
        accuracy = paired_interval(runs["heldout_accuracy"].to_numpy())
        about = {
            "macro_f1": runs["heldout_macro_f1"].mean(),
            "log_loss": runs["heldout_loss"].mean(),
        }
        rows.append({"method": name, **_limits("accuracy", accuracy), **about})
    return _ordered(rows, "accuracy")


def _codes(metrics: pd.DataFrame, downstream: pd.DataFrame) -> pd.DataFrame:
    """Tabulate what codes keep of neighbours; errors are in those of the mean."""
    errors = metrics.groupby(["model", "stage"])["heldout_loss"].mean()
    measured = downstream[downstream["n"] == metrics["n"].max()]
    rows = []
    for name, runs in measured.groupby("model", sort=False):
        if name not in ENTRIES:  # the full vectors, whose recall is 1
            continue
        run = last_stage(str(name))
        recall = paired_interval(runs["recall"].to_numpy())
        size: dict[str, object] = {"form": "float32"}
        if qubits := int(runs["qubits"].iloc[0]):  # else no circuit stands here
            size["bytes"] = _BYTES_OF_FLOAT * ENTRIES[run[0]].code_width(2**qubits)
        error = errors.get(run, float("nan")) / errors["mean", "trained"]
        rows.append({"method": name, **size, **_limits("recall", recall), "error": error})
    return _ordered(rows, "recall")


def _limits(name: str, interval: Interval) -> dict[str, float]:
    return {
        name: interval.estimate,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
    }


def _ordered(rows: list[dict[str, object]], by: str) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(by, ascending=False, ignore_index=True)


def _sentence(results: Path, adapter: Path | None) -> str:
    """Say what to use, by the rule of ``deploy`` with ``model: auto``."""
    table = answer_table(results)
    if adapter is not None:
        config = read_config(adapter)
        name = config.origin["model"]
        what = f"Use `{name}`: of the models with codes of {config.width} numbers"
    else:
        findings = read_frame("findings", results / "findings.parquet").query(
            "question == 'choice'"
        )
        if findings.empty:
            raise DataError(f"{results}: nothing was chosen, since every candidate has diverged")
        name = findings.sort_values("n")["subject"].iloc[-1]
        what = f"Use `{name}`: of the models"
    sentence = f"{what}, the simplest as good as the best or not told apart from it"
    own = table[table["method"] == name]
    measure = {"recall": "neighbours kept", "accuracy": "accuracy"}
    for column, words in measure.items():
        if column in own and len(own):
            row = own.iloc[0]
            best = table.iloc[0]
            limits = row[f"{column}_low"], row[f"{column}_high"]
            sentence += f"; {words}: {estimate(row[column], *limits)}"
            if best[column] > row[column]:
                sentence += f", where `{best['method']}` has {number(best[column])}"
    front = results / f"{FRONT}.parquet"
    return f"{sentence}." + (_stored(_front_of(front)) if front.is_file() else "")


def told(answer: Answer) -> str:
    """Describe an answer in plain text: the table, the sentence, and where everything is."""
    table = answer.table.to_string(index=False, float_format=lambda value: f"{value:.3f}")
    places = {"adapter": answer.adapter, "report": answer.report, "study": answer.study}
    lines = [f"{name:<8} {path}" for name, path in places.items() if path is not None]
    return "\n".join([table, "", answer.sentence, "", *lines])
