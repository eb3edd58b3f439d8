"""Compare the tables of two results folders of one study, before and after a change.

Rows are matched by their keys, and what took how long is left out. The exit status is 1 if a row
stands in one folder only, a text or truth value differs, or a number differs by more than the
tolerance, relative to the larger of the two.

    python workflow/benchmarks/compare_results.py before/results/smoke results/smoke
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

PROBLEM = ["dataset", "qubits", "protocol"]
RUN = [*PROBLEM, "n", "seed"]
PAIR = ["challenger", "challenger_stage", "baseline"]
COUNTS = ["noise", "mitigation"]
STORE = ["method", "stage", "form", "rescored", "bytes"]
KEYS = {
    "metrics": [*RUN, "model", "stage"],
    "comparisons": [*PROBLEM, "n", *PAIR, "baseline_stage"],
    "crossover": [*PROBLEM, "challenger", "baseline"],
    "transfer": [*PROBLEM, "n", "student", "stage"],
    "attribution": [*PROBLEM, "n"],
    "overfitting": [*PROBLEM, "n", "pool"],
    "choices": [*RUN, "model"],
    "downstream": [*RUN, "model", "stage", "metric"],
    "downstream_comparisons": [*PROBLEM, "n", "measure", *PAIR],
    "retrieval": [*RUN, *STORE],
    "retrieval_front": [*PROBLEM, "n", *STORE],
    "score_comparisons": [*PROBLEM, "n", "measure", *PAIR, "baseline_stage"],
    "geometry": [*RUN, "encoding", "against"],
    "robustness": [*RUN, "model", "stage", "perturbation", "level"],
    "robustness_comparisons": [
        *(*PROBLEM, "n", "perturbation", "level", "measure", *PAIR, "baseline_stage")
    ],
    "measured": [*RUN, "model", *COUNTS, "shots"],
    "noise_depth": [*RUN, "model", "noise", "layers"],
    "measured_students": [*RUN, "teacher", *COUNTS, "total", "shots", "model"],
    "device_measured": [*RUN, "model", "device", "shots"],
    "shot_training": ["problem", "method", "shots", "seed", "step"],
    "device_costs": ["device", "what"],
    "shots_needed": [*PROBLEM, "n", "model", *COUNTS],
    "measured_comparisons": [
        *PROBLEM,
        "n",
        "teacher",
        *COUNTS,
        "total",
        "shots",
        "challenger",
        "baseline",
    ],
    "trainability": ["qubits", "n", "layers", "angle_range", "seed"],
    "sweep": [*RUN, "pool"],
    "row_intervals": [*PROBLEM, "n", "challenger", "baseline"],
    "setting_sweep": [*RUN, "model", "setting", "value"],
    "published": [*PROBLEM, "n", "model"],
    "findings": [
        "question",
        "dataset",
        "protocol",
        "n",
        "subject",
        "stage",
        "against",
        "level",
        "measure",
    ],
}


@dataclass
class Difference:
    """How two tables differ: rows, columns, the largest relative difference, and texts."""

    rows: int
    only_before: int
    only_after: int
    other_columns: list[str]
    largest: float = 0.0
    where: str = ""
    texts: int = 0

    def exceeds(self, tolerance: float) -> bool:
        """Return whether the tables differ by more than the tolerance."""
        return bool(
            self.only_before or self.only_after or self.texts or not self.largest <= tolerance
        )


def read_rows(path: Path, keys: list[str], renamed: dict[str, str]) -> pd.DataFrame:
    """Read a table by its keys, with renamed models; equal keys are numbered in order."""
    table = pd.read_parquet(path)
    if "question" in table:
        table = table[table["question"] != "cost"]  # which rests on times
    for column in table.columns:  # lists of names, as texts
        if table[column].map(lambda value: isinstance(value, np.ndarray)).any():
            table[column] = table[column].map(", ".join)
    for column in table.columns[[not is_numeric_dtype(kind) for kind in table.dtypes]]:
        for old, new in renamed.items():
            table[column] = table[column].str.replace(rf"\b{re.escape(old)}\b", new, regex=True)
    repetition = table.groupby(keys, dropna=False).cumcount().rename("repetition")
    return table.set_index([*(table[key] for key in keys), repetition]).drop(columns=keys)


def relative_difference(before: pd.Series, after: pd.Series) -> np.ndarray:
    """Compute |a - b| / max(|a|, |b|): 0 for equals, infinite where only one is a number."""
    a, b = before.to_numpy(float, na_value=np.nan), after.to_numpy(float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        found = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(found), found, np.inf))


def compare_tables(before: pd.DataFrame, after: pd.DataFrame) -> Difference:
    """Compare two tables of one kind, row by row and column by column."""
    both = before.index.intersection(after.index)
    found = Difference(
        rows=len(both),
        only_before=len(before) - len(both),
        only_after=len(after) - len(both),
        other_columns=sorted(set(before.columns) ^ set(after.columns)),
    )
    for column in before.columns.intersection(after.columns):
        a, b = before.loc[both, column], after.loc[both, column]
        if not is_numeric_dtype(a) or is_bool_dtype(a):
            found.texts += int(((a != b) & ~(a.isna() & b.isna())).sum())
        elif len(both) and not column.endswith("seconds"):
            differences = relative_difference(a, b)
            worst = int(differences.argmax())
            if differences[worst] > found.largest:
                key = "/".join(str(part) for part in both[worst][:-1])
                found.largest, found.where = float(differences[worst]), f"{column} of {key}"
    return found


def compare_folders(
    before: Path, after: Path, renamed: dict[str, str], left_out: Sequence[str] = ()
) -> dict[str, Difference | str]:
    """Compare every table that one of the folders has; a text says which folder lacks one."""
    found: dict[str, Difference | str] = {}
    for name, keys in KEYS.items():
        paths = [folder / f"{name}.parquet" for folder in (before, after)]
        lacking = [str(path.parent) for path in paths if not path.exists()]
        if len(lacking) == 1:
            found[name] = f"missing in {lacking[0]}"
        elif not lacking:
            found[name] = compare_tables(
                read_rows(paths[0], keys, renamed).drop(columns=left_out, errors="ignore"),
                read_rows(paths[1], keys, {}).drop(columns=left_out, errors="ignore"),
            )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each table; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="a model renamed since"
    )
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="COLUMN", help="a text put otherwise"
    )
    parser.add_argument("--tolerance", type=float, default=1e-6)
    given = parser.parse_args(arguments)
    renamed = dict(pair.split("=", 1) for pair in given.rename)
    found = compare_folders(given.before, given.after, renamed, given.leave_out)
    print(f"{'table':24}{'rows':>7}{'before':>8}{'after':>7}{'texts':>7}  largest difference")
    for name, table in found.items():
        if isinstance(table, str):
            print(f"{name:24}{table}")
            continue
        counts = f"{table.rows:7}{table.only_before:8}{table.only_after:7}{table.texts:7}"
        others = f"; columns of one only: {', '.join(table.other_columns)}"
        where = f" {table.where}" if table.where else ""
        print(f"{name:24}{counts}  {table.largest:.1e}{where}{others * bool(table.other_columns)}")
    same = [isinstance(t, Difference) and not t.exceeds(given.tolerance) for t in found.values()]
    return 0 if same and all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
