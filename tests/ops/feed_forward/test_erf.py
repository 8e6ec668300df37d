"""The error function against the standard library's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.feed_forward.erf import erf, erf_backward, erf_forward, erfc

EDGES = [0.46875, 4.0, 26.5, 27.3]
POINTS = np.concatenate(
    [
        np.linspace(-7, 7, 20001),
        np.linspace(-30, 30, 2001),
        *([-e, e, np.nextafter(e, 99), -np.nextafter(e, 99)] for e in EDGES),
    ]
)


def test_erf_agrees_to_the_last_bits_everywhere():
    want = np.array([math.erf(x) for x in POINTS])
    assert np.abs(erf(POINTS) - want).max() <= 3e-16
    np.testing.assert_allclose(erf(POINTS), want, rtol=1e-15, atol=0)


def test_erfc_keeps_its_digits_where_one_minus_erf_has_none():
    want = np.array([math.erfc(x) for x in POINTS])
    normal = want > 1e-300
    np.testing.assert_allclose(erfc(POINTS)[normal], want[normal], rtol=2e-15, atol=0)
    assert (erfc(POINTS)[~normal] < 1e-299).all()
    assert erfc(np.array(10.0)) > 0 and 1 - erf(np.array(10.0)) == 0


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e3, 1e3))
def test_it_is_odd_bounded_and_complementary(x):
    x = np.array([x])
    assert np.array_equal(erf(-x), -erf(x))
    assert abs(erf(x)[0]) <= 1
    assert erf(x) + erfc(x) == pytest.approx(1.0, abs=3e-16)


def test_it_rises_from_minus_one_to_one():
    x = np.array([-math.inf, -1e30, -6.0, 0.0, 6.0, 1e30, math.inf])
    assert np.array_equal(erf(x), [-1, -1, -1, 0, 1, 1, 1])
    assert np.array_equal(erfc(x)[[0, 1, 3, 5, 6]], [2, 2, 1, 0, 0])
    assert (np.diff(erf(np.linspace(-5, 5, 5001))) >= 0).all()


def test_tiny_numbers_keep_their_relative_precision():
    x = np.array([1e-300, 1e-20, -1e-8])
    np.testing.assert_allclose(erf(x), 2 / math.sqrt(math.pi) * x, rtol=1e-15)


def test_nan_stays_nan():
    assert np.isnan(erf(np.array([math.nan]))).all() and np.isnan(erfc(np.array([math.nan]))).all()


def test_float32_stays_float32_and_is_right_to_its_precision():
    x = np.linspace(-5, 5, 2001).astype("f4")
    y = erf(x)
    assert y.dtype == np.float32 and erfc(x).dtype == np.float32
    assert np.abs(y - [math.erf(v) for v in x]).max() < 3e-7


def test_a_complex_step_gives_the_bell_curve():
    x = np.linspace(-6, 6, 101)
    slope = erf(x + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(slope, 2 / math.sqrt(math.pi) * np.exp(-x * x), rtol=1e-12)


def test_length_zero_and_single_numbers_work():
    assert erf(np.zeros((2, 0))).shape == (2, 0)
    assert erf(np.float64(0.5)) == pytest.approx(math.erf(0.5), rel=1e-15)


def test_a_long_array_is_worked_on_in_blocks_with_the_same_bits():
    x = np.random.default_rng(0).standard_normal((3, 50_001))
    for function in (erf, erfc):
        pieces = np.concatenate([function(part) for part in np.split(x.reshape(-1), 9)])
        np.testing.assert_array_equal(function(x), pieces.reshape(x.shape))
        np.testing.assert_array_equal(function(x[:, ::-2]), function(x)[:, ::-2])


def test_its_slope_is_the_bell_and_vanishes_far_out():
    y, cache = erf_forward(np.array([0.0, 1.0, -1e30, math.inf]))
    slope = erf_backward(np.ones_like(y), cache)
    np.testing.assert_allclose(slope, [2 / math.sqrt(math.pi), 2 / math.sqrt(math.pi) / math.e, 0, 0], atol=1e-300)
