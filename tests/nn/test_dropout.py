"""Dropout keeps the mean, draws fresh masks and is silent in evaluation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.models import Encoder
from tfx.nn.dropout import Dropout


def test_dropout_keeps_the_expectation():
    rate, n = 0.3, 200_000
    y, _ = Dropout(rate).forward(np.ones(n), np.random.default_rng(0))
    standard_error = math.sqrt(rate / (1 - rate) / n)
    assert abs(y.mean() - 1) < 4 * standard_error
    assert (y == 0).mean() == pytest.approx(rate, abs=0.01)


def test_every_dropout_of_a_model_draws_its_own_mask():
    model = Encoder(9, d_model=8, n_heads=2, d_ff=8, n_layers=2, dropout=0.5)
    ids = np.random.default_rng(0).integers(9, size=(4, 6))
    _, cache = model.forward(ids, rng=np.random.default_rng(1))
    masks = [cache.input.dropout.multiplier]
    for block in cache.blocks:
        _, leave1, _, leave2 = block.around
        masks += [leave1.dropout.multiplier, leave2.dropout.multiplier]
    assert all(mask is not None and mask.shape == (4, 6, 8) for mask in masks)
    for i, mask in enumerate(masks):
        assert all(not np.array_equal(mask, other) for other in masks[:i])
    weights = [block.attention.attention.attend.dropout for block in cache.blocks]
    assert not np.array_equal(*weights)


def test_the_same_generator_state_gives_the_same_output_and_none_switches_dropout_off():
    model = Encoder(9, d_model=8, n_heads=2, d_ff=8, n_layers=1, dropout=0.5)
    ids = np.random.default_rng(0).integers(9, size=(2, 5))
    first, again = (model.forward(ids, rng=np.random.default_rng(7))[0] for _ in range(2))
    evaluated, evaluated_again = (model.forward(ids)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(evaluated, evaluated_again)
    assert not np.array_equal(first, evaluated)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_a_rate_that_is_no_probability_is_refused(rate):
    with pytest.raises(ValueError, match="dropout"):
        Dropout(rate)
