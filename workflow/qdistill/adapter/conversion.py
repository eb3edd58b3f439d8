"""From the trained weights of one seed, whatever the model, to an adapter's tensors."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from qdistill.adapter.layout import AdapterConfig, AdapterWeights
from qdistill.circuits.circuit import build_unitary
from qdistill.models.bottlenecks.orthogonal import Orthogonal
from qdistill.models.slot_model import in_slot, slot_weights
from qdistill.study.registry import ENTRIES, STUDENTS
from qdistill.training.references import PrincipalRegression

Layer = tuple[str, dict[str, Tensor]]  # kind, and tensors without the prefix "bottleneck."
_NEGLIGIBLE = 1e-12  # rows of an encoder below this share of the largest are padding


def convert(name: str, weights: Mapping[str, np.ndarray]) -> AdapterWeights:
    """Convert one seed's weights of a deployable model or student into an adapter's form.

    Returns
    -------
    AdapterWeights
        The same function, to float32 accuracy. Circuits become two real matrices, or one where
        their unitary is real. A matrix before a LayerNorm, and the linear bottleneck of a tuned
        predictor, become part of the encoder. Of a tuned low-rank predictor the rows that only
        pad it are left out.
    """
    projections = {k: v for k, v in weights.items() if not k.startswith("bottleneck.")}
    layer = slot_weights({k: torch.from_numpy(np.asarray(v)) for k, v in weights.items()})
    if name == "linear_tuned":
        return _tuned(projections, layer)
    if name == "classical_dense":
        matrix, bias = layer.pop("weight").numpy(), layer.pop("bias").numpy()
        projections = _behind(projections, matrix, bias)
    kind, tensors = _student(name, layer) if name in STUDENTS else _model(name, layer, projections)
    return build(kind, projections, {key: tensor.numpy() for key, tensor in tensors.items()})


def from_regression(regression: PrincipalRegression) -> AdapterWeights:
    """Convert a fitted regression on principal components into an adapter's form.

    Without any component (the mean) it has one code, which is always zero.
    """
    outputs = regression.mean.size
    if not regression.rank:
        down, bias = np.zeros((1, regression.inputs)), np.zeros(1)
        up = np.zeros((outputs, 1))
    else:
        down, up = regression.pca.components_, regression.slopes.T
        bias = -down @ regression.pca.mean_
    encoder = {"encoder.weight": down, "encoder.bias": bias}
    decoder = {"decoder.weight": up, "decoder.bias": regression.mean}
    return build("linear", encoder | decoder, {})


def build(
    kind: str, projections: Mapping[str, np.ndarray], layer: Mapping[str, np.ndarray]
) -> AdapterWeights:
    """Combine projections and a layer, in float32.

    Codes of kind ``linear`` are linear maps of x, as they are measured: what was added to them
    becomes part of the decoder, and outputs stay the same.
    """
    if kind == "linear":
        projections = _from_the_origin(projections)
    width, inputs = projections["encoder.weight"].shape
    outputs = projections["decoder.weight"].shape[0]
    tensors = {**projections, **in_slot(layer)}
    return AdapterWeights(
        AdapterConfig(kind, int(inputs), int(width), int(outputs)),
        {key: np.asarray(value, dtype=np.float32) for key, value in tensors.items()},
    )


def _from_the_origin(projections: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Move the encoder's bias through the decoder, in float64: cosines have one origin."""
    up, shift, bias = (
        projections[key].astype(float) for key in ("decoder.weight", "encoder.bias", "decoder.bias")
    )
    return {
        **projections,
        "encoder.bias": np.zeros_like(shift),
        "decoder.bias": bias + up @ shift,
    }


def _model(name: str, layer: Mapping[str, Tensor], projections: Mapping[str, np.ndarray]) -> Layer:
    kind = ENTRIES[name].adapter
    if kind == "linear":
        return kind, {}
    if kind == "layer_norm":
        return kind, {"scale": layer["scale"], "shift": layer["shift"]}
    width = projections["encoder.weight"].shape[0]
    if ENTRIES[name].location.startswith("square:"):
        return kind, {"weight": torch.eye(width)}
    if name == "orthogonal":
        bottleneck = Orthogonal(width)
        stacked = {key: tensor.unsqueeze(0) for key, tensor in layer.items()}
        rows = bottleneck.rotate(stacked, torch.eye(width).unsqueeze(0))[0]  # each is Q e_i
        return kind, {"weight": rows.T.contiguous()}
    unitary = build_unitary(_angles(name, layer).unsqueeze(0), entangled=name != "separable")[0]
    if kind == "squared":
        return kind, {"weight": unitary.real.contiguous()}
    return kind, {"real": unitary.real.contiguous(), "imaginary": unitary.imag.contiguous()}


def _angles(name: str, layer: Mapping[str, Tensor]) -> Tensor:
    """All angles of a circuit after training: (layers, q, 2)."""
    angles = layer["angles"]
    if name == "real_circuit":
        return torch.stack([torch.zeros_like(angles), angles], -1)
    if name == "quantum_scrambled":
        return torch.cat([layer["scrambler_angles"], angles])
    if name == "quantum_tuned":  # angles are padded; a padded layer would still have its CNOTs
        return angles[: int(layer["layers"])]
    return angles


def _student(name: str, layer: Mapping[str, Tensor]) -> Layer:
    entry = STUDENTS[name]
    if entry.method == "compile":
        return "circuit", {"real": layer["re"], "imaginary": layer["im"]}
    kind = {"linear": "affine", "softmax": "softmax", "squared": "squared"}[entry.readout]
    return kind, dict(layer)


def _tuned(projections: Mapping[str, np.ndarray], layer: Mapping[str, Tensor]) -> AdapterWeights:
    if not layer:
        return build("linear", _without_padding(projections), {})
    linear, squares, products, bias = (
        layer[key].numpy() for key in ("linear", "squares", "products", "bias")
    )
    if linear.any():
        return build("linear", _behind(projections, linear, bias), {})
    width = len(bias)
    row, column = np.triu_indices(width)
    weight = products.copy()
    weight[:, row == column] += squares
    return build("quadratic", projections, {"weight": weight, "bias": bias})


def _without_padding(projections: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Leave out the codes that a low-rank predictor does not have; one at least stays."""
    sizes = np.abs(projections["encoder.weight"]).max(axis=1)
    present = sizes > _NEGLIGIBLE * sizes.max()
    present[0] = True
    kept = {key: projections[key][present] for key in ("encoder.weight", "encoder.bias")}
    return {**projections, **kept, "decoder.weight": projections["decoder.weight"][:, present]}


def _behind(
    projections: Mapping[str, np.ndarray], matrix: np.ndarray, bias: np.ndarray
) -> dict[str, np.ndarray]:
    """Multiply an encoder by a matrix that stands behind it, in float64."""
    down, shift = (projections[f"encoder.{part}"].astype(float) for part in ("weight", "bias"))
    return {
        **projections,
        "encoder.weight": matrix.astype(float) @ down,
        "encoder.bias": matrix.astype(float) @ shift + bias,
    }
