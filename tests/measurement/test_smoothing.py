"""Counts averaged with those of similar rows: as much as the risk allows."""

import numpy as np
import torch

from qdistill.measurement.smoothing import smooth_codes


def rows_of(rows, noise, random_seed=0, width=3):
    """Amplitudes on a curve, and codes that follow it smoothly, with noise."""
    generator = np.random.default_rng(random_seed)
    angle = generator.uniform(0, np.pi / 2, rows)
    amplitudes = np.stack([np.cos(angle), np.sin(angle)], -1)
    codes = np.stack([angle, angle**2, np.ones(rows)], -1)[:, :width]
    noisy = codes + noise * generator.normal(size=codes.shape)
    return (torch.from_numpy(each)[None] for each in (amplitudes, codes, noisy))


def smoothed(noise, told):
    known, _, counted = rows_of(300, noise)
    asked, true, own = rows_of(200, noise, random_seed=1)
    found = smooth_codes(known, counted, asked, own, torch.tensor([told], dtype=torch.float64))
    return found, true, own


def test_without_noise_nothing_is_averaged():
    found, _, own = smoothed(0.0, 0.0)
    assert torch.equal(found, own)


def test_under_much_noise_averages_are_nearer_to_the_truth():
    found, true, own = smoothed(0.5, 3 * 0.5**2)
    errors = [(each - true).square().mean().item() for each in (found, own)]
    assert errors[0] < 0.1 * errors[1]


def test_the_number_of_neighbours_is_near_the_best_there_is():
    known, _, counted = rows_of(300, 0.2)
    asked, true, own = rows_of(200, 0.2, random_seed=1)
    chosen = smooth_codes(known, counted, asked, own, torch.tensor([3 * 0.2**2]).double())
    distances = torch.cdist(asked[0], known[0])
    errors = []
    for count in (0, 1, 2, 4, 8, 16, 32, 64):
        near = distances.topk(count, largest=False).indices if count else torch.empty(200, 0).long()
        mean = (own[0] + counted[0][near].sum(1)) / (count + 1)
        errors.append((mean - true[0]).square().mean().item())
    assert (chosen - true).square().mean().item() <= 1.3 * min(errors)


def test_a_diverged_seed_has_no_codes():
    known, _, counted = rows_of(20, 0.1)
    asked, _, own = rows_of(10, 0.1, random_seed=1)
    found = smooth_codes(known, counted * torch.nan, asked, own, torch.tensor([0.1]).double())
    assert found.isnan().all() and found.shape == own.shape


def test_few_rows_have_few_neighbours():
    known, _, counted = rows_of(3, 0.1)
    asked, _, own = rows_of(4, 0.1, random_seed=1)
    found = smooth_codes(known, counted, asked, own, torch.tensor([0.03]).double())
    assert found.isfinite().all() and found.shape == own.shape
