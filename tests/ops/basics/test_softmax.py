"""Softmax: a distribution, its Jacobian, and its edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian, softmax_jacobian_norm

RNG = np.random.default_rng(0)
scores = arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=st.floats(-50, 50))


def softmax(x, axis=-1):
    return softmax_forward(x, axis)[0]


@settings(max_examples=40, deadline=None)
@given(scores)
def test_a_slice_is_a_distribution(x):
    y = softmax(x)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(scores, st.floats(-30, 30))
def test_adding_a_constant_to_every_score_changes_nothing(x, shift):
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=1e-11)


@settings(max_examples=25, deadline=None)
@given(scores)
def test_the_gradient_sums_to_zero_because_the_outputs_sum_to_one(x):
    _, cache = softmax_forward(x)
    dx = softmax_backward(np.random.default_rng(1).standard_normal(x.shape), cache)
    np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-14 * x.shape[-1])


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_any_axis_is_the_last_axis_moved(axis):
    x = RNG.standard_normal((3, 4, 5))
    moved = np.moveaxis(softmax(np.moveaxis(x, axis, -1)), -1, axis)
    np.testing.assert_allclose(softmax(x, axis), moved, rtol=1e-14)


def test_the_backward_is_the_jacobian_applied():
    x, dy = RNG.standard_normal((2, 3, 6)), RNG.standard_normal((2, 3, 6))
    y, cache = softmax_forward(x)
    jacobian = softmax_jacobian(y)
    assert np.array_equal(jacobian, jacobian.swapaxes(-1, -2)), "it is symmetric"
    np.testing.assert_allclose(softmax_backward(dy, cache), (jacobian @ dy[..., None])[..., 0], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_of_1e30_neither_overflow_nor_lose_the_winner(dtype):
    assert np.array_equal(softmax(np.array([1e30, -1e30, 0], dtype)), [1, 0, 0])
    assert np.array_equal(softmax(np.array([1e30, 1e30], dtype)), [0.5, 0.5])


def test_a_blocked_entry_gets_exactly_zero_and_the_rest_share_the_whole():
    y = softmax(np.array([0.0, -math.inf, 0.0]))
    assert np.array_equal(y, [0.5, 0, 0.5])


def test_a_fully_blocked_row_is_zero_and_has_no_gradient():
    x = np.array([[-math.inf, -math.inf], [0.0, 0.0]])
    y, cache = softmax_forward(x)
    assert np.array_equal(y, [[0, 0], [0.5, 0.5]])
    assert np.array_equal(softmax_backward(np.array([[3.0, -1], [1, 1]]), cache), np.zeros((2, 2)))


def test_nan_stays_nan_in_its_own_row():
    y = softmax(np.array([[math.nan, 0.0], [0.0, 0.0]]))
    assert np.isnan(y[0]).all() and np.array_equal(y[1], [0.5, 0.5])


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_length_zero_gives_length_zero(shape):
    y, cache = softmax_forward(np.zeros(shape))
    assert y.shape == shape and softmax_backward(np.zeros(shape), cache).shape == shape


@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0, 30.0, 300.0])
def test_the_norm_of_the_jacobian_is_that_of_the_matrix(scale):
    y, _ = softmax_forward(scale * np.random.default_rng(3).standard_normal((2, 4, 6)))
    matrix = softmax_jacobian(y)
    want = np.sqrt((matrix * matrix).sum(axis=(-2, -1)))
    np.testing.assert_allclose(softmax_jacobian_norm(y), want, rtol=1e-13, atol=1e-300)
    assert softmax_jacobian_norm(y).shape == (2, 4)


def test_the_norm_keeps_its_digits_where_powers_cancel():
    y, _ = softmax_forward(np.array([25.0, 0.0, -1.0]))
    s2, s3 = (y**2).sum(), (y**3).sum()
    by_powers = np.sqrt(max(s2 - 2 * s3 + s2 * s2, 0.0))
    want = np.linalg.norm(softmax_jacobian(y))
    assert abs(softmax_jacobian_norm(y) / want - 1) < 1e-13 < 1e-3 < abs(by_powers / want - 1)


def test_the_norm_of_one_outcome_is_zero():
    assert softmax_jacobian_norm(np.ones((3, 1))).tolist() == [0, 0, 0]
