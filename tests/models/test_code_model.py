"""A model that is asked for its codes."""

import numpy as np
import pytest
import torch

from helpers.training import make_examples, start_of
from qdistill.models import code_model
from qdistill.models.code_model import CodeModel, build_model, spread
from qdistill.models.neighbours import NeighbourLoss
from qdistill.models.slot_model import SlotModel

ASKED = {"neighbours": {"metric": "euclidean", "nested": [2]}}


def model_of(name, settings=ASKED):
    bottleneck, prepared, parameters = start_of(name)
    return build_model(settings, bottleneck, prepared), parameters


def test_a_model_is_asked_for_codes_where_the_settings_of_its_track_ask_for_neighbours():
    model, _ = model_of("square")
    assert isinstance(model, CodeModel) and model.loss == NeighbourLoss("euclidean", (2,))
    assert type(model_of("square", {})[0]) is SlotModel


def test_what_it_gives_out_are_codes_and_those_of_linear_models_are_linear():
    x = make_examples().inputs[:9].expand(3, -1, -1)
    model, weights = model_of("square")
    h = model.encode(weights, x)
    torch.testing.assert_close(
        model.predict_rows(weights, x), h.square() / h.square().sum(-1, True)
    )
    linear, weights = model_of("linear")
    expected = x @ weights["encoder.weight"].transpose(1, 2)
    torch.testing.assert_close(linear.predict_rows(weights, x), expected)


def test_rows_are_measured_seed_by_seed_and_of_many_an_even_share(monkeypatch):
    model, weights = model_of("linear")
    x = make_examples().inputs[:20]
    codes = model.predict_rows(weights, x)
    found = model.row_losses("neighbours", codes, x)
    own = [model.loss.row_losses(each, x) for each in codes]
    torch.testing.assert_close(found, torch.stack(own))
    monkeypatch.setattr(code_model, "MOST_MEASURED", 5)
    places = [0, 5, 10, 14, 19]
    assert spread(torch.arange(20)).tolist() == places
    few = model.row_losses("neighbours", codes, x)
    torch.testing.assert_close(few[0], model.loss.row_losses(codes[0, places], x[places]))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_code_that_is_the_vector_itself_has_no_loss_and_none_below_zero(metric):
    x = torch.tensor(np.random.default_rng(0).normal(size=(1, 50, 6)).astype(np.float32))
    losses = CodeModel(start_of("linear")[0], loss=NeighbourLoss(metric)).row_losses("", x, x)
    assert (losses >= 0).all() and (losses < 1e-5).all()
