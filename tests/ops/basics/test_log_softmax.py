"""Log-softmax: the logarithm of softmax, where softmax itself has no digits left too."""

import math

import numpy as np
import pytest

from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 7))


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_it_is_the_logarithm_of_softmax(axis):
    np.testing.assert_allclose(log_softmax_forward(X, axis)[0], np.log(softmax_forward(X, axis)[0]), rtol=1e-12)


def test_its_backward_is_softmaxs_after_the_logarithms():
    dy = RNG.standard_normal(X.shape)
    y, cache = softmax_forward(X)
    want = softmax_backward(dy / y, cache)  # log' = 1 / y
    np.testing.assert_allclose(log_softmax_backward(dy, log_softmax_forward(X)[1]), want, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_probability_too_small_for_a_float_has_a_logarithm(dtype):
    y, cache = log_softmax_forward(np.array([0.0, -5000.0, -1e30], dtype))
    assert np.array_equal(y, np.array([0.0, -5000.0, -1e30], dtype))
    assert np.array_equal(log_softmax_backward(np.array([0, 1, 0], dtype), cache), [-1, 1, 0])


@pytest.mark.parametrize("shift", [1e4, -1e4, 1e15])
def test_digits_survive_a_common_shift(shift):
    x = np.array([0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(log_softmax_forward(x + shift)[0], log_softmax_forward(x)[0], rtol=1e-14)


def test_the_gradient_sums_to_zero_because_a_common_shift_changes_nothing():
    _, cache = log_softmax_forward(X, 1)
    np.testing.assert_allclose(log_softmax_backward(RNG.standard_normal(X.shape), cache).sum(axis=1), 0, atol=1e-14)


def test_blocked_entries_have_log_probability_minus_infinity():
    y, _ = log_softmax_forward(np.array([[0.0, -math.inf, 0.0], [-math.inf] * 3]))
    np.testing.assert_allclose(y, [[-math.log(2), -math.inf, -math.log(2)], [-math.inf] * 3], rtol=1e-15)


def test_nan_stays_nan_in_its_own_row():
    y, _ = log_softmax_forward(np.array([[math.nan, 0.0], [0.0, 0.0]]))
    assert np.isnan(y[0]).all() and not np.isnan(y[1]).any()


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_length_zero_gives_length_zero(shape):
    y, cache = log_softmax_forward(np.zeros(shape))
    assert y.shape == shape and log_softmax_backward(np.zeros(shape), cache).shape == shape
