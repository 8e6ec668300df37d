"""Two thin matrices act as one of low rank."""

import numpy as np
import pytest

from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.low_rank.low_rank_linear import low_rank_linear_backward, low_rank_linear_forward

RNG = np.random.default_rng(0)
X, U, V, B = (RNG.standard_normal(shape) for shape in ((2, 5, 6), (6, 3), (3, 8), 8))


def test_it_is_the_linear_map_of_the_product_both_ways():
    y, cache = low_rank_linear_forward(X, U, V, B)
    whole, whole_cache = linear_forward(X, U @ V, B)
    np.testing.assert_allclose(y, whole, rtol=1e-11)
    dy = RNG.standard_normal(y.shape)
    dx, du, dv, db = low_rank_linear_backward(dy, cache)
    whole_dx, dw, whole_db = linear_backward(dy, whole_cache)
    np.testing.assert_allclose(dx, whole_dx, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(db, whole_db)
    np.testing.assert_allclose(du, dw @ V.T, rtol=1e-11, atol=1e-12)  # W = U V
    np.testing.assert_allclose(dv, U.T @ dw, rtol=1e-11, atol=1e-12)


def test_with_an_identity_in_front_it_is_the_linear_map():
    np.testing.assert_array_equal(low_rank_linear_forward(X, np.eye(6), U, None)[0], linear_forward(X, U)[0])


def test_without_a_bias_its_gradient_is_none():
    y, cache = low_rank_linear_forward(X, U, V)
    assert low_rank_linear_backward(y, cache)[3] is None


def test_length_zero_works_both_ways():
    y, cache = low_rank_linear_forward(np.zeros((2, 0, 6)), U, V, B)
    dx, *rest = low_rank_linear_backward(y, cache)
    assert y.shape == (2, 0, 8) and dx.shape == (2, 0, 6) and not any(grad.any() for grad in rest)


def test_ranks_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="width 3 but w expects 4"):
        low_rank_linear_forward(X, U, RNG.standard_normal((4, 8)))
