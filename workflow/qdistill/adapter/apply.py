"""Apply an adapter to a file of any length, in constant memory.

The arithmetic is NumPy's: the command starts in a fraction of a second, where torch alone would
take longer to import, and the numbers are torch's to float32 accuracy.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from qdistill.adapter.apply_settings import ApplySettings
from qdistill.adapter.calibration import quantiser_of
from qdistill.adapter.layout import WEIGHTS_FILE, AdapterWeights, read_adapter
from qdistill.adapter.numerics import EncodingError, check_vectors, encode, quantise
from qdistill.adapter.sinks import CODES_ALONE, Layout, check_output, open_sink
from qdistill.adapter.sources import Source, open_source
from qdistill.adapter.table_parts import Batch
from qdistill.errors import DataError
from qdistill.storage.files import atomic_path, digest_of_file
from qdistill.study.messages import listed, quoted

if TYPE_CHECKING:
    from qdistill.adapter.text_encoder import TextEncoder

_TEXT_ROWS = 256  # at a time; a few seconds of work, after which the bar moves
METADATA_KEY = "qdistill"

log = logging.getLogger(__name__)


def apply_adapter(
    adapter_path: str | Path,
    input_path: str | Path,
    output_path: str | Path,
    settings: ApplySettings | None = None,
    progress: bool = True,
) -> int:
    """Write the codes of a file's rows beside its other columns; return the rows' number.

    The input is Parquet, CSV, ``.npy``, plain text, or a folder of parts of one table or of texts;
    the output is of the kind that its extension says. The adapter is a folder. The output appears
    only when complete; what a killed run left beside it is removed.

    Raises
    ------
    DataError
        If a file or column is missing, damaged or of the wrong width or type, if a value or code is
        not finite (with its row, counted from 0), if the adapter lacks what a precision or texts
        need, or if the output exists or cannot be written.
    """
    settings = settings or ApplySettings()
    source_path, target = Path(input_path), Path(output_path)
    adapter = read_adapter(adapter_path)
    _check_target(target, source_path, settings)
    source = _open(source_path, target, settings, adapter.config.inputs)
    layout = _layout_of(adapter, Path(adapter_path), source, settings)
    check_output(target, source_path, layout)
    bar = tqdm(desc="apply", total=source.total, unit="row", unit_scale=True, disable=not progress)
    try:
        with atomic_path(target) as partial, bar:
            rows = _stream(source, partial, layout, adapter, settings, bar)
            _check_absent(target, settings)  # made in the meantime
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror or error})") from error
    return rows


def _stream(
    source: Source,
    partial: Path,
    layout: Layout,
    adapter: AdapterWeights,
    settings: ApplySettings,
    bar: tqdm,
) -> int:
    """Encode batch by batch into the temporary file; return the rows' number."""
    done = 0
    with open_sink(partial, layout) as write:
        encoder = _encoder_of(adapter, settings) if source.are_texts else None
        size = min(settings.batch_size, _TEXT_ROWS) if encoder else settings.batch_size
        for batch in source.batches(size):
            codes = _codes_of(batch, adapter, encoder, settings.precision)
            write(batch.kept, codes)
            done += len(codes)
            bar.update(len(codes))
    if encoder and encoder.cut:
        log.warning(
            "of %d of %d texts the encoder read only the beginning, %d tokens",
            *(encoder.cut, done, encoder.limit),
        )
    return done


def _check_target(target: Path, source: Path, settings: ApplySettings) -> None:
    if target.exists():
        if source.exists() and target.samefile(source):
            raise DataError(f"{target}: the output is the input; give another name")
        if target.is_dir():
            raise DataError(f"{target}: a folder; give the name of a file")
        _check_absent(target, settings)
    if source.is_dir() and source.resolve() in target.resolve().parents:
        raise DataError(f"{target}: the output would be a part of the input; give another folder")
    if not target.parent.is_dir():
        raise DataError(f"{target}: there is no folder '{target.parent}'; make it first")


def _check_absent(target: Path, settings: ApplySettings) -> None:
    if target.exists() and not settings.overwrite:
        raise DataError(f"{target}: exists already; give another name or --overwrite")


def _open(path: Path, target: Path, settings: ApplySettings, inputs: int) -> Source:
    """Open the input, of which a kind of output that has no columns keeps none."""
    source = open_source(path, settings, inputs)
    if target.suffix.lower() not in CODES_ALONE or not source.schema.names:
        return source
    if settings.keep_vectors:
        raise DataError(f"{target}: a {target.suffix} file holds codes alone, without the vectors")
    names = listed(map(quoted, source.schema.names))
    log.warning("%s: codes alone; left out: %s", target, names)
    return open_source(path, replace(settings, codes_only=True), inputs)


def _layout_of(
    adapter: AdapterWeights, path: Path, source: Source, settings: ApplySettings
) -> Layout:
    """Describe the output; raises DataError if the adapter cannot give the precision."""
    nothing = np.empty((0, adapter.config.width), np.float32)
    stored = quantise(adapter, nothing, settings.precision)
    quantiser = asdict(quantiser_of(adapter, settings.precision))
    about = {
        "adapter": str(path),
        "weights": digest_of_file(path / WEIGHTS_FILE),
        "column": settings.output_column,
        "precision": quantiser.pop("form"),
        **{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in quantiser.items()},
    }
    metadata = {METADATA_KEY: json.dumps(about)}
    return Layout(source.schema, settings.output_column, stored.dtype, stored.shape[1], metadata)


def _encoder_of(adapter: AdapterWeights, settings: ApplySettings) -> TextEncoder:
    from qdistill.adapter.text_encoder import TextEncoder  # torch, for texts alone

    return TextEncoder(adapter.config, settings.encoder)


def _codes_of(
    batch: Batch, adapter: AdapterWeights, encoder: TextEncoder | None, precision: str
) -> np.ndarray:
    """Encode a batch, or refuse a row of it."""
    where, first, vectors = batch.where, batch.first_row, batch.content
    if isinstance(vectors, list):
        assert encoder is not None
        vectors = encoder.encode(vectors, where, first)
    try:
        codes = encode(adapter, check_vectors(vectors, adapter.config.inputs, first))
        return quantise(adapter, codes, precision)
    except EncodingError as error:
        raise DataError(f"{where}: {EncodingError(first + error.row, error.what)}") from error
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
