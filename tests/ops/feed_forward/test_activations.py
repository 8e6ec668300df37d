"""Activations against their definitions, and at the edges of what floats can hold."""

import math

import numpy as np
import pytest

from tfx.ops.feed_forward.activations import (
    ACTIVATIONS,
    gelu_backward,
    gelu_forward,
    gelu_tanh_forward,
    relu_backward,
    relu_forward,
)

X = np.linspace(-9, 9, 2001)
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def test_relu_keeps_what_is_positive():
    assert np.array_equal(relu_forward(X)[0], [max(x, 0.0) for x in X])


def test_relu_takes_slope_zero_at_zero():
    _, cache = relu_forward(np.array([-1.0, 0.0, 1.0]))
    assert np.array_equal(relu_backward(np.full(3, 5.0), cache), [0, 0, 5])


def test_gelu_is_x_times_the_normal_distribution():
    want = np.array([x * 0.5 * math.erfc(-x / math.sqrt(2)) for x in X])
    np.testing.assert_allclose(gelu_forward(X)[0], want, rtol=1e-13, atol=0)


def test_the_tanh_form_is_its_formula_and_within_5e_4_of_gelu():
    u = math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)
    np.testing.assert_allclose(gelu_tanh_forward(X)[0], 0.5 * X * (1 + np.tanh(u)), atol=1e-15)
    gap = np.abs(gelu_tanh_forward(X)[0] - gelu_forward(X)[0]).max()
    assert 1e-4 < gap < 5e-4


def test_gelu_has_its_minimum_where_its_gradient_vanishes():
    y, cache = gelu_forward(X)
    slope = gelu_backward(np.ones_like(X), cache)
    lowest = y.argmin()
    assert X[lowest] == pytest.approx(-0.7518, abs=0.01)
    assert slope[lowest - 2] < 0 < slope[lowest + 2]


#: Name -> (y, slope) at -inf, -1e30, 0, 1e30, inf.
LIMITS = {
    "relu": ([0, 0, 0, 1e30, math.inf], [0, 0, 0, 1, 1]),
    "gelu": ([0, 0, 0, 1e30, math.inf], [0, 0, 0.5, 1, 1]),
    "gelu_tanh": ([0, 0, 0, 1e30, math.inf], [0, 0, 0.5, 1, 1]),
    "silu": ([0, 0, 0, 1e30, math.inf], [0, 0, 0.5, 1, 1]),
    "sigmoid": ([0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
    "tanh": ([-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
    "softplus": ([0, 0, math.log(2), 1e30, math.inf], [0, 0, 0.5, 1, 1]),
    "mish": ([0, 0, 0, 1e30, math.inf], [0, 0, 0.6, 1, 1]),
    "identity": ([-math.inf, -1e30, 0, 1e30, math.inf], [1, 1, 1, 1, 1]),
}


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_extremes_give_their_limits_without_a_warning(name, dtype):
    forward, backward = ACTIVATIONS[name]
    x = np.array([-math.inf, -1e30, 0, 1e30, math.inf], dtype)
    y, cache = forward(x)
    want_y, want_slope = LIMITS[name]
    rounding = 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, np.array(want_y, dtype), rtol=rounding, atol=1e-36)
    np.testing.assert_allclose(backward(np.ones_like(x), cache), want_slope, rtol=rounding, atol=1e-35)


@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_tanh"])
def test_far_out_it_is_zero_or_x(name):
    forward, backward = ACTIVATIONS[name]
    y, cache = forward(np.array([-50.0, 50.0]))
    below = 1e-35 if name == "gelu_tanh" else 0  # its sigmoid ends at 1e-38
    np.testing.assert_allclose(y, [0, 50], rtol=0, atol=below)
    np.testing.assert_allclose(backward(np.ones(2), cache), [0, 1], rtol=0, atol=below)


@every_activation
def test_nan_stays_nan(name):
    assert np.isnan(ACTIVATIONS[name][0](np.array([math.nan]))[0]).all()


@every_activation
def test_length_zero_works_both_ways(name):
    forward, backward = ACTIVATIONS[name]
    y, cache = forward(np.zeros((2, 0)))
    assert y.shape == backward(y, cache).shape == (2, 0)
