"""scikit-learn's digits as latents."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from qdistill.datasets.digits import write_digits
from qdistill.datasets.latents import load_latents
from qdistill.study.datasets import record_of, resolve_dataset

SPLITS = ("train", "unlabelled", "heldout")
CASES = [{}, {"train": 1397, "unlabelled": 0}, {"split_seed": 5, "unlabelled": 10}]
CASES += [{"train": 300, "unlabelled": 100, "heldout": 150}]


def write(tmp_path, **overrides):
    chosen = resolve_dataset({"name": "digits", **overrides})
    write_digits(chosen, tmp_path / "latents.parquet")
    return chosen, load_latents(tmp_path / "latents.parquet")


@pytest.mark.parametrize("overrides", CASES)
def test_splits_have_the_rows_asked_for_in_equal_shares_of_the_classes(tmp_path, overrides):
    chosen, latents = write(tmp_path, **overrides)
    counts = {name: len(latents.positions(name)) for name in SPLITS}
    assert counts == record_of(chosen).rows()
    classes = load_digits().target
    shares = np.bincount(classes) / len(classes)
    for name, count in counts.items():
        found = np.bincount(classes[latents.rows[latents.positions(name)]], minlength=10)
        assert np.abs(found - shares * count).max() < 2


def test_features_are_the_pixels_over_sixteen_and_rows_are_scikit_learns(tmp_path):
    _, latents = write(tmp_path, train=500)
    np.testing.assert_allclose(latents.features * 16, load_digits().data[latents.rows], atol=1e-6)
    assert latents.features.min() == 0
    assert latents.features.max() == 1
    assert len(np.unique(latents.rows)) == len(latents.rows)


def test_split_is_repeatable_and_depends_on_its_seed(tmp_path):
    first, again, other = (write(tmp_path, split_seed=seed)[1] for seed in (0, 0, 1))
    assert (first.split == again.split).all()
    assert (first.split != other.split).any()
