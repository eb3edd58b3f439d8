"""Corrupted latents: the levels of corruption, the clean targets, the source's rows."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers.derived import SOURCE
from qdistill.datasets.corrupted import corrupt_latents, corrupted
from qdistill.datasets.latents import load_latents
from qdistill.errors import DataError
from qdistill.storage.tables import write_table
from qdistill.study.datasets import resolve_dataset


def settings_of(**changes):
    entry = {"name": "noisy", "kind": "corrupted", "source": SOURCE, **changes}
    return resolve_dataset(entry)


def corrupt(source, tmp_path, **changes):
    path = tmp_path / "latents.parquet"
    corrupt_latents(settings_of(**changes), path, source)
    return load_latents(path)


def test_targets_rows_and_splits_are_those_of_the_source(source, tmp_path):
    clean, noisy = load_latents(source), corrupt(source, tmp_path)
    np.testing.assert_array_equal(noisy.targets, clean.features)
    np.testing.assert_array_equal(noisy.rows, clean.rows)
    np.testing.assert_array_equal(noisy.split, clean.split)
    assert noisy.features.dtype == np.float32
    assert json.loads(noisy.metadata["settings"]) == settings_of()
    assert "optimal_mse" not in noisy.metadata  # which is of another task


def test_levels_are_those_of_the_settings(source, tmp_path):
    clean, noisy = load_latents(source), corrupt(source, tmp_path, noise=0.7, dropout=0.3)
    kept = noisy.features != 0
    count = kept.size
    assert abs((~kept).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / count)
    train = clean.features[clean.positions("train")].astype(float)
    spread = np.sqrt(train.var(axis=0).mean())
    noise = ((noisy.features - clean.features)[kept]) / spread
    assert abs(noise.mean()) < 4 * 0.7 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(0.7, abs=4 * 0.7 / np.sqrt(2 * noise.size))
    assert stats.kstest(noise / 0.7, "norm").pvalue > 1e-3
    # Noise does not follow the feature it is added to.
    assert abs(np.corrcoef(noise, clean.features[kept])[0, 1]) < 4 / np.sqrt(noise.size)


def test_the_spread_is_that_of_training_rows_alone(tmp_path):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, 4)) + 5.0
    features[200:] *= 100  # held out; nothing may be learned from them
    split = ["train"] * 200 + ["heldout"] * 200
    columns = {"row": np.arange(400), "split": split, "features": features}
    write_table("latents", tmp_path / "source.parquet", columns, {})
    noisy = corrupt(tmp_path / "source.parquet", tmp_path, noise=0.5, dropout=0)
    for rows in (noisy.positions("train"), noisy.positions("heldout")):
        noise = (noisy.features - noisy.targets)[rows]
        assert noise.std() == pytest.approx(0.5, rel=0.15)


def test_the_seed_fixes_it_and_another_level_of_noise_drops_the_same(source, tmp_path):
    first = corrupt(source, tmp_path)
    np.testing.assert_array_equal(first.features, corrupt(source, tmp_path).features)
    other = corrupt(source, tmp_path, corruption_seed=1)
    assert (first.features == 0).mean() != (other.features == 0).mean()
    assert abs(np.corrcoef(first.features.ravel() == 0, other.features.ravel() == 0)[0, 1]) < 0.02
    louder = corrupt(source, tmp_path, noise=2.0)
    np.testing.assert_array_equal(first.features == 0, louder.features == 0)


def test_a_source_that_has_targets_is_refused(source, tmp_path):
    path = tmp_path / "twice.parquet"
    corrupt_latents(settings_of(), path, source)
    with pytest.raises(DataError, match=r"twice\.parquet: has targets already"):
        corrupt_latents(settings_of(), tmp_path / "latents.parquet", path)
    assert not (tmp_path / "latents.parquet").exists()


@settings(max_examples=50)
@given(
    rows=st.integers(1, 20),
    more=st.integers(0, 5),
    width=st.integers(1, 8),
    noise=st.floats(0, 10),
    dropout=st.floats(0, 0.99),
    spread=st.floats(0, 100),
    seed=st.integers(0, 1000),
)
def test_each_feature_is_dropped_or_moved_by_its_own_noise(
    rows, more, width, noise, dropout, spread, seed
):
    chosen = {"noise": noise, "dropout": dropout, "corruption_seed": seed}
    clean = np.full((rows + more, width), 3.0, dtype=np.float32)
    result = corrupted(clean, spread, chosen)
    assert result.shape == clean.shape and np.isfinite(result).all()
    # More rows leave the first ones as they were.
    np.testing.assert_array_equal(corrupted(clean[:rows], spread, chosen), result[:rows])
    kept = result != 0
    unit = corrupted(clean, 1.0, {**chosen, "noise": 1.0, "dropout": 0}) - clean
    expected = clean + noise * spread * unit
    np.testing.assert_allclose(result[kept], expected[kept], rtol=1e-4, atol=1e-4 * (1 + noise))
