"""Ridge regression on counts: its strength by leaving rows out; what is lost has no prediction."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from qdistill.measurement.ridge import STRENGTHS, fit_ridge, refit_readout


def test_the_ridge_is_the_best_of_its_strengths_by_leaving_rows_out():
    generator = np.random.default_rng(0)
    x, noise = generator.normal(size=(25, 4)), generator.normal(size=(25, 2))
    y = x @ generator.normal(size=(4, 2)) + [0.1, 5.0] * noise
    asked = generator.normal(size=(6, 4))
    unit = len(x) * x.var(axis=0).mean()
    for at in range(2):
        errors = []
        for strength in STRENGTHS:
            left = [
                Ridge(unit * strength).fit(np.delete(x, row, 0), np.delete(y[:, at], row))
                for row in range(25)
            ]
            errors.append(sum((m.predict(x[[r]])[0] - y[r, at]) ** 2 for r, m in enumerate(left)))
        best = Ridge(unit * STRENGTHS[int(np.argmin(errors))]).fit(x, y[:, at])
        assert fit_ridge(x, y, asked, apart=True)[:, at] == pytest.approx(best.predict(asked))


def test_what_is_not_finite_has_no_prediction_and_spoils_no_other():
    generator = np.random.default_rng(0)
    x, asked = generator.normal(size=(20, 3)), generator.normal(size=(5, 3))
    y = x @ generator.normal(size=(3, 2))
    lost = y.copy()
    lost[4, 0] = np.nan
    found = fit_ridge(x, lost, asked)
    assert np.isnan(found[:, 0]).all()
    assert found[:, 1] == pytest.approx(fit_ridge(x, y[:, 1:], asked)[:, 0])
    assert np.isnan(fit_ridge(x, np.full((20, 2), np.nan), asked)).all()
    assert np.isnan(fit_ridge(np.full((20, 3), np.nan), y, asked)).all()


def test_a_read_out_undoes_what_is_done_to_all_codes_alike():
    generator = torch.Generator().manual_seed(0)
    codes, asked = (torch.rand(2, rows, 4, generator=generator) for rows in (30, 10))
    decoder = torch.rand(4, 6, generator=generator)
    pulled = [0.3 * each + 0.1 for each in (codes, asked)]
    found = refit_readout(pulled[0], codes @ decoder, pulled[1])
    assert found.numpy() == pytest.approx((asked @ decoder).double().numpy(), abs=1e-3)
