"""The format of an adapter: ``config.json`` and ``model.safetensors`` in one folder.

An export puts a graph for ONNX Runtime and a card beside them, and nothing else.

An adapter maps vectors x to codes z and codes to outputs y: h = W_down x + b_down,
z = bottleneck(h), y = W_up z + b_up, as one of the ``KINDS`` below. Of a calibrated adapter, codes
can be stored in fewer bytes (:mod:`qdistill.models.quantisation`). Nothing here needs torch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from qdistill.errors import DataError
from qdistill.storage.files import write_json
from qdistill.storage.weights import save_arrays
from qdistill.study.adapter_files import CONFIG_FILE, WEIGHTS_FILE

FORMAT = "qdistill-adapter"
FORMAT_VERSION = 2  # 1 had no calibration, and is read still
METRICS = ("cosine", "euclidean")
EPSILON = 1e-5  # of the LayerNorm, as torch.nn.LayerNorm has it

# Each kind of bottleneck, and what it does to h before its layer: nothing, the scaling to unit
# norm, or the scaling to zero mean and unit variance. With g = h/||h||:
KINDS: dict[str, str] = {
    "linear": "none",  # z = h
    "layer_norm": "layer_norm",  # z = LayerNorm(h) scale + shift
    "affine": "unit",  # z = A g + c
    "softmax": "unit",  # z = softmax(A g + c)
    "squared": "unit",  # z = (A g)^2
    "circuit": "unit",  # z = (Re U g)^2 + (Im U g)^2
    "quadratic": "unit",  # z = P (g_i g_j for i <= j, row by row) + c
}
# Kinds that are modules of sentence-transformers itself, one behind the other.
OF_SENTENCE_TRANSFORMERS = ("linear", "layer_norm", "affine")


@dataclass(frozen=True)
class AdapterConfig:
    """What an adapter is."""

    kind: str  # a key of `KINDS`
    inputs: int  # numbers of features, codes and outputs
    width: int
    outputs: int
    origin: dict[str, Any] = field(default_factory=dict)  # study, data set, n, seed, model, ...
    metric: str | None = None  # what stored codes are compared by; None if it is not calibrated

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the tensors, by name."""
        width = self.width
        matrix, vector, products = (width, width), (width,), (width, width * (width + 1) // 2)
        layers: dict[str, dict[str, tuple[int, ...]]] = {
            "linear": {},
            "layer_norm": {"scale": vector, "shift": vector},
            "affine": {"weight": matrix, "bias": vector},
            "softmax": {"weight": matrix, "bias": vector},
            "squared": {"weight": matrix},
            "circuit": {"real": matrix, "imaginary": matrix},
            "quadratic": {"weight": products, "bias": vector},
        }
        return {
            "encoder.weight": (width, self.inputs),
            "encoder.bias": vector,
            **{f"bottleneck.{name}": shape for name, shape in layers[self.kind].items()},
            "decoder.weight": (self.outputs, width),
            "decoder.bias": (self.outputs,),
            **({} if self.metric is None else self._calibration()),
        }

    def _calibration(self) -> dict[str, tuple[int, ...]]:
        """Tensors of the forms that are fitted: what is subtracted, and the step of int8."""
        offsets = {f"calibration.{form}_offset": (self.width,) for form in ("int8", "binary")}
        return {**offsets, "calibration.int8_step": (1,)}

    def describe(self) -> dict[str, Any]:
        """Return the content of ``config.json``."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "normalisation": KINDS[self.kind],
            **asdict(self),
        }


@dataclass(frozen=True)
class AdapterWeights:
    """An adapter in memory: what it is, and its float32 tensors by name."""

    config: AdapterConfig
    tensors: dict[str, np.ndarray]


def write_adapter(folder: str | Path, adapter: AdapterWeights) -> None:
    """Write ``config.json`` and ``model.safetensors`` into a folder that exists.

    The weights come first, so that a folder with a ``config.json`` is whole.
    """
    folder = Path(folder)
    _check_tensors(folder / WEIGHTS_FILE, adapter.config, adapter.tensors)
    save_arrays(folder / WEIGHTS_FILE, adapter.tensors, {})
    write_json(folder / CONFIG_FILE, adapter.config.describe())


def read_adapter(folder: str | Path) -> AdapterWeights:
    """Read an adapter from its folder. No pickle is ever read.

    Raises DataError if a file is missing, damaged, of a newer format, or not what the other says.
    """
    config, path = read_config(folder), Path(folder) / WEIGHTS_FILE
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file, and an adapter needs it") from error
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from error
    _check_tensors(path, config, tensors)
    return AdapterWeights(config, tensors)


def read_config(folder: str | Path) -> AdapterConfig:
    """Read what an adapter is.

    Raises DataError if ``config.json`` is missing, damaged, or of another or a newer format.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); an adapter is a folder with "
            f"{CONFIG_FILE} and {WEIGHTS_FILE}"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: not a readable JSON file ({error})") from error
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise DataError(f"{path}: not the configuration of an adapter (no 'format': '{FORMAT}')")
    version = given.get("format_version")
    if version not in range(1, FORMAT_VERSION + 1):
        newer = isinstance(version, int) and version > FORMAT_VERSION
        advice = "; install a newer qdistill" if newer else ""
        raise DataError(
            f"{path}: 'format_version' is {version!r}, and this version of qdistill reads 1 to "
            f"{FORMAT_VERSION}{advice}"
        )
    return _checked_config(path, given)


def _checked_config(path: Path, given: Mapping[str, Any]) -> AdapterConfig:
    kind = given.get("kind")
    if kind not in KINDS:
        raise DataError(f"{path}: 'kind' is {kind!r}; allowed: {', '.join(KINDS)}")
    if given.get("normalisation") != KINDS[kind]:
        raise DataError(
            f"{path}: 'normalisation' is {given.get('normalisation')!r}, but the kind '{kind}' has "
            f"'{KINDS[kind]}'"
        )
    widths = {}
    for name in ("inputs", "width", "outputs"):
        value = given.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DataError(f"{path}: '{name}' is {value!r}, which is not a positive integer")
        widths[name] = value
    origin = given.get("origin", {})
    if not isinstance(origin, dict):
        raise DataError(f"{path}: 'origin' is {origin!r}, which is not a mapping")
    metric = given.get("metric")
    if metric not in (None, *METRICS):
        raise DataError(f"{path}: 'metric' is {metric!r}; allowed: {', '.join(METRICS)}")
    return AdapterConfig(kind, **widths, origin=origin, metric=metric)


def _check_tensors(path: Path, config: AdapterConfig, tensors: Mapping[str, np.ndarray]) -> None:
    wanted = config.shapes()
    for name in sorted(wanted.keys() ^ tensors.keys()):
        problem = "lacks" if name in wanted else "has, and should not have,"
        raise DataError(f"{path}: {problem} the tensor '{name}' for the kind '{config.kind}'")
    for name, shape in wanted.items():
        found = tensors[name]
        if found.shape != shape or found.dtype != np.float32:
            raise DataError(
                f"{path}: '{name}' is {found.dtype} of shape {found.shape}, but {CONFIG_FILE} asks "
                f"for float32 of shape {shape}"
            )
        if not np.isfinite(found).all():
            raise DataError(f"{path}: '{name}' holds values that are not finite")
    if config.metric and not tensors["calibration.int8_step"].item() > 0:
        raise DataError(f"{path}: 'calibration.int8_step' is not positive")
