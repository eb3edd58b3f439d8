"""What adapters write: kinds of files, fewer bytes, and columns that are kept."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.adapter import make_calibrated, make_vectors
from helpers.apply import refused, run_apply, write_csv, write_input
from qdistill.adapter.calibration import quantiser_of
from qdistill.adapter.layout import WEIGHTS_FILE, write_adapter
from qdistill.adapter.numerics import encode
from qdistill.datasets.vector_files import read_vectors
from qdistill.models.quantisation import FORMS
from qdistill.storage.files import digest_of_file

X = make_vectors(30)
SIZES = {"width": 12}
TYPES = {"float32": pa.float32(), "float16": pa.float16(), "int8": pa.int8(), "binary": pa.uint8()}


@pytest.fixture(params=["cosine", "euclidean"])
def adapter(request):
    return make_calibrated(request.param, "affine", **SIZES)


@pytest.fixture
def folder(tmp_path, adapter):
    (tmp_path / "adapter").mkdir()
    write_adapter(tmp_path / "adapter", adapter)
    write_input(tmp_path, X, text=[f"row {row}" for row in range(30)])
    return tmp_path


def stored(adapter, precision):
    return quantiser_of(adapter, precision).store(encode(adapter, X))


@pytest.mark.parametrize("precision", FORMS)
def test_parquet_tells_what_its_codes_are(folder, adapter, precision):
    assert run_apply(folder, "--precision", precision, "--batch-size", "7").exit_code == 0
    written = pq.read_table(folder / "o.parquet")
    assert written.column_names == ["id", "text", "codes"]
    expected = stored(adapter, precision)
    kind = pa.list_(TYPES[precision], expected.shape[1])
    assert written.schema.field("codes").type == kind
    codes = np.array(written.column("codes").to_pylist(), dtype=expected.dtype)
    np.testing.assert_allclose(codes.astype(float), expected.astype(float), rtol=1e-3, atol=1e-6)
    about = json.loads(written.schema.metadata[b"qdistill"])
    assert about.pop("adapter") == str(folder / "adapter")
    assert about.pop("weights") == digest_of_file(folder / "adapter" / WEIGHTS_FILE)
    assert (about["column"], about["precision"]) == ("codes", precision)
    assert about["metric"] == adapter.config.metric
    # What the file says is enough to restore codes.
    if precision == "int8":
        restored = codes * about["step"] + np.array(about["offset"])
        wanted = encode(adapter, X)
        if about["metric"] == "cosine":
            wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
        inside = np.abs(codes) < 127
        assert np.abs(restored - wanted)[inside].max() <= about["step"] * 0.51


@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("source", ["input.parquet", "input.csv"])
def test_npy_holds_the_codes_alone_and_says_so(folder, adapter, precision, source, caplog):
    write_csv(folder / "input.csv", X, text=["a"] * 30)
    options = ("--columns", "f*") if source == "input.csv" else ()
    options += ("--precision", precision, "--batch-size", "7")
    assert run_apply(folder, *options, source=source, output="o.npy").exit_code == 0
    assert "o.npy: codes alone; left out: 'id', 'text'" in caplog.text
    found, expected = np.load(folder / "o.npy"), stored(adapter, precision)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-3, atol=1e-6)
    caplog.clear()
    options += ("--codes-only", "--overwrite")
    assert run_apply(folder, *options, source=source, output="o.npy").exit_code == 0
    assert caplog.text == ""
    said = refused(run_apply(folder, "--keep-vectors", output="p.npy"))
    assert "a .npy file holds codes alone, without the vectors" in said


@pytest.mark.parametrize("precision", FORMS)
def test_csv_has_a_column_for_each_code(folder, adapter, precision):
    texts = ['say "x"', "a,b", "", None, "e\nf", *map(str, range(25))]
    write_input(folder, X, text=pa.array(texts), day=pd.date_range("2000-01-01", periods=30))
    assert run_apply(folder, "--precision", precision, output="o.csv").exit_code == 0
    expected = stored(adapter, precision)
    names = [f"codes{number}" for number in range(1, expected.shape[1] + 1)]
    found = read_vectors(folder / "o.csv", names)
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-3, atol=1e-6)
    frame = pd.read_csv(folder / "o.csv", parse_dates=["day"], keep_default_na=False)
    assert list(frame) == ["id", "text", "day", *names]
    assert frame["text"].tolist() == [text or "" for text in texts]
    assert frame["day"].iloc[29] == pd.Timestamp("2000-01-30")
    # What is written can be read again, by the pattern of its own columns.
    options = ("--columns", "codes*", "--output-column", "again")
    said = refused(run_apply(folder, *options, source="o.csv", output="p.csv"))
    count = expected.shape[1]
    assert f"vectors of {count} numbers, but the adapter takes 10" in said


def test_float32_is_written_to_csv_without_loss(folder, adapter):
    assert run_apply(folder, "--batch-size", "30", output="o.csv").exit_code == 0
    assert run_apply(folder, "--batch-size", "30", output="o.npy").exit_code == 0
    found = read_vectors(folder / "o.csv", [f"codes{number}" for number in range(1, 13)])
    np.testing.assert_array_equal(found.astype(np.float32), np.load(folder / "o.npy"))


def test_the_output_is_smaller_than_the_input(folder):
    write_input(folder, make_vectors(3000))
    sizes = []
    for precision in FORMS:
        options = ("--precision", precision, "--codes-only", "--overwrite")
        assert run_apply(folder, *options).exit_code == 0
        sizes.append((folder / "o.parquet").stat().st_size)
    assert sizes == sorted(sizes, reverse=True) and sizes[3] < sizes[0] / 10
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ((), ["id", "text", "codes"]),
        (("--keep-vectors",), ["id", "features", "text", "codes"]),
        (("--drop", "text"), ["id", "codes"]),
        (("--drop", "text", "--drop", "id", "--drop", "features"), ["codes"]),
        (("--codes-only",), ["codes"]),
        (("--drop", "id", "--output-column", "id"), ["text", "id"]),
        (("--codes-only", "--output-column", "text"), ["text"]),
    ],
)
def test_columns_that_are_kept(folder, options, columns):
    assert run_apply(folder, *options).exit_code == 0
    assert pq.read_schema(folder / "o.parquet").names == columns
    assert pd.read_parquet(folder / "o.parquet").shape == (30, len(columns))


def test_what_pandas_wrote_stays_readable_to_it(folder):
    frame = pd.DataFrame({"features": list(X), "a": range(30)}, index=list("abcdefghij" * 3))
    frame.to_parquet(folder / "input.parquet")
    assert run_apply(folder, "--precision", "int8").exit_code == 0
    found = pd.read_parquet(folder / "o.parquet")
    assert list(found) == ["a", "codes"] and list(found.index) == list(frame.index)


@pytest.mark.parametrize(
    ("options", "output", "words"),
    [
        (("--drop", "txt"), "o.parquet", "no column 'txt' (did you mean 'text'?); its columns are"),
        (("--codes-only", "--keep-vectors"), "o.parquet", "codes alone, or vectors too?"),
        (("--precision", "int4"), "o.parquet", "'int4'; allowed: float32, float16, int8, binary"),
        (("--output-column", "text"), "o.parquet", "has a column 'text' already; give the codes"),
        (("--keep-vectors",), "o.csv", "column 'features' has type fixed_size_list<"),
        ((), "o.txt", "o.txt: an output ends in .parquet, .csv, .npy"),
        ((), "o", "o: an output ends in .parquet, .csv, .npy"),
        ((), "missing/o.parquet", "missing'; make it first"),
        ((), "input.parquet/o.parquet", "make it first"),
        ((), "adapter", "adapter: a folder; give the name of a file"),
    ],
)
def test_outputs_that_are_refused(folder, options, output, words):
    before = sorted(entry.name for entry in folder.iterdir())
    assert words in refused(run_apply(folder, *options, output=output))
    assert sorted(entry.name for entry in folder.iterdir()) == before


def test_an_output_among_the_parts_of_the_input_is_refused(folder):
    (folder / "parts").mkdir()
    (folder / "input.parquet").rename(folder / "parts/input.parquet")
    said = refused(run_apply(folder, source="parts", output="parts/o.parquet"))
    assert "the output would be a part of the input" in said


def test_a_code_beyond_half_precision_is_told_with_its_row(folder, adapter):
    config = replace(adapter.config, metric="euclidean")
    adapter.tensors["bottleneck.bias"][3] = 1e5
    write_adapter(folder / "adapter", replace(adapter, config=config))
    found = refused(run_apply(folder, "--precision", "float16", "--batch-size", "7"))
    assert "row 0 (counted from 0) has a code beyond 16-bit numbers" in found
    assert not (folder / "o.parquet").exists()


def test_a_numbered_column_that_is_there_already(folder):
    write_csv(folder / "input.csv", X, codes12=["a"] * 30)
    said = refused(run_apply(folder, "--columns", "f*", source="input.csv", output="o.csv"))
    assert "has a column 'codes12' already" in said


@pytest.mark.parametrize("output", ["o.parquet", "o.csv", "o.npy"])
@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(28, "no"), OSError(30, "no")])
def test_a_disk_that_takes_nothing_is_told(folder, output, error, monkeypatch):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("qdistill.adapter.sinks.parquet.ParquetWriter", fail)
    monkeypatch.setattr("qdistill.adapter.sinks.csv.CSVWriter", fail)
    monkeypatch.setattr("qdistill.adapter.sinks.npy.write_array_header_1_0", fail)
    said = refused(run_apply(folder, output=output))
    assert f"{output}: cannot be written: " in said
    assert not [entry for entry in folder.iterdir() if "o." in entry.name]


def test_without_calibration_bytes_are_refused(folder, adapter):
    tensors = {k: v for k, v in adapter.tensors.items() if not k.startswith("calibration.")}
    config = replace(adapter.config, metric=None)
    write_adapter(folder / "adapter", replace(adapter, config=config, tensors=tensors))
    assert "has no calibration" in refused(run_apply(folder, "--precision", "int8"))
    assert run_apply(folder, "--precision", "float16").exit_code == 0
