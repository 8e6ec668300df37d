"""The sigmoid and its family against their definitions, in exact small values and in both tails."""

import math

import numpy as np
import pytest

from tfx.ops.feed_forward.activations import relu_forward
from tfx.ops.feed_forward.sigmoid import (
    mish_forward,
    sigmoid_forward,
    silu_backward,
    silu_forward,
    softplus_forward,
    tanh_forward,
)

X = np.linspace(-30, 30, 1201)


def test_the_sigmoid_is_its_formula():
    np.testing.assert_allclose(sigmoid_forward(X)[0], [1 / (1 + math.exp(-x)) for x in X], rtol=1e-15)


def test_opposite_numbers_share_one():
    np.testing.assert_allclose(sigmoid_forward(X)[0] + sigmoid_forward(-X)[0], 1, rtol=1e-15)


def test_a_very_negative_number_keeps_its_digits():
    assert sigmoid_forward(np.array([-700.0]))[0][0] == pytest.approx(math.exp(-700), rel=1e-14)
    assert softplus_forward(np.array([-700.0]))[0][0] == pytest.approx(math.exp(-700), rel=1e-14)
    assert mish_forward(np.array([-700.0]))[0][0] == pytest.approx(-700 * math.exp(-700), rel=1e-14)


def test_tanh_is_the_sigmoid_stretched():
    np.testing.assert_allclose(tanh_forward(X)[0], 2 * sigmoid_forward(2 * X)[0] - 1, atol=3e-16)


def test_softplus_is_its_formula_and_its_odd_part_is_half_of_x():
    np.testing.assert_allclose(softplus_forward(X)[0], [math.log1p(math.exp(x)) for x in X], rtol=1e-14)
    np.testing.assert_allclose(softplus_forward(X)[0] - softplus_forward(-X)[0], X, rtol=1e-14)


def test_mish_is_its_formula():
    want = [x * math.tanh(math.log1p(math.exp(x))) for x in X]
    np.testing.assert_allclose(mish_forward(X)[0], want, rtol=1e-14)


def test_silu_is_x_times_its_own_gate():
    np.testing.assert_allclose(silu_forward(X)[0], [x / (1 + math.exp(-x)) for x in X], rtol=1e-14)


def test_swish_lies_between_half_of_x_and_relu():
    np.testing.assert_array_equal(silu_forward(X, beta=0.0)[0], X / 2)
    np.testing.assert_allclose(silu_forward(X, beta=1e4)[0], relu_forward(X)[0], atol=1e-12)


def test_swish_has_the_minimum_of_the_paper():
    """Ramachandran et al. 2017: Swish-1 is not monotonic, and falls to about -0.28 near -1.28."""
    x = np.linspace(-3, 0, 30001)
    y, cache = silu_forward(x)
    assert x[y.argmin()] == pytest.approx(-1.2785, abs=1e-3) and y.min() == pytest.approx(-0.2785, abs=1e-4)
    assert abs(silu_backward(np.ones_like(x), cache)[y.argmin()]) < 1e-4
