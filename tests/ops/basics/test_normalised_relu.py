"""Normalised ReLU: shares of what is positive."""

import numpy as np
import pytest

from tfx.ops.basics.normalised_relu import normalised_relu_backward, normalised_relu_forward


def test_positive_scores_share_in_proportion_and_the_others_get_nothing():
    y, _ = normalised_relu_forward(np.array([[3.0, -2.0, 1.0, 0.0]]))
    np.testing.assert_array_equal(y, [[0.75, 0.0, 0.25, 0.0]])


def test_a_row_without_a_positive_score_has_no_weights_and_no_gradient():
    y, cache = normalised_relu_forward(np.array([[-1.0, 0.0], [-np.inf, -np.inf]]))
    assert (y == 0).all() and (normalised_relu_backward(np.ones((2, 2)), cache) == 0).all()


def test_a_factor_changes_nothing_and_a_shift_does():
    x = np.random.default_rng(0).standard_normal((4, 5))
    y, _ = normalised_relu_forward(x)
    np.testing.assert_allclose(normalised_relu_forward(8 * x)[0], y, atol=1e-15)
    assert not np.allclose(normalised_relu_forward(x + 1)[0], y)


def test_the_gradient_is_orthogonal_to_the_scores():
    """Along x itself nothing changes, so dx has no part along it."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6, 7))
    _, cache = normalised_relu_forward(x)
    dx = normalised_relu_backward(rng.standard_normal((6, 7)), cache)
    np.testing.assert_allclose((dx * x).sum(axis=-1), 0, atol=1e-14)
    assert (dx[x < 0] == 0).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_dtype_that_goes_in_comes_out_and_a_long_row_does_not_overflow(dtype):
    x = np.full((1, 4096), 100, dtype=dtype)
    y, cache = normalised_relu_forward(x)
    assert y.dtype == dtype and normalised_relu_backward(y, cache).dtype == dtype
    np.testing.assert_allclose(y.astype(np.float64), 1 / 4096, rtol=1e-3)
