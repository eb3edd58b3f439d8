"""Errors with a read-out refitted to own codes: what scikit-learn fits, from no target."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from helpers.training import started
from qdistill.training.readout import measure_refitted


@pytest.mark.parametrize("name", ["linear", "square", "quantum"])
def test_the_read_out_is_that_of_the_models_own_codes(name):
    model, weights, examples = started(name, "pca", kind="reconstruct")
    found = measure_refitted(model, weights, examples)
    pool, rows = examples.inputs[examples.unlabelled], examples.inputs[examples.heldout]
    for seed in range(len(examples.seeds)):
        with torch.no_grad():
            codes = [
                model.squeeze(weights, model.encode(weights, x.expand(len(found), -1, -1)))[seed]
                for x in (pool, rows)
            ]
        predicted = LinearRegression().fit(codes[0], pool).predict(codes[1])
        wanted = np.square(predicted - rows.numpy()).mean()
        assert found[seed] == pytest.approx(wanted, rel=1e-4)
    changed = examples.targets.clone()
    changed[examples.unlabelled] = 1e6
    again = measure_refitted(model, weights, replace(examples, targets=changed))
    np.testing.assert_array_equal(found, again)


def test_codes_that_are_not_finite_have_no_error():
    model, weights, examples = started("quantum", "pca", kind="reconstruct")
    angles = weights["bottleneck.angles"].clone()
    angles[1] = torch.nan
    found = measure_refitted(model, {**weights, "bottleneck.angles": angles}, examples)
    assert np.isnan(found[1]) and np.isfinite(found[[0, 2]]).all()
