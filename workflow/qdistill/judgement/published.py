"""The article's published held-out errors, side by side with ours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from qdistill.errors import DataError
from qdistill.judgement.pairing import CONDITION, runs_of
from qdistill.judgement.statistics import paired_interval
from qdistill.places import WORKFLOW
from qdistill.storage.tables import make_frame

PUBLISHED_PATH = WORKFLOW / "resources" / "published.csv"
TOLERANCE = 0.05  # relative; what counts as a reproduced figure

_SCHEMA = pa.DataFrameSchema(
    {
        "dataset": pa.Column(str, coerce=True),
        "qubits": pa.Column(int, pa.Check.ge(2), coerce=True),
        "model": pa.Column(str, coerce=True),
        "n": pa.Column(int, pa.Check.ge(1), coerce=True),
        "heldout_loss": pa.Column(
            float, [pa.Check.gt(0), pa.Check(lambda values: np.isfinite(values))], coerce=True
        ),
    },
    strict=True,
    unique=["dataset", "qubits", "model", "n"],
)


def read_published(path: str | Path = PUBLISHED_PATH) -> pd.DataFrame:
    """Read the published held-out errors, with columns ``dataset, qubits, model, n, heldout_loss``.

    The figures are those of T. Jeong, "Quantum-Bootstrapped Fine-Tuning", 2026, which gives neither
    their spread nor the number of seeds. ``distilbert-text`` is the article's own text data, which
    no data set here reproduces. Raises DataError if the file is missing, or a column or value is
    not what it should be.
    """
    return read_checked(_SCHEMA, path)


def read_checked(schema: pa.DataFrameSchema, path: str | Path) -> pd.DataFrame:
    """Read a CSV file of published figures.

    Raises DataError if the file is missing, or a column or value is not what the schema says.
    """
    try:
        return schema.validate(pd.read_csv(path))
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path}: not a readable CSV file ({error})") from error
    except (pa.errors.SchemaError, pa.errors.SchemaErrors) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())}") from error


def tabulate_published(
    metrics: pd.DataFrame, published: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Tabulate our held-out errors beside the published ones, by default the article's.

    The table is by the contract "published", one row for each published figure and protocol whose
    (data set, qubits, n, model) the study holds; empty if there is none. ``mean`` is that of
    ``heldout_loss`` over the seeds with 95 % Student t limits, ``deviation`` is our mean over
    theirs less 1, and ``within_twentieth`` says whether it is within 5 %. A diverged run without
    a finite error leaves them NaN and false.
    """
    published = read_published() if published is None else published
    figures = dict(iter(published.sort_values("model").groupby(["dataset", "qubits", "n"])))
    rows = []
    squared = metrics[metrics["measure"] == "mse"]
    for key, condition in squared.groupby(list(CONDITION), sort=True):
        dataset, qubits, _, n = key
        here = figures.get((dataset, qubits, n), published.iloc[:0])
        for model, figure in zip(here["model"], here["heldout_loss"], strict=True):
            runs = runs_of(condition, model)
            if runs.empty:
                continue
            where = dict(zip(CONDITION, key, strict=True))
            rows.append({**where, "model": model, **_beside(figure, runs)})
    return make_frame("published", rows)


def _beside(figure: float, runs: pd.DataFrame) -> dict:
    """Our runs beside one published figure."""
    ours = paired_interval(runs["heldout_loss"])
    deviation = ours.estimate / figure - 1
    return {
        "published": figure,
        "seeds": len(runs),
        "diverged": int(runs["diverged"].sum()),
        **ours.columns("mean"),
        "deviation": deviation,
        "within_twentieth": bool(abs(deviation) <= TOLERANCE),
    }
