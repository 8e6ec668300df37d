"""Sparsemax: a point of the simplex, the nearest one, with exact zeros."""

import math

import numpy as np
import pytest

from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward


def test_the_published_case_of_two_scores():
    """Martins and Astudillo, section 2.4: [(1 + t)/2, (1 - t)/2] for a difference |t| <= 1, and one-hot beyond."""
    for t in (-3.0, -1.0, -0.4, 0.0, 0.7, 1.0, 5.0):
        y, _ = sparsemax_forward(np.array([t, 0.0]))
        share = min(max((1 + t) / 2, 0.0), 1.0)
        np.testing.assert_allclose(y, [share, 1 - share], atol=1e-15)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_rows_are_distributions_and_nearer_to_the_scores_than_any_other(scale):
    rng = np.random.default_rng(0)
    x = scale * rng.standard_normal((4, 6))
    y, _ = sparsemax_forward(x)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, atol=1e-13)
    others = rng.dirichlet(np.ones(6), size=(2000, 1))
    assert (((y - x) ** 2).sum(axis=-1) <= ((others - x) ** 2).sum(axis=-1) + 1e-9 * scale).all()


def test_a_shift_of_all_scores_changes_nothing_and_order_is_kept():
    x = np.array([[2.0, 0.5, 1.75, -1.0], [0.25, 0.5, 0.5, 0.0]])
    np.testing.assert_array_equal(sparsemax_forward(x + 1024.0)[0], sparsemax_forward(x)[0])
    y, _ = sparsemax_forward(x)
    assert y[0, 3] == y[0, 1] == 0 < y[0, 2] < y[0, 0] and y[1, 1] == y[1, 2]


def test_blocked_scores_get_nothing_and_a_fully_blocked_row_is_zero():
    x = np.array([[0.3, -math.inf, 0.1], [-math.inf, -math.inf, -math.inf]])
    y, cache = sparsemax_forward(x)
    np.testing.assert_allclose(y, [[0.6, 0.0, 0.4], [0, 0, 0]], atol=1e-15)
    dx = sparsemax_backward(np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, 1.0]]), cache)
    np.testing.assert_allclose(dx, [[-1, 0, 1], [0, 0, 0]])


def test_gradients_sum_to_zero_on_the_support_and_are_zero_elsewhere():
    rng = np.random.default_rng(1)
    y, cache = sparsemax_forward(2 * rng.standard_normal((5, 8)))
    dx = sparsemax_backward(rng.standard_normal((5, 8)), cache)
    np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-14)
    assert (dx[y == 0] == 0).all() and (y == 0).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_dtype_that_goes_in_comes_out(dtype):
    x = np.linspace(-1, 1, 2048, dtype=dtype).reshape(2, -1)
    y, cache = sparsemax_forward(x)
    assert y.dtype == dtype and sparsemax_backward(y, cache).dtype == dtype
    assert abs(y.sum(axis=-1, dtype=np.float64) - 1).max() < 3e-2


def test_nan_makes_its_row_nan_and_no_other():
    y, _ = sparsemax_forward(np.array([[0.0, np.nan, 1.0], [0.0, 1.0, 1.0]]))
    assert np.isnan(y[0]).all() and y[1].tolist() == [0.0, 0.5, 0.5]


def test_no_scores_give_no_weights():
    y, cache = sparsemax_forward(np.zeros((3, 0)))
    assert y.shape == sparsemax_backward(y, cache).shape == (3, 0)
