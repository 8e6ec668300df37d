"""Dropout: the mean stays, and what was dropped gets no gradient."""

import math

import numpy as np
import pytest

from tfx.ops.basics.dropout import dropout_backward, dropout_forward, dropout_mask, kept_logits


def test_a_multiplier_is_zero_or_one_over_the_share_that_is_kept():
    m = dropout_mask((100, 100), 0.25, np.random.default_rng(0))
    assert set(np.unique(m)) == {0.0, 1 / 0.75}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_mean_of_the_multiplier_is_one_within_four_standard_errors(rate):
    m = dropout_mask((400, 500), rate, np.random.default_rng(1))
    assert abs(m.mean() - 1) < 4 * math.sqrt(rate / (1 - rate) / m.size)


def test_the_same_seed_gives_the_same_mask_in_every_dtype():
    first, second = (dropout_mask((3, 4), 0.5, np.random.default_rng(2), dtype) for dtype in ("float64", "float32"))
    assert np.array_equal(first, second) and second.dtype == np.float32


def test_what_was_dropped_gets_no_gradient_and_the_rest_is_scaled():
    x = np.random.default_rng(3).standard_normal((4, 5))
    m = dropout_mask(x.shape, 0.5, np.random.default_rng(4))
    y, cache = dropout_forward(x, m)
    assert np.array_equal(y, x * m) and np.array_equal(dropout_backward(x, cache), x * m)


def test_rate_zero_and_evaluation_change_nothing():
    x = np.ones((2, 3))
    assert np.array_equal(dropout_forward(x, dropout_mask(x.shape, 0.0, np.random.default_rng(0)))[0], x)
    y, cache = dropout_forward(x, None)
    assert y is x and dropout_backward(x, cache) is x


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_a_rate_outside_zero_to_one_is_refused(rate):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        dropout_mask((2,), rate, np.random.default_rng(0))


def test_kept_logits_are_those_that_a_multiplier_would_keep():
    kept = kept_logits((200, 300), 0.3, np.random.default_rng(0))
    assert kept.dtype == bool
    assert np.array_equal(kept, dropout_mask((200, 300), 0.3, np.random.default_rng(0)) > 0)
    assert abs(kept.mean() - 0.7) < 4 * math.sqrt(0.3 * 0.7 / kept.size)
    assert kept_logits((4,), 0.0, np.random.default_rng(0)).all()
