"""Projections that are fixed before training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.training import make_examples, spoil
from qdistill.errors import DataError
from qdistill.models.bottlenecks.square import Square
from qdistill.models.projections import CLASS_SCALE, fixed_projections
from qdistill.models.slot_model import SlotModel


def test_identity_passes_everything_through():
    examples = make_examples("squares", features=8)
    fixed = fixed_projections("identity", examples, 8)
    model = SlotModel(Square(8), projections=fixed)
    x = examples.inputs[:5].expand(3, -1, -1)
    assert torch.equal(model.encode({}, x), x)
    assert torch.equal(model.decode({}, x), x)


@pytest.mark.parametrize("width", [4, 16])
def test_identity_needs_the_width(width):
    examples = make_examples(features=8)
    with pytest.raises(DataError, match=f"'identity' need {width} features .* found 8 and 8"):
        fixed_projections("identity", examples, width)


def test_the_encoder_is_that_of_pca():
    """Its rows are the principal axes; on the pool, amplitudes are 1 ± 1/3, uncorrelated."""
    examples = make_examples("noisy map")
    pool = examples.inputs[examples.unlabelled].double().numpy()
    fixed = fixed_projections("pca", examples, 8)
    shapes = {"encoder.weight": (3, 8, 12), "decoder.weight": (3, 12, 8)}
    shapes |= {"encoder.bias": (3, 8), "decoder.bias": (3, 12)}
    assert {name: (*tensor.shape,) for name, tensor in fixed.items()} == shapes
    assert all(torch.equal(tensor[0], tensor[2]) for tensor in fixed.values())
    rows = fixed["encoder.weight"][0].double().numpy()
    axes = np.linalg.svd(pool - pool.mean(axis=0), full_matrices=False)[2][:8]
    cosines = np.abs((rows * axes).sum(axis=1)) / np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-6)
    h = pool @ rows.T + fixed["encoder.bias"][0].numpy()
    np.testing.assert_allclose(h.mean(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(np.cov(h.T), np.eye(8) / 9, atol=1e-5)


def test_the_decoder_is_the_least_squares_readout_of_the_squares():
    examples = make_examples("noisy map")
    fixed = fixed_projections("pca", examples, 8)
    pool = examples.inputs[examples.unlabelled]
    model = SlotModel(Square(8), projections=fixed)
    h = model.encode({}, pool.expand(3, -1, -1))[0].double()
    squares = (h.square() / h.square().sum(1, keepdim=True)).numpy()
    design = np.hstack([squares, np.ones((len(pool), 1))])
    reference = design @ np.linalg.lstsq(design, pool.double().numpy())[0]
    predicted = model.predict_rows({}, pool)[0].numpy()
    np.testing.assert_allclose(predicted, reference, atol=1e-4)


def test_only_features_of_unlabelled_rows_are_looked_at():
    examples = make_examples()
    everything = np.arange(len(examples.inputs))
    others = np.setdiff1d(everything, examples.unlabelled)
    fixed = fixed_projections("pca", examples, 8)
    same = fixed_projections("pca", spoil(examples, inputs=others, targets=everything), 8)
    assert all(torch.equal(tensor, same[name]) for name, tensor in fixed.items())
    other = fixed_projections("pca", spoil(examples, inputs=examples.unlabelled[:1]), 8)
    assert not torch.equal(fixed["encoder.weight"], other["encoder.weight"])


def test_pca_needs_features_and_rows_that_vary_in_as_many_directions():
    examples = make_examples()
    few = replace(examples, unlabelled=examples.unlabelled[:8])
    with pytest.raises(DataError, match="more than 8 unlabelled rows; found 12, 12 and 8"):
        fixed_projections("pca", few, 8)
    with pytest.raises(DataError, match="need 16 or more features"):
        fixed_projections("pca", examples, 16)
    enough = replace(examples, unlabelled=examples.unlabelled[:9])
    assert fixed_projections("pca", enough, 8)["encoder.weight"].isfinite().all()
    examples.inputs[:, 5:] = 0.25
    with pytest.raises(DataError, match="vary in 8 or more directions, found 5"):
        fixed_projections("pca", examples, 8)


def test_of_classes_each_has_the_sum_of_its_own_codes():
    examples = make_examples("classes")  # of three; the features are those of the noisy map
    fixed = fixed_projections("pca", examples, 8)
    as_features = replace(examples, targets=examples.inputs, task="reconstruct")
    encoder = fixed_projections("pca", as_features, 8)
    for name in ("encoder.weight", "encoder.bias"):
        assert torch.equal(fixed[name], encoder[name])
    z = torch.rand(3, 5, 8, generator=torch.Generator().manual_seed(0))
    found = SlotModel(Square(8), projections=fixed).decode({}, z) / CLASS_SCALE
    wanted = torch.stack([z[..., :3].sum(-1), z[..., 3:6].sum(-1), z[..., 6:].sum(-1)], -1)
    torch.testing.assert_close(found, wanted)


def test_more_classes_than_codes_are_refused():
    examples = make_examples("classes")
    many = replace(examples, targets=torch.eye(9)[torch.arange(len(examples.inputs)) % 9])
    with pytest.raises(DataError, match="8 codes are too few for 9 classes; take more qubits"):
        fixed_projections("pca", many, 8)


def test_a_code_of_one_class_alone_has_next_to_no_cross_entropy():
    fixed = fixed_projections("pca", make_examples("classes"), 8)
    z = torch.zeros(3, 1, 8).index_fill(2, torch.tensor([3]), 1.0)
    logits = SlotModel(Square(8), projections=fixed).decode({}, z)
    assert (logits.softmax(-1)[..., 1] > 0.9999).all()
