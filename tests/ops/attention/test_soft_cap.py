"""A soft bound for scores and logits."""

import math

import numpy as np
import pytest

from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.attention.soft_cap import soft_cap_backward, soft_cap_forward


def test_no_number_leaves_the_bounds_and_their_order_stays():
    x = np.linspace(-300, 300, 41)
    y, _ = soft_cap_forward(x, 50.0)
    assert np.abs(y).max() < 50
    assert (np.diff(y) > 0).all()


def test_small_numbers_stay_as_they_are_up_to_the_cube():
    x = np.array([-0.5, 0.1, 0.5])
    y, _ = soft_cap_forward(x, 50.0)
    np.testing.assert_allclose(y, x - x * x * x / (3 * 50.0 * 50.0), atol=1e-10)


def test_one_value_by_hand():
    assert soft_cap_forward(np.array([2.0]), 2.0)[0][0] == pytest.approx(2 * math.tanh(1.0), rel=1e-15)


def test_a_very_large_number_reaches_the_cap_without_a_gradient():
    y, cache = soft_cap_forward(np.array([1e30, -1e30]), 30.0)
    np.testing.assert_array_equal(y, [30.0, -30.0])
    np.testing.assert_array_equal(soft_cap_backward(np.ones(2), cache), [0.0, 0.0])


def test_a_huge_cap_on_the_scores_leaves_attention_as_it_is_and_a_bias_comes_after_it():
    rng = np.random.default_rng(0)
    q, k, v, bias = (rng.standard_normal(shape) for shape in ((5, 4), (7, 4), (7, 2), (5, 7)))
    plain, _ = attention_forward(q, k, v)
    np.testing.assert_allclose(attention_forward(q, k, v, soft_cap=1e6)[0], plain, rtol=1e-10)
    blocked = np.where(np.arange(7) < 4, bias, -np.inf)  # a cap behind the bias would let blocked keys in again
    _, cache = attention_forward(q, k, v, bias=blocked, soft_cap=0.1)
    assert (cache.weights[:, 4:] == 0).all()


@pytest.mark.parametrize("cap", [0, -1.0, math.nan])
def test_a_cap_has_to_be_above_zero(cap):
    with pytest.raises(ValueError, match="above 0"):
        soft_cap_forward(np.ones(2), cap)
