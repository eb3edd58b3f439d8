"""Rows of metrics; divergence is flagged."""

import numpy as np

from qdistill.training.evaluation import Evaluation, describe_runs, has_diverged

KEY = {"dataset": "digits", "qubits": 4, "protocol": "article", "n": 50}


def test_models_may_differ_in_size_between_seeds():
    errors = np.array([0.1, 0.2])
    result = Evaluation(errors, errors, errors > 1, n_parameters=np.array([3, 5]))
    frame = describe_runs(KEY, (0, 1), "linear_tuned", "trained", result)
    assert frame["n_parameters"].tolist() == [3, 5]
    assert frame["family"].tolist() == ["classical"] * 2


def test_divergence():
    start = np.array([1.0, 1.0, 1.0, np.nan])
    train = np.array([0.5, 1.5, np.nan, 0.5])
    heldout = np.array([2.0, 0.1, 0.1, 0.5])
    assert has_diverged(start, train, heldout).tolist() == [False, True, True, True]
    # Ending where it began, as where cross-validation finds that no step helps, is none.
    start = np.array([1.0, np.inf])
    assert has_diverged(start, start, np.array([1.0, 1.0])).tolist() == [False, True]
