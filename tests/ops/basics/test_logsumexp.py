"""Log-sum-exp against sums written out, between the maximum and the maximum plus log n."""

import math

import numpy as np
import pytest

from tfx.ops.basics.logsumexp import logsumexp_backward, logsumexp_forward, minus_largest
from tfx.ops.basics.softmax import softmax_forward

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 7))


def test_it_is_its_formula():
    want = [[math.log(math.fsum(math.exp(x) for x in row)) for row in rows] for rows in X]
    np.testing.assert_allclose(logsumexp_forward(X)[0], want, rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (-1, 0), None])
def test_several_axes_are_one_after_the_other(axis):
    axes = tuple(range(3)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    want = X
    for one in axes:
        want = logsumexp_forward(want, one, keepdims=True)[0]
    kept, _ = logsumexp_forward(X, axis, keepdims=True)
    np.testing.assert_allclose(kept, want, rtol=1e-13)
    np.testing.assert_array_equal(logsumexp_forward(X, axis)[0], kept.squeeze(axes))


def test_its_gradient_is_softmax():
    y, cache = logsumexp_forward(X, 1)
    dx = logsumexp_backward(np.ones_like(y), cache)
    np.testing.assert_allclose(dx, softmax_forward(X, 1)[0], rtol=1e-13)


def test_it_lies_between_the_maximum_and_log_n_above():
    y, _ = logsumexp_forward(X)
    assert (X.max(-1) < y).all() and (y < X.max(-1) + math.log(7)).all()
    np.testing.assert_allclose(logsumexp_forward(np.full(7, 3.0))[0], 3 + math.log(7), rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_neither_overflow_nor_warn(dtype):
    x = np.array([[1e30, -1e30], [-1e30, -1e30], [math.inf, 0], [-math.inf, -math.inf], [-math.inf, 2]], dtype)
    y, _ = logsumexp_forward(x)
    np.testing.assert_array_equal(y, np.array([1e30, -1e30, math.inf, -math.inf, 2], dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_beside_infinity_nothing_else_has_a_gradient(dtype):
    x = np.array([[math.inf, 0, -math.inf], [math.inf, 7, math.inf], [0, 0, -math.inf]], dtype)
    _, cache = logsumexp_forward(x)
    np.testing.assert_array_equal(
        logsumexp_backward(np.ones(3, dtype), cache), [[1, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    )
    _, cache = logsumexp_forward(x, axis=None)
    np.testing.assert_allclose(logsumexp_backward(np.ones((), dtype), cache), np.isposinf(x) / 3, rtol=1e-3)


def test_nothing_to_sum_is_the_log_of_zero_and_has_no_gradient():
    y, cache = logsumexp_forward(np.array([[-math.inf, -math.inf], [0.0, -math.inf]]))
    assert np.array_equal(y, [-math.inf, 0])
    assert np.array_equal(logsumexp_backward(np.array([3.0, 5.0]), cache), [[0, 0], [5, 0]])
    y, cache = logsumexp_forward(np.zeros((2, 0, 4)), 1)
    assert np.array_equal(y, np.full((2, 4), -math.inf)) and logsumexp_backward(y, cache).shape == (2, 0, 4)


def test_nan_stays_nan():
    assert np.array_equal(np.isnan(logsumexp_forward(np.array([[math.nan, 0.0], [0.0, 0.0]]))[0]), [True, False])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_left_below_the_largest_is_never_infinity_minus_infinity(dtype):
    x = np.array([[1.0, 3.0], [-math.inf, -math.inf], [math.inf, 0.0], [-math.inf, 2.0]], dtype=dtype)
    left, top = minus_largest(x)
    assert left.dtype == top.dtype == dtype and top.shape == (4, 1) and np.isfinite(top).all()
    assert left[0].tolist() == [-2, 0] and left[3].tolist() == [-math.inf, 0]
    assert left[1].tolist() == [-math.inf] * 2 and left[2, 0] == math.inf and left[2, 1] < -1e38
