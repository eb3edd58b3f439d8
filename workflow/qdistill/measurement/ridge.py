"""Linear maps that are fitted to counts: students, and read-outs fitted anew."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# Strengths of the ridge, in units of the rows' mean square feature times their number.
STRENGTHS = np.logspace(-6, 2, 9)


def fit_ridge(
    inputs: np.ndarray, targets: np.ndarray, asked: np.ndarray, apart: bool = False
) -> np.ndarray:
    """Fit targets (M, T) of inputs (M, D) by ridge regression, and predict other rows: (H, T).

    The strength, of :data:`STRENGTHS`, is chosen by leaving each row out; ``apart`` chooses one for
    each target. Targets that are not finite have no prediction, and none has if an input is not.
    """
    from sklearn.linear_model import RidgeCV

    found = np.full((len(asked), targets.shape[1]), np.nan)
    finite = np.isfinite(targets).all(axis=0)
    if not finite.any() or not (np.isfinite(inputs).all() and np.isfinite(asked).all()):
        return found
    unit = max(len(inputs) * inputs.var(axis=0).mean(), np.finfo(float).tiny)
    model = RidgeCV(alphas=unit * STRENGTHS, alpha_per_target=apart)
    predicted = model.fit(inputs, targets[:, finite]).predict(asked)
    found[:, finite] = predicted.reshape(len(asked), -1)
    return found


def refit_readout(codes: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
    """Fit each seed's read-out anew: codes (S, M, N), targets (S, M, E), asked codes (S, H, N).

    Returned are the outputs of the asked rows, float64 (S, H, E). What a device does to all codes
    alike, such as to pull them towards the mean, a read-out that is fitted to its codes undoes.
    """
    rows = zip(
        codes.double().numpy(), targets.double().numpy(), asked.double().numpy(), strict=True
    )
    return torch.from_numpy(np.stack([fit_ridge(*each) for each in rows]))
