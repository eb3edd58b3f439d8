"""Models as they were trained, from saved weights: their codes, and what they predict.

A code is what the bottleneck gives. Cosines depend on the origin, so linear models have one: their
codes are linear maps of x, the code of the zero vector being subtracted. Codes of other bottlenecks
are as their decoders take them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qdistill.errors import DataError
from qdistill.models.bottlenecks import build_bottleneck
from qdistill.models.bottlenecks.base import Bottleneck
from qdistill.models.bottlenecks.classical import Classical
from qdistill.models.bottlenecks.linear import Linear
from qdistill.models.bottlenecks.quantum import Quantum
from qdistill.models.slot_model import PROJECTIONS, SlotModel, slot_weights
from qdistill.models.student_layers import Compiled, StudentLayer
from qdistill.storage.weights import read_weights, read_weights_metadata
from qdistill.study.registry import BOTTLENECKS, STUDENTS, TUNED
from qdistill.study.widths import qubits_of

_EXAMPLES_AT_ONCE = 2048
_NEGLIGIBLE = 1e-10  # variances below this share of the largest count as zero
_ENCODER = ("encoder.weight", "encoder.bias")

Encoder = Callable[[Tensor], Tensor]


def load_encoder(
    name: str, n: int, paths: Mapping[str, str | Path], width: int, settings: Mapping[str, Any]
) -> Encoder:
    """Load what gives the codes z = bottleneck(W_down x + b_down), or W_down x of a linear model.

    Paths are weights of S seeds by model, of a student also those of its teacher; of a student, its
    layer is taken at its last stage. ``linear_tuned`` must have been trained with its projections,
    not behind fixed ones. Settings are those of :meth:`qdistill.study.tracks.Track.settings_of`, of
    which those of circuits are used. What is returned turns float32 inputs (S, M, D) into codes
    (S, M, N), N being the bottleneck's width, without gradients. Raises DataError if the file is
    damaged, is of another model, or lacks a tensor.
    """
    if name == "quantum_tuned":
        weights = _weights_of(name, n, paths)
        with _told_if_lacking(name, paths[name]):
            return _encoder_of_layers(weights, qubits_of(width))
    model, weights = load_model(name, n, paths, width, settings, _ENCODER)
    return lambda inputs: _codes(model, weights, inputs)


def load_predictor(
    name: str, n: int, paths: Mapping[str, str | Path], width: int, settings: Mapping[str, Any]
) -> Callable[[Tensor], Tensor]:
    """Load what a model with a slot predicts: float32 inputs (S, M, D) to outputs (S, M, E).

    The parameters, and what raises, are those of :func:`load_encoder`. Models that are tuned
    (``linear_tuned``, ``quantum_tuned``) are refused with a DataError.
    """
    if name in TUNED:
        raise DataError(f"'{name}' is tuned, and what it predicts is not loaded from {paths[name]}")
    model, weights = load_model(name, n, paths, width, settings)
    return lambda inputs: model.predict_rows(weights, inputs)


def load_model(
    name: str,
    n: int,
    paths: Mapping[str, str | Path],
    width: int,
    settings: Mapping[str, Any],
    needed: Sequence[str] = PROJECTIONS,
) -> tuple[SlotModel, dict[str, Tensor]]:
    """Load a model with a slot, and its weights, the needed ones among them.

    Other parameters, and what raises, are those of :func:`load_encoder`.
    """
    weights = _weights_of(name, n, paths)
    with _told_if_lacking(name, paths[name]):
        # A student of soft labels is a whole model, of the shape of the baseline.
        is_whole = name in STUDENTS and "bottleneck.scale" in weights
        bottleneck = Classical(width) if is_whole else _bottleneck_of(name, width, settings)
        model = SlotModel(bottleneck, bottleneck.prepare_constants(slot_weights(weights)))
        for key in needed:
            weights[key]
    return model, weights


@contextmanager
def _told_if_lacking(name: str, path: str | Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise DataError(f"{path}: no {error}, so this is not a trained '{name}'") from error


def _weights_of(name: str, n: int, paths: Mapping[str, str | Path]) -> dict[str, Tensor]:
    """Read a model's weights; what a student does not hold itself is its teacher's."""
    about, arrays = read_weights_metadata(paths[name]), read_weights(paths[name], n)
    found = about.get("model", "")
    if found != name:
        raise DataError(f"{paths[name]}: of model '{found}', and '{name}' is wanted")
    weights = {key: torch.from_numpy(array) for key, array in arrays.items()}
    if "teacher" not in about or weights.keys() >= {*PROJECTIONS}:
        return weights
    shared = _weights_of(about["teacher"], n, paths)
    return {key: shared[key] for key in PROJECTIONS if key in shared} | weights


def principal_codes(labelled: np.ndarray, inputs: np.ndarray, width: int) -> np.ndarray:
    """Compute coordinates of inputs (M, D) along the principal components of the labelled rows.

    There are ``width`` of them, or fewer where the labelled rows (n, D) vary around their mean in
    fewer directions, which are n - 1 at most: float32. The inputs themselves are not centred.
    """
    return (inputs @ principal_axes(labelled)[:, :width]).astype(np.float32)


def principal_axes(rows: np.ndarray) -> np.ndarray:
    """Compute the directions in which rows (M, D) vary, the widest first: float64, (D, rank)."""
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0)
    if len(rows) > rows.shape[1]:  # of many rows the covariance is smaller
        variances, axes = np.linalg.eigh(centred.T @ centred)
        variances, axes = variances[::-1], axes[:, ::-1]
    else:
        _, sizes, components = np.linalg.svd(centred, full_matrices=False)
        variances, axes = sizes**2, components.T
    return axes[:, variances > _NEGLIGIBLE * variances[0]]


def _bottleneck_of(name: str, width: int, settings: Mapping[str, Any]) -> Bottleneck:
    if name in BOTTLENECKS:
        return build_bottleneck(name, width, settings)
    if name in STUDENTS:
        entry = STUDENTS[name]
        compiled = entry.method == "compile"
        return Compiled(width) if compiled else StudentLayer(width, entry.readout)
    if name in TUNED:  # whose code is what its encoder gives
        return Linear(width)
    raise DataError(f"'{name}' is not a trained model or student, so it has no codes")


def _encoder_of_layers(weights: dict[str, Tensor], qubits: int) -> Encoder:
    """Seeds whose circuits have different numbers of layers, those of one number together.

    A layer with angles of zero still has its CNOTs, so padded layers must not be run.
    """
    depths, angles = weights["bottleneck.layers"], weights["bottleneck.angles"]
    model = SlotModel(Quantum(qubits))
    groups = []
    for depth in depths.unique().tolist():
        members = torch.nonzero(depths == depth).squeeze(1)
        own = {key: weights[key][members] for key in _ENCODER}
        groups.append((members, {**own, "bottleneck.angles": angles[members, :depth]}))

    def encode(inputs: Tensor) -> Tensor:
        codes = inputs.new_empty(*inputs.shape[:2], model.bottleneck.width)
        for members, own in groups:
            codes[members] = _codes(model, own, inputs[members])
        return codes

    return encode


@torch.no_grad()
def _codes(model: SlotModel, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
    pieces = inputs.split(_EXAMPLES_AT_ONCE, dim=1)
    return torch.cat([model.codes(weights, piece) for piece in pieces], dim=1)
