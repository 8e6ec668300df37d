"""The complex step on code that has nothing to do with this library."""

import math

import numpy as np
import pytest

from tests.gradcheck.test_check import W, X, backward, forward
from tfx.gradcheck import NotComplexSafe, check_gradients, complex_step_derivative


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: x * x * x, lambda x: 3 * x * x),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    ],
)
def test_it_is_exact_to_rounding(function, slope):
    x, dy = np.array([0.7, 1.9]), np.array([1.5, -0.5])
    found = complex_step_derivative(lambda x: (function(x), None), {"x": x}, "x", np.ones(2), dy)
    assert found == pytest.approx((dy * slope(x)).sum(), rel=4e-16)


def test_a_right_gradient_agrees_to_fifteen_digits_where_one_difference_gives_ten():
    by_complex_step = check_gradients(forward, backward, {"x": X, "w": W}, method="complex")
    by_difference = check_gradients(forward, backward, {"x": X, "w": W}, method="central")
    assert by_complex_step.passes and by_complex_step.worst < 1e-15
    assert by_difference.passes and 1e-12 < by_difference.worst < 1e-8


@pytest.mark.parametrize("off", [1e-7, 1e-10])
def test_a_mistake_far_below_the_noise_of_differences_is_caught(off):
    def nearly(dy, cache):
        dx, dw = backward(dy, cache)
        dw[2, 1] *= 1 + off
        return dx, dw

    report = check_gradients(forward, nearly, {"x": X, "w": W}, method="complex")
    assert not report.passes
    assert (report.worst_input.name, report.worst_input.index) == ("w", (2, 1))
    assert check_gradients(forward, nearly, {"x": X, "w": W}, method="central").passes


def test_kinks_do_no_harm():
    x = np.array([1e-4, -1e-4, 2.0])
    report = check_gradients(
        lambda x: (np.maximum(x, 0), x > 0), lambda dy, mask: dy * mask, {"x": x}, method="complex"
    )
    assert report.passes


def test_directions_work_too():
    report = check_gradients(forward, backward, {"x": X, "w": W}, method="complex", directions=2)
    assert report.worst < 1e-14 and {found.n_checked for found in report.inputs.values()} == {2}


def into_a_float_buffer(x):
    y = np.zeros(x.shape)
    y[...] = x * x
    return y


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (np.abs, "made a real output .float64. of complex x"),
        (lambda x: x / np.std(x), "not analytic"),
        (lambda x: x * np.linalg.norm(x), "not analytic"),
        (lambda x: np.vectorize(math.erf)(x), "does not work on complex x"),
        (np.floor, "does not work on complex x"),
        (into_a_float_buffer, "does not work on complex x.*discards the imaginary part"),
        (lambda x: x.real, "made a real output"),
    ],
    ids=["abs", "std", "norm", "math.erf", "floor", "float buffer", "real part"],
)
def test_a_forward_that_is_not_complex_safe_is_a_clear_error_and_not_a_wrong_number(function, words):
    x = np.array([[0.3, -1.2, 0.8]])
    with pytest.raises(NotComplexSafe, match=words):
        check_gradients(lambda x: (function(x), None), lambda dy, cache: dy, {"x": x}, method="complex")


def test_an_input_that_has_no_part_in_the_output_has_slope_zero():
    report = check_gradients(
        lambda x, unused: (x * 2, unused),
        lambda dy, unused: (dy * 2, np.zeros_like(unused)),
        {"x": X, "unused": W},
        method="complex",
    )
    assert report.passes and report.inputs["unused"].numeric == 0.0


def test_a_buffer_in_the_dtype_of_another_input_holds_the_result():
    def product(x, w):
        y = np.empty((3, 2), dtype=w.dtype)
        y[...] = x @ w
        return y, (x, w)

    report = check_gradients(
        product, lambda dy, cache: (dy @ cache[1].T, cache[0].T @ dy), {"x": X, "w": W}, method="complex"
    )
    assert report.passes


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match='richardson, complex, central, not "forward"'):
        check_gradients(forward, backward, {"x": X, "w": W}, method="forward")
