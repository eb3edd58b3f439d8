"""Scrambled latents: the source's rows, and targets that are independent of them."""

import numpy as np
import pytest

from helpers.derived import SOURCE
from qdistill.datasets.latents import load_latents
from qdistill.datasets.scrambled import scramble_latents
from qdistill.errors import DataError
from qdistill.study.dataset_record import SPLITS
from qdistill.study.datasets import resolve_dataset


def scramble(source, tmp_path, **changes):
    entry = {"name": "nothing-to-learn", "kind": "scrambled", "source": SOURCE, **changes}
    scramble_latents(resolve_dataset(entry), tmp_path / "latents.parquet", source)
    return load_latents(tmp_path / "latents.parquet")


@pytest.mark.parametrize("targets", ["permuted", "noise"])
def test_rows_are_the_sources_and_targets_tell_nothing_of_them(source, tmp_path, targets):
    before, after = load_latents(source), scramble(source, tmp_path, targets=targets)
    for name in ("features", "rows", "split"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    train = after.positions("train")
    products = after.features[train] * after.targets[train]
    spread = after.features.std() * after.targets.std() / np.sqrt(len(train))
    assert np.abs(products.mean(axis=0)).max() < 5 * spread
    again = scramble(source, tmp_path, targets=targets)
    np.testing.assert_array_equal(again.targets, after.targets)
    other = scramble(source, tmp_path, targets=targets, scramble_seed=1)
    assert not np.array_equal(other.targets, after.targets)


def test_permuted_targets_are_rows_of_the_same_split(source, tmp_path):
    latents = scramble(source, tmp_path, targets="permuted")
    for split in SPLITS:
        rows = latents.positions(split)
        ordered = [np.unique(x[rows], axis=0) for x in (latents.features, latents.targets)]
        np.testing.assert_array_equal(*ordered)


def test_noise_has_the_mean_and_the_covariance_of_the_train_split(source, tmp_path):
    latents = scramble(source, tmp_path, targets="noise")
    train = latents.positions("train")
    features, noise = latents.features[train].astype(float), latents.targets[train].astype(float)
    wanted, found = (np.cov(each, rowvar=False) for each in (features, noise))
    spread = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / len(train))
    assert (np.abs(found - wanted) / spread).max() < 5.5
    shift = (noise.mean(axis=0) - features.mean(axis=0)) / np.sqrt(np.diag(wanted) / len(train))
    assert np.abs(shift).max() < 5


def test_a_source_that_has_targets_is_refused(source, tmp_path):
    scramble(source, tmp_path)
    with pytest.raises(DataError, match=r"latents\.parquet: has targets already"):
        scramble(tmp_path / "latents.parquet", tmp_path)
