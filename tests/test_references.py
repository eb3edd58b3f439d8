"""References against their closed forms."""

import numpy as np
import pytest

from qdistill.datasets.latents import load_latents
from qdistill.datasets.subsets import load_subsets
from qdistill.references import fit_reference
from qdistill.tables import read_frame, read_metadata


def evaluate(small_study, name):
    runs = small_study.runs(name)
    fit_reference(name, "small", 3, small_study.latents, runs, small_study.settings)
    return [read_frame("metrics", run.metrics) for run in runs], runs


def test_mean(small_study):
    frames, runs = evaluate(small_study, "mean")
    latents = load_latents(small_study.latents)
    heldout = latents.features[latents.positions("heldout")].astype(float)
    for frame, run in zip(frames, runs, strict=True):
        _, rows = load_subsets(run.subset)
        for seed in range(3):
            mean = latents.of_rows(rows[seed]).astype(float).mean(0)
            expected = ((heldout - mean) ** 2).mean()
            assert frame["heldout_mse"][seed] == pytest.approx(expected, rel=1e-6)


def test_pca_is_the_truncated_decomposition_of_the_labelled_rows(small_study):
    frames, runs = evaluate(small_study, "pca")
    latents = load_latents(small_study.latents)
    heldout = latents.features[latents.positions("heldout")].astype(float)
    for frame, run in zip(frames, runs, strict=True):
        _, rows = load_subsets(run.subset)
        labelled = latents.of_rows(rows[0]).astype(float)
        mean = labelled.mean(0)
        _, values, basis = np.linalg.svd(labelled - mean, full_matrices=False)
        residual = (heldout - mean) @ (np.eye(32) - basis[:8].T @ basis[:8])
        assert frame["heldout_mse"][0] == pytest.approx((residual**2).mean(), rel=1e-6)
        expected = (values[8:] ** 2).sum() / labelled.size
        assert frame["train_mse"][0] == pytest.approx(expected, rel=1e-4)


def test_oracle_is_near_the_closed_form_and_below_pca(small_study):
    oracle, _ = evaluate(small_study, "oracle")
    pca, _ = evaluate(small_study, "pca")
    optimum = float(read_metadata(small_study.latents)["optimal_mse"])
    # 40 held-out rows of 24 noise dimensions: a relative standard error of about 5 %
    assert oracle[0]["heldout_mse"][0] == pytest.approx(optimum, rel=0.2)
    assert (oracle[0]["heldout_mse"] < pca[0]["heldout_mse"]).all()
