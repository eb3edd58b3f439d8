"""Measure the peak memory and the time of ``qdistill apply`` on a file of many rows.

A Parquet file has row groups of 2^20 rows, as pyarrow writes them, so that a reader of whole row
groups would need all the memory there is; it is made in a temporary folder. Memory is the largest
resident size seen of the command's process.

    python workflow/benchmarks/measure_apply_memory.py --rows 2000000 --features 384
    python workflow/benchmarks/measure_apply_memory.py --kind npy --output csv
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from qdistill.adapter.layout import AdapterConfig, AdapterWeights, write_adapter

_GROUP_ROWS = 1 << 20
_POLL_SECONDS = 0.01


def write_random_adapter(folder: Path, features: int, codes: int) -> None:
    """Write an adapter of the kind of a compiled circuit."""
    generator = np.random.default_rng(0)
    config = AdapterConfig("circuit", features, codes, features)
    tensors = {
        name: generator.standard_normal(shape, np.float32) / shape[-1] ** 0.5
        for name, shape in config.shapes().items()
    }
    folder.mkdir()
    write_adapter(folder, AdapterWeights(config, tensors))


def write_parquet(path: Path, rows: int, features: int) -> None:
    """Write random vectors and a column of identifiers."""
    kind = pa.list_(pa.float32(), features)
    schema = pa.schema([("id", pa.int64()), ("features", kind)])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for first, vectors in random_vectors(rows, features):
            columns = [
                pa.array(np.arange(first, first + len(vectors))),
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), features),
            ]
            table = pa.Table.from_arrays(columns, schema=schema)
            writer.write_table(table, row_group_size=len(vectors))


def write_csv(path: Path, rows: int, features: int) -> None:
    """Write random vectors in columns f0, f1 and so on."""
    schema = pa.schema([(f"f{place}", pa.float32()) for place in range(features)])
    with csv.CSVWriter(path, schema) as writer:
        for _, vectors in random_vectors(rows, features):
            columns = [pa.array(column) for column in vectors.T]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def write_npy(path: Path, rows: int, features: int) -> None:
    """Write random vectors, mapped to memory."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, features))
    for first, vectors in random_vectors(rows, features):
        array[first : first + len(vectors)] = vectors


def random_vectors(rows: int, features: int) -> Iterator[tuple[int, np.ndarray]]:
    """Draw vectors, a row group at a time, with the number of the first."""
    generator = np.random.default_rng(1)
    for first in range(0, rows, _GROUP_ROWS):
        count = min(_GROUP_ROWS, rows - first)
        yield first, generator.standard_normal((count, features), np.float32)


WRITERS = {"parquet": write_parquet, "csv": write_csv, "npy": write_npy}


def measure(command: list[str]) -> tuple[float, float]:
    """Peak resident memory in MB and seconds of a command.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    began = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - began
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak / 1e6, seconds


def main() -> None:
    """Make the file, apply the adapter, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=384)
    parser.add_argument("--codes", type=int, default=64)
    parser.add_argument("--kind", choices=WRITERS, default="parquet", help="of the input")
    parser.add_argument("--output", choices=WRITERS, default="parquet", help="kind of the output")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--folder", help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        source, output = folder / f"input.{options.kind}", folder / f"output.{options.output}"
        write_random_adapter(folder / "adapter", options.features, options.codes)
        WRITERS[options.kind](source, options.rows, options.features)
        command = [sys.executable, "-m", "qdistill", "apply", str(folder / "adapter")]
        command += [str(source), str(output), "--precision", options.precision]
        command += ["--columns", "f*"] if options.kind == "csv" else []
        peak, seconds = measure(command)
        size, written = (path.stat().st_size / 1e6 for path in (source, output))
    print(
        f"rows {options.rows}, {options.kind} {size:.0f} MB, {options.output} {written:.0f} MB, "
        f"peak memory {peak:.0f} MB, {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
