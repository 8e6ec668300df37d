"""Numeric derivatives against derivatives that are known exactly."""

import math

import numpy as np
import pytest

from tfx.gradcheck import directional_derivative, numeric_gradient, richardson


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (math.exp, 0.7, math.exp(0.7)),
        (math.sin, 2.0, math.cos(2.0)),
        (lambda x: 1 / (1 + x * x), 1.5, -3 / (1 + 2.25) ** 2),
        (lambda x: 3 * x, 5.0, 3.0),
    ],
)
def test_richardson_gives_eleven_digits_where_one_step_gives_five(function, x, slope):
    def difference(h):
        return (function(x + h) - function(x - h)) / (2 * h)

    value, uncertainty = richardson(difference)
    assert abs(value - slope) <= 1e-11 * abs(slope)
    assert uncertainty <= 1e-9
    if slope != 3.0:
        assert abs(difference(5e-3) - slope) > 1e-7 * abs(slope), "one step alone is not good enough"


def test_the_estimated_error_is_large_at_a_kink():
    smooth = richardson(lambda h: ((0.5 + h) ** 2 - (0.5 - h) ** 2) / (2 * h))
    kink = richardson(lambda h: (max(0.0, 1e-6 + h) - max(0.0, 1e-6 - h)) / (2 * h), levels=3)
    assert smooth[1] < 1e-12 < 1e-5 < kink[1]


@pytest.mark.parametrize("distance", [1e-3, 4e-4])
def test_a_kink_that_is_not_too_close_is_stepped_around(distance):
    value, uncertainty = richardson(lambda h: (max(0.0, distance + h) - max(0.0, distance - h)) / (2 * h))
    assert value == pytest.approx(1.0, abs=1e-12) and uncertainty < 1e-11


def test_a_small_radius_of_convergence_is_noticed_and_the_step_made_shorter():
    """sqrt(x^2 + 1e-6) bends within 1e-3 of 0: at x = 3e-3 the first steps are longer than the series converges."""

    def difference(h):
        return (math.hypot(3e-3 + h, 1e-3) - math.hypot(3e-3 - h, 1e-3)) / (2 * h)

    assert richardson(difference)[0] == pytest.approx(3e-3 / math.hypot(3e-3, 1e-3), rel=1e-9)


def test_a_saturated_softmax_is_not_leapt_over():
    """With a first step of 0.1 both sides saturate and the derivative seems to be 0, with an estimated error of 0."""

    def sigmoid_difference(h):
        return (1 / (1 + math.exp(-100 * h)) - 1 / (1 + math.exp(100 * h))) / (2 * h)

    assert richardson(sigmoid_difference)[0] == pytest.approx(25.0, rel=1e-8)


def test_numeric_gradient_of_a_quadratic_form():
    rng = np.random.default_rng(0)
    a, x = rng.standard_normal((4, 4)), rng.standard_normal(4)
    np.testing.assert_allclose(numeric_gradient(lambda x: x @ a @ x, x), (a + a.T) @ x, rtol=1e-11)


def test_directional_derivative_is_the_gradient_times_the_direction():
    rng = np.random.default_rng(1)
    x, w, dy, direction = (rng.standard_normal(s) for s in ((3, 4), (4, 2), (3, 2), (3, 4)))
    value, _ = directional_derivative(lambda x: (np.tanh(x @ w), None), {"x": x}, "x", direction, dy)
    exact = (((dy * (1 - np.tanh(x @ w) ** 2)) @ w.T) * direction).sum()
    assert value == pytest.approx(exact, rel=1e-11)
