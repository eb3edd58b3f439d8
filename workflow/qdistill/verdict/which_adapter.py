"""What to store in so many bytes, as Markdown, made from studies that searched stored codes.

``python -m qdistill.verdict.which_adapter PAGE RESULTS...`` puts it into a page, between the marks
``<!-- made from NAME -->`` and ``<!-- end of NAME -->`` of each study.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from qdistill.errors import DataError
from qdistill.judgement.pairing import CONDITION
from qdistill.judgement.retrieval import best_method, label_of, level_of, ranked
from qdistill.storage.files import write_text
from qdistill.storage.tables import read_frame
from qdistill.study.registry import RAW, deployable
from qdistill.wording import counted, estimate, number

_NAMES = {RAW: "full vectors", "pq_pool": "product quantisation"}


def fill_page(page: str | Path, results: str | Path) -> None:
    """Write what a study found into a page, in the place of what stands there between its marks.

    Raises DataError if the page lacks the marks, or a table is missing or damaged.
    """
    name, text = Path(results).name, Path(page).read_text(encoding="utf-8")
    first, last = f"<!-- made from {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
    if not pattern.search(text):
        raise DataError(f"{page}: no place for '{name}', between {first.strip()} and {last}")
    made = f"{first}\n{render_fronts(results)}\n\n{last}"
    write_text(page, pattern.sub(lambda _: made, text))


def render_fronts(results: str | Path) -> str:
    """Render what to use in each size that a study trained codes of, and what all methods find.

    A size is that of the trained codes of a data set as int8, at its largest n. Within it each
    method is there with the form of its codes that finds most. Raises DataError if a table is
    missing or damaged, or no codes were trained.
    """
    front = read_frame("retrieval_front", Path(results) / "retrieval_front.parquet")
    first = read_frame("retrieval", Path(results) / "retrieval.parquet").iloc[0]
    sizes = sorted(_sizes(front), key=lambda each: each[0])
    if not sizes:
        raise DataError(f"{results}: no codes were trained, of which something could be stored")
    said = [_answer(budget, rows) for budget, rows in sizes]
    tables = [line for budget, rows in sizes for line in _table(budget, rows)]
    header = ["within", "method", "stored as", "bytes", f"recall@{first['neighbours']}"]
    header += ["loss", "s to fit", "µs to apply"]
    one = sizes[0][1].iloc[0]
    about = (
        f"{counted(int(one['seeds']), 'seed')}, each with {one['n']:,} rows to train on besides "
        f"the unlabelled ones; {first['queries']:,} held-out rows, compared by {first['metric']}; "
        "means with 95 % limits over the seeds."
    )
    lines = [_line(header), _line(["--:", "---", "---", *["--:"] * 5]), *tables]
    return "\n".join([*said, "", *lines, "", about])


def _sizes(front: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield the bytes of each data set's trained codes as int8, and its rows at the largest n."""
    largest = front[front["n"] == front.groupby("dataset")["n"].transform("max")]
    for _, rows in largest.groupby(list(CONDITION), sort=True):
        trained = rows[(rows["method"].map(level_of) > 0) & (rows["form"] == "int8")]
        if len(trained):
            yield int(trained["bytes"].max()), rows


def _answer(budget: int, front: pd.DataFrame) -> str:
    """Say what to use within a budget, whether it is ours, and what the best other finds."""
    order = ranked(front[(front["bytes"] <= budget) & front["recall"].notna()])
    is_ours = order["method"].isin(deployable(order["method"]))
    used = best_method(front, budget)
    if used is None:
        return f"- **{budget} bytes**: nothing is known, for runs have diverged."
    of_us = bool(is_ours[used.name])
    others = order[is_ours != of_us]
    said = f"- **{budget} bytes**: use {_named(used)}, {_recall(used)}"
    said += ", an adapter of ours" if of_us else ", which is no adapter of ours"
    if others.empty:
        return f"{said}."
    best = others.iloc[0]
    unshown = ", not shown to be more" if best["recall"] > used["recall"] else ""
    whose = "best rival" if of_us else "best adapter"
    return f"{said}; the {whose} is {_named(best)}, {_recall(best)}{unshown}."


def _table(budget: int, front: pd.DataFrame) -> Iterator[str]:
    fitting = ranked(front[front["bytes"] <= budget]).drop_duplicates("method")
    ours = deployable(fitting["method"])
    for _, row in fitting.iterrows():
        name = _name(row)
        yield _line(
            [
                str(budget),
                f"**{name}**" if row["method"] in ours else name,
                label_of(row["form"], bool(row["rescored"])),
                f"{row['bytes']:,}",
                _recall(row),
                number(row["loss"]),
                number(row["fit_seconds"]),
                number(row["apply_microseconds"]),
            ]
        )


def _name(row: pd.Series) -> str:
    return _NAMES.get(row["method"], f"`{row['method']}`")


def _named(row: pd.Series) -> str:
    return f"{_name(row)} as {label_of(row['form'], bool(row['rescored']))}"


def _recall(row: pd.Series) -> str:
    return estimate(row["recall"], row["recall_low"], row["recall_high"])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for given in sys.argv[2:]:
        fill_page(sys.argv[1], given)
