"""Measure the peak memory and the time of ``qdistill apply`` on a Parquet file of many rows.

The file has row groups of 2^20 rows, as pyarrow writes them, so that a reader of whole row groups
would need all the memory there is; it is made in a temporary folder. Memory is the largest
resident size seen of the command's process.

    python workflow/benchmarks/measure_apply_memory.py --rows 2000000 --features 384
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

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


def write_vectors(path: Path, rows: int, features: int) -> None:
    """Write random vectors and a column of identifiers."""
    kind = pa.list_(pa.float32(), features)
    schema = pa.schema([("id", pa.int64()), ("features", kind)])
    generator = np.random.default_rng(1)
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for first in range(0, rows, _GROUP_ROWS):
            count = min(_GROUP_ROWS, rows - first)
            values = pa.array(generator.standard_normal(count * features, np.float32))
            columns = [
                pa.array(np.arange(first, first + count)),
                pa.FixedSizeListArray.from_arrays(values, features),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=count)


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
    parser.add_argument("--folder", help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        source, output = folder / "input.parquet", folder / "output.parquet"
        write_random_adapter(folder / "adapter", options.features, options.codes)
        write_vectors(source, options.rows, options.features)
        command = [sys.executable, "-m", "qdistill", "apply", str(folder / "adapter")]
        peak, seconds = measure([*command, str(source), str(output)])
        rows = pq.ParquetFile(output).metadata.num_rows
        size = source.stat().st_size / 1e6
    print(f"rows {rows}, file {size:.0f} MB, peak memory {peak:.0f} MB, {seconds:.1f} s")


if __name__ == "__main__":
    main()
