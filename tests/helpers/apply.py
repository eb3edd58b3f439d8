"""The command line of adapters, and files to which it is applied."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from qdistill.__main__ import app


def list_column(x, kind):
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), x.shape[1])
    value = fixed.type.value_type
    kinds = {"fixed": fixed.type, "list": pa.list_(value), "large": pa.large_list(value)}
    return fixed.cast(kinds[kind])


def write_input(folder, x, kind="fixed", **columns):
    path = folder / "input.parquet"
    table = pa.table({"id": np.arange(len(x)), "features": list_column(x, kind), **columns})
    pq.write_table(table, path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_apply(folder, *options, source="input.parquet", output="o.parquet"):
    return run("apply", folder / "adapter", folder / source, folder / output, *options)


def refused(result):
    """The message of a refusal: one line, and no traceback."""
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]


def write_csv(path, x, **columns):
    """Vectors in columns f0, f1 and so on, the last first, behind an identifier."""
    names = ["id", *(f"f{place}" for place in reversed(range(x.shape[1]))), *columns]
    lines = [",".join(names)]
    for row, vector in enumerate(x):
        others = ('"' + cells[row].replace('"', '""') + '"' for cells in columns.values())
        lines.append(",".join([str(row), *map(str, vector[::-1]), *others]))
    path.write_text("\n".join(lines) + "\n")
    return path
