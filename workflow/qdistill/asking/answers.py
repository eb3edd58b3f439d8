"""The answer of a finished study: a table of methods, and a sentence that says what to use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qdistill.adapter.layout import read_config
from qdistill.errors import DataError
from qdistill.judgement.pairing import last_stage
from qdistill.judgement.retrieval import label_of, level_of
from qdistill.judgement.statistics import paired_interval
from qdistill.storage.tables import read_frame
from qdistill.wording import estimate, number

# Columns of the table of stored codes that are shown.
_SHOWN = (
    *("method", "trained_for", "form", "rescored", "bytes"),
    *("recall", "recall_low", "recall_high", "loss", "on_front", "verdict"),
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
    sentence = _choice(results) if adapter is None else _use(adapter, results)
    report = folder / "reports/verdict.md"
    return Answer(answer_table(results), sentence, adapter, report, study_file)


def answer_table(results: str | Path) -> pd.DataFrame:
    """Tabulate the methods of a study at its largest n, the best first.

    That is what stored codes find of neighbours in so many bytes, with what those that are trained
    are ``trained_for``, or, where classes are told, accuracy. Limits are those of 95 % over the
    seeds. Raises DataError if a table is missing or damaged.
    """
    results = Path(results)
    metrics = read_frame("metrics", results / "metrics.parquet")
    metrics = metrics[metrics["n"] == metrics["n"].max()]
    if metrics["task"].eq("classify").any():
        return _classifiers(metrics)
    front = read_frame("retrieval_front", results / "retrieval_front.parquet")
    tasks = metrics.drop_duplicates("protocol").set_index("protocol")["task"]
    return _stores(front[front["n"] == front["n"].max()], tasks.to_dict())


def _stores(front: pd.DataFrame, tasks: Mapping[str, str]) -> pd.DataFrame:
    """Tabulate the form of each method that finds most within the largest budget.

    Tasks are those of protocols. What is not trained is there once, as it stands beside codes that
    keep neighbours, if there are such.
    """
    asked = front["protocol"].map(tasks)
    front = front.assign(trained_for=asked.where(front["method"].map(level_of) > 0, ""))
    rivals = asked == ("neighbours" if asked.eq("neighbours").any() else asked.iloc[0])
    fitting = front[front["budget"].notna() & (rivals | (front["trained_for"] != ""))]
    rows = fitting.sort_values(["recall", "bytes"], ascending=[False, True])
    return rows.drop_duplicates(["method", "trained_for"])[list(_SHOWN)].reset_index(drop=True)


def _classifiers(metrics: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, runs in metrics.groupby("model", sort=False):
        runs = runs[runs["stage"] == last_stage(str(name))[1]]
        accuracy = paired_interval(runs["heldout_accuracy"].to_numpy())
        about = {
            "macro_f1": runs["heldout_macro_f1"].mean(),
            "log_loss": runs["heldout_loss"].mean(),
        }
        rows.append({"method": name, **accuracy.columns("accuracy", "accuracy"), **about})
    return pd.DataFrame(rows).sort_values("accuracy", ascending=False, ignore_index=True)


def _use(adapter: Path, results: Path) -> str:
    """Say which model the adapter is and, as its card does, what to store.

    That is among all that was trained for the same; what was trained for something else is named
    where it finds more.
    """
    origin = read_config(adapter).origin
    said = f"The adapter is `{origin['model']}`."
    if "stored" not in origin:
        return said
    table, told = answer_table(results), f"{said} {origin['stored']['use']}"
    best = table.iloc[0]
    if best["trained_for"] != "reconstruct" or "readout" not in origin:
        return told
    found = estimate(best["recall"], best["recall_low"], best["recall_high"])
    form = label_of(best["form"], bool(best["rescored"]))
    return f"{told} But `{best['method']}` trained to reconstruct finds {found} as {form}."


def _choice(results: Path) -> str:
    """Say which model to use, by the rule of ``deploy`` with ``model: auto``."""
    findings = read_frame("findings", results / "findings.parquet").query("question == 'choice'")
    if findings.empty:
        raise DataError(f"{results}: nothing was chosen, since every candidate has diverged")
    name = findings.sort_values("n")["subject"].iloc[-1]
    sentence = f"Use `{name}`, the simplest model as good as the best or not told apart from it"
    table = answer_table(results)
    best, own = table.iloc[0], table[table["method"] == name]
    if "accuracy" in table and len(own):
        row = own.iloc[0]
        limits = row["accuracy_low"], row["accuracy_high"]
        sentence += f"; accuracy: {estimate(row['accuracy'], *limits)}"
        if best["accuracy"] > row["accuracy"]:
            sentence += f", where `{best['method']}` has {number(best['accuracy'])}"
    return f"{sentence}."


def told(answer: Answer) -> str:
    """Describe an answer in plain text: the table, the sentence, and where everything is."""
    table = answer.table.to_string(index=False, float_format=lambda value: f"{value:.3f}")
    places = {"adapter": answer.adapter, "report": answer.report, "study": answer.study}
    lines = [f"{name:<8} {path}" for name, path in places.items() if path is not None]
    return "\n".join([table, "", answer.sentence, "", *lines])
