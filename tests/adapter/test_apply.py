"""The command line: what it writes, what it refuses, and that it leaves nothing half-written."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.adapter import make_adapter, make_vectors
from helpers.apply import list_column, refused, run, run_apply, write_input
from helpers.checkout import ROOT, run_python
from qdistill.adapter.apply import apply_adapter
from qdistill.adapter.apply_settings import ApplySettings
from qdistill.adapter.layout import write_adapter
from qdistill.adapter.numerics import encode
from qdistill.datasets.vector_files import read_vectors

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "adapter").mkdir()
    write_adapter(tmp_path / "adapter", make_adapter())
    return tmp_path


def codes_of(folder, column="codes"):
    array = pq.read_table(folder / "o.parquet").column(column).combine_chunks()
    return np.asarray(array.flatten()).reshape(len(array), -1)


@pytest.mark.parametrize("kind", ["fixed", "list", "large"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_codes_are_added_and_other_columns_kept(folder, kind, dtype):
    x = make_vectors(300).astype(dtype)
    texts = pa.array([None if i % 7 == 0 else f"row {i}" for i in range(300)])
    nested = pa.array([{"a": i} for i in range(300)])
    source = write_input(folder, x, kind, text=texts, nested=nested)
    before = source.read_bytes()
    result = run_apply(folder, "--batch-size", "64", "--keep-vectors")
    assert result.exit_code == 0, result.output
    assert "300 rows written" in result.output
    expected = encode(make_adapter(), x.astype(np.float32))
    np.testing.assert_allclose(codes_of(folder), expected, atol=1e-6)
    written = pq.read_table(folder / "o.parquet")
    assert written.column_names == ["id", "features", "text", "nested", "codes"]
    assert written.drop_columns("codes").equals(pq.read_table(source))
    assert written.schema.field("codes").type == pa.list_(pa.float32(), 8)
    assert source.read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {"adapter", "input.parquet", "o.parquet"}


def typed_columns():
    """Vectors of whole numbers in every type that holds them, by its name."""
    rows = np.arange(300).reshape(30, 10) % 2
    whole = ("bool", "int8", "uint8", "int16", "int32", "int64", "uint64")
    for kind in (*whole, "float16", "float64"):
        yield kind, list_column(rows.astype(kind), "fixed"), rows
    numbers = pa.array(rows.ravel())
    for value in (pa.decimal128(30, 2), pa.decimal256(40, 3)):
        yield str(value), pa.FixedSizeListArray.from_arrays(numbers.cast(value), 10), rows
    encoded = pa.array(rows.ravel().astype(np.float32)).dictionary_encode()
    yield "dictionary", pa.FixedSizeListArray.from_arrays(encoded, 10), rows
    tensors = pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float32(), [10]), list_column(rows.astype(np.float32), "fixed")
    )
    yield "tensor", tensors, rows


@pytest.mark.parametrize(("column", "rows"), [each[1:] for each in typed_columns()],
                         ids=[each[0] for each in typed_columns()])  # fmt: skip
def test_adapters_and_studies_take_numbers_of_the_same_types(folder, column, rows):
    path = folder / "input.parquet"
    pq.write_table(pa.table({"features": column}), path)
    np.testing.assert_array_equal(read_vectors(path, "features"), rows)
    assert run_apply(folder, "--batch-size", "7").exit_code == 0
    np.testing.assert_allclose(
        codes_of(folder), encode(make_adapter(), rows.astype("f4")), atol=1e-6
    )


def test_a_folder_of_parts_becomes_one_file(folder):
    x, parts = make_vectors(30), folder / "input.parquet"
    parts.mkdir()
    (parts / "_SUCCESS").touch()
    (parts / ".part-0.parquet.crc").touch()
    for number, rows in enumerate(np.split(x, [7, 20])):
        table = pa.table({"id": np.arange(len(rows)), "features": list_column(rows, "fixed")})
        pq.write_table(table, parts / f"part-{number}.snappy.parquet")
    assert run_apply(folder, "--batch-size", "4").exit_code == 0
    np.testing.assert_allclose(codes_of(folder), encode(make_adapter(), x), atol=1e-6)
    pq.write_table(table.drop_columns("id"), parts / "part-3.parquet")
    assert "part-3.parquet: its columns or their" in refused(run_apply(folder, output="p.parquet"))
    (parts / "part-3.parquet").rename(parts / "part-3.csv")
    assert "'part-0.snappy.parquet' in it" in refused(run_apply(folder, output="p.parquet"))
    assert not (folder / "p.parquet").exists()


def test_two_columns_of_one_name_are_told_where_they_are_asked_for(folder):
    vectors = list_column(X, "fixed")
    table = pa.Table.from_arrays([vectors, pa.array(range(30))] * 2, ["features", "a"] * 2)
    pq.write_table(table, folder / "input.parquet")
    assert "there are 2 columns 'features'" in refused(run_apply(folder))
    table = pa.Table.from_arrays([*table.columns[1:]], ["a", "features", "a"])
    pq.write_table(table, folder / "input.parquet")
    assert "there are 2 columns 'a'" in refused(run_apply(folder))
    assert run_apply(folder, "--codes-only").exit_code == 0
    assert pq.ParquetFile(folder / "o.parquet").schema_arrow.names == ["codes"]


def test_a_slice_of_a_larger_array_keeps_its_rows(folder):
    """Row groups end inside batches, so that batches are slices."""
    x = make_vectors(100)
    path = folder / "input.parquet"
    with pq.ParquetWriter(path, pa.schema([("features", pa.list_(pa.float32(), 10))])) as writer:
        for part in np.split(x, [7, 20, 64]):
            writer.write_table(pa.table({"features": list_column(part, "fixed")}))
    settings = ApplySettings(batch_size=9)
    apply_adapter(folder / "adapter", path, folder / "o.parquet", settings, progress=False)
    np.testing.assert_allclose(codes_of(folder), encode(make_adapter(), x), atol=1e-6)


def test_columns_may_have_other_names(folder):
    x = make_vectors(20)
    table = pa.table({"embedding": list_column(x, "list"), "codes": np.arange(20)})
    pq.write_table(table, folder / "input.parquet")
    options = ("--column", "embedding")
    assert run_apply(folder, *options, "--output-column", "short").exit_code == 0
    np.testing.assert_allclose(codes_of(folder, "short"), encode(make_adapter(), x), atol=1e-6)
    found = refused(run_apply(folder, *options, output="p.parquet"))
    assert "has a column 'codes' already" in found


def test_no_rows_give_no_rows(folder):
    write_input(folder, make_vectors(0))
    assert run_apply(folder).exit_code == 0
    written = pq.read_table(folder / "o.parquet")
    assert written.num_rows == 0 and written.schema.field("codes").type.list_size == 8


def test_an_existing_output_is_replaced_only_when_asked(folder):
    write_input(folder, make_vectors(20))
    (folder / "o.parquet").write_text("precious")
    said = "exists already; give another name or --overwrite"
    assert said in refused(run_apply(folder))
    assert (folder / "o.parquet").read_text() == "precious"
    assert run_apply(folder, "--overwrite").exit_code == 0
    assert len(codes_of(folder)) == 20


def bad_row(x, row, value):
    x = x.copy()
    x[row, 2] = value
    return x


def with_row(x, row):
    """Lists of numbers, the sixth of which is another."""
    return pa.array([*x[:5].tolist(), row, *x[6:].tolist()], pa.list_(pa.float32()))


X = make_vectors(30)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (list_column(bad_row(X, 17, np.nan), "fixed"), "row 17 (counted from 0) holds a value"),
        (list_column(bad_row(X.astype(float), 17, 1e300), "list"), "row 17 (counted from 0)"),
        (
            list_column(X[:, :9].copy(), "fixed"),
            "row 0 (counted from 0), column 'features', has 9 values",
        ),
        (with_row(X, [1.0] * 7), "has 7 values, and 10 are expected"),
        (with_row(X, None), "row 5 (counted from 0), column 'features', is missing"),
        (
            with_row(X, [None] * 10),
            "row 5 (counted from 0), column 'features', lacks the number at",
        ),
        (with_row(X, None).cast(pa.list_(pa.float32(), 10)), "row 5 (counted from 0), column"),
        (list_column(bad_row(X, 17, 1e30), "fixed"), "row 17 (counted from 0) is beyond 32-bit"),
        (pa.array(X[:, 0]), "has type float, expected lists of numbers"),
        (pa.array([[["a"]]] * 30), "list<element: string>>, expected lists of numbers"),
        (pa.array([["1"] * 10] * 30), "has type string, expected numbers"),
        (list_column(np.full((30, 10), 2**24 + 1), "fixed"), "row 0 (counted from 0) has the who"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value.type),
)
def test_vectors_that_are_refused_leave_nothing(folder, column, message):
    path = folder / "input.parquet"
    pq.write_table(pa.table({"features": column}), path)
    before = path.read_bytes()
    found = refused(run_apply(folder, "--batch-size", "8"))
    assert message in found and "input.parquet" in found
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in folder.iterdir()) == ["adapter", "input.parquet"]


def encode_row_to_zero(folder):
    adapter = make_adapter()
    adapter.tensors["encoder.bias"][:] = 0
    write_adapter(folder / "adapter", adapter)
    write_input(folder, np.where(np.arange(30)[:, None] == 21, 0, X))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "input.parquet").unlink(), "input.parquet: no such file"),
        (
            lambda f: (f / "input.parquet").write_bytes(b"PAR1 and no more"),
            "not a readable Parquet file (Parquet",
        ),
        (lambda f: (f / "adapter/config.json").unlink(), "config.json: cannot be read"),
        (encode_row_to_zero, "row 21 (counted from 0) is zero after the encoder"),
    ],
)
def test_files_that_are_refused(folder, spoil, message):
    write_input(folder, X)
    spoil(folder)
    assert message in refused(run_apply(folder, "--batch-size", "8"))
    assert not (folder / "o.parquet").exists()


def test_paths_that_are_refused(folder):
    path = write_input(folder, X)
    before = path.read_bytes()
    (folder / "link.parquet").symlink_to(path)
    said = "the output is the input"
    for output, words in (("input.parquet", said), ("link.parquet", said), ("", "a folder")):
        assert words in refused(run_apply(folder, "--overwrite", output=output))
    missing = refused(run_apply(folder, "--column", "vectors"))
    assert "no column 'vectors'; its columns are 'id', 'features'" in missing
    assert path.read_bytes() == before
    assert run_apply(folder, "--batch-size", "0").exit_code == 2


@pytest.mark.slow
def test_a_killed_run_leaves_no_output_and_the_same_command_starts_over(folder):
    path = write_input(folder, make_vectors(40_000))
    output = folder / "o.parquet"
    command = [sys.executable, "-m", "qdistill", "apply", folder / "adapter", path, output]
    command += ["--batch-size", "1"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".o.*partial.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert not output.exists()
    assert list(folder.glob(".o.*partial.parquet"))
    result = run_apply(folder)
    assert result.exit_code == 0, result.output
    assert len(codes_of(folder)) == 40_000


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rows"), [("parquet", 50_000), ("csv", 10_000), ("npy", 50_000)])
def test_memory_does_not_grow_with_the_rows(kind, rows):
    """Four times the rows, of one row group; all vectors of the larger file are 10 to 51 MB."""
    peaks = []
    for count in (rows, 4 * rows):
        script = ROOT / "workflow/benchmarks/measure_apply_memory.py"
        options = ("--rows", count, "--features", "64", "--kind", kind, "--output", kind)
        output = run_python(script, *options, env=ENVIRONMENT)
        found = re.match(r"rows (\d+), .* peak memory (\d+) MB", output)
        assert int(found[1]) == count
        peaks.append(int(found[2]))
    assert peaks[0] > 20  # something was measured
    assert peaks[1] < min(peaks[0] + 25, 700)


def test_help_reads_well_and_no_command_loads_a_library_that_it_does_not_need(folder):
    paths = [str(path) for path in (folder / "adapter", write_input(folder, X), folder / "o.csv")]
    program = f"""
import sys
from qdistill.__main__ import app
try: app(["apply", "--help"], prog_name="qdistill")
except SystemExit: pass
assert not {{"torch", "pyarrow", "pandas", "mlflow", "onnx", "numpy"}} & set(sys.modules)
from qdistill.adapter.apply import apply_adapter
apply_adapter(*{paths})
assert not {{"torch", "pandas", "onnxruntime"}} & set(sys.modules)
"""
    output = run_python("-c", program, env=ENVIRONMENT)
    for words in ("Usage: qdistill apply", "INPUT", "--output-column", "--overwrite", "codes"):
        assert words in output


def test_inspect_and_version(folder):
    result = run("inspect", folder / "adapter")
    assert result.exit_code == 0
    assert "kind            circuit" in result.output
    assert "no such file" not in result.output
    (folder / "adapter/model.safetensors").unlink()
    assert "no such file" in refused(run("inspect", folder / "adapter"))
    assert run("--version").output.startswith("qdistill ")
    assert "apply" in run().output
