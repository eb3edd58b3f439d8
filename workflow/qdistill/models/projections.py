"""Encoders and decoders that are fixed before training, so that the bottleneck learns alone."""

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples
from qdistill.errors import DataError
from qdistill.models.slot_model import PROJECTIONS

# Encoder's weight and bias, decoder's weight and bias.
Projections = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

# Amplitudes are 1 + coordinate / (3 standard deviations), so nearly all are above zero.
_DEVIATIONS = 3.0
# A class's logit is this times the sum of its codes. Probabilities sum to one, so that the
# cross-entropy of C classes reaches log(1 + (C - 1) exp(-10)), 0.0004 nats for ten.
CLASS_SCALE = 10.0
_NEGLIGIBLE = 1e-10  # variances below this share of the largest count as zero


def fixed_projections(kind: str, examples: Examples, width: int) -> dict[str, Tensor]:
    """Fit or write down the encoder and decoder of a kind, the same for all seeds.

    ``identity``: h = x and y = z. ``pca``: h = 1 + u / 3, with u the first N principal
    coordinates of x scaled to unit variance, and y the least-squares read-out of x from the
    squared and normalised h. Both are fitted on the features of the unlabelled rows alone. Where C
    classes are told, both have the same h, and the logit of class c is ``CLASS_SCALE`` times the
    sum of the c-th of C contiguous groups of codes, as equal in size as N allows.

    The shift is there because a circuit returns probabilities: of centred coordinates the
    squares would lose the signs, and every circuit would be beaten by its read-out. With it,
    the bottleneck ``square`` nearly reconstructs x, and a dense layer can still give any code.

    Returned are float32 ``encoder.weight`` (S, N, D), ``encoder.bias`` (S, N), ``decoder.weight``
    (S, E, N) and ``decoder.bias`` (S, E); for ``pca``, E = D or C. Raises DataError if the data do
    not have the width, or the unlabelled rows, that the kind needs, or more classes than N.
    """
    fitted = (_identity if kind == "identity" else _fit_pca)(examples, width)
    seeds = len(examples.seeds)
    return {
        name: torch.tensor(array, dtype=torch.float32).expand(seeds, *array.shape).contiguous()
        for name, array in zip(PROJECTIONS, fitted, strict=True)
    }


def _identity(examples: Examples, width: int) -> Projections:
    """Return h = x and y = z, or the sums of classes' own codes."""
    inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
    if inputs == width and examples.task == "classify":
        return np.eye(width), np.zeros(width), _sums_of_groups(outputs, width), np.zeros(outputs)
    if not inputs == outputs == width:
        raise DataError(
            f"projections 'identity' need {width} features and targets, found {inputs} and "
            f"{outputs}"
        )
    eye, zero = np.eye(width), np.zeros(width)
    return eye, zero, eye, zero


def _fit_pca(examples: Examples, width: int) -> Projections:
    """Fit encoder and decoder on the unlabelled rows; what tells classes is fitted to none."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression

    tells = examples.task == "classify"
    inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
    pool = examples.inputs[examples.unlabelled].double().numpy()
    if (inputs != outputs and not tells) or min(len(pool) - 1, inputs) < width:
        raise DataError(
            f"projections 'pca' need {width} or more features, targets like features and more "
            f"than {width} unlabelled rows; found {inputs}, {outputs} and {len(pool)}"
        )
    pca = PCA(width, svd_solver="full").fit(pool)
    present = int((pca.explained_variance_ > _NEGLIGIBLE * pca.explained_variance_[0]).sum())
    if present < width:
        raise DataError(
            f"projections 'pca' need unlabelled rows that vary in {width} or more directions, "
            f"found {present}"
        )
    scale = _DEVIATIONS * np.sqrt(pca.explained_variance_)
    down = pca.components_ / scale[:, None]
    bias = 1.0 - down @ pca.mean_
    if tells:
        return down, bias, _sums_of_groups(outputs, width), np.zeros(outputs)
    amplitudes = pool @ down.T + bias
    squares = amplitudes**2 / (amplitudes**2).sum(axis=1, keepdims=True)
    readout = LinearRegression().fit(squares, pool)
    return down, bias, readout.coef_, readout.intercept_


def _sums_of_groups(classes: int, width: int) -> np.ndarray:
    """Return the decoder (C, N) that gives each class the sum of its own codes."""
    if width < classes:
        raise DataError(
            f"fixed projections give each class codes of its own, and {width} codes are too few "
            f"for {classes} classes; take more qubits or a larger 'width'"
        )
    groups = np.array_split(np.eye(width), classes)
    return CLASS_SCALE * np.stack([group.sum(axis=0) for group in groups])
