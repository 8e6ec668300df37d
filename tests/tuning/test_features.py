"""A head on fixed features: it learns, and the model does not notice."""

import numpy as np
import pytest

from tests.tuning.models import IDS, C, trained, tune
from tfx.tuning import OnFeatures


def test_the_head_learns_and_the_model_gets_no_gradient():
    model = trained()
    before, layer = model.state(), OnFeatures(model, C, 7, np.random.default_rng(0), "float64")
    losses = tune(layer, layer, steps=6)
    assert losses[-1] < losses[0]
    assert set(layer.parameters()) == {"head.w", "head.b"} and layer.buffers() == {}
    assert all(np.array_equal(model.state()[name], value) for name, value in before.items())
    assert not any(parameter.grad.any() for parameter in model.parameters().values())


def test_the_features_do_not_depend_on_dropout_so_they_can_be_kept():
    layer = OnFeatures(trained(dropout=0.5), C, 2, np.random.default_rng(0), "float64")
    first, second = (layer.forward(IDS, rng=np.random.default_rng(seed))[0] for seed in (0, 1))
    assert np.array_equal(first, second) and first.shape == (3, 6, 2)


def test_rows_of_a_batch_are_read_up_to_their_lengths():
    layer = OnFeatures(trained(), C, 2, np.random.default_rng(0), "float64")
    padded, _ = layer.forward(IDS, np.array([6, 2, 4]))
    alone, _ = layer.forward(IDS[1:2, :2])
    assert padded[1:2, :2] == pytest.approx(alone, abs=1e-13)
