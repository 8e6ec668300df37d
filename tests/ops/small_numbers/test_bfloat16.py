"""Rounding to bfloat16: spacing, halves to even, the range of float32, and what is no number."""

import numpy as np
import pytest

from tfx.ops.small_numbers.bfloat16 import round_to_bfloat16


def test_what_has_seven_bits_behind_the_point_stays():
    x = np.array([0.0, 1.0, -1.5, 1 + 2.0**-7, 3.0e38, 2.0**-126, -(2.0**-133)], "float32")
    kept = (x.view(np.uint32) & 0xFFFF) == 0
    y = round_to_bfloat16(x)
    assert y.dtype == np.float32 and (y[kept] == x[kept]).all() and kept.sum() >= 6


def test_every_number_goes_to_the_nearest_and_halves_to_even():
    step = 2.0**-7
    x = np.array([1 + 0.49 * step, 1 + 0.51 * step, 1 + 0.5 * step, 1 + 1.5 * step], "float32")
    assert round_to_bfloat16(x).tolist() == [1, 1 + step, 1, 1 + 2 * step]
    drawn = np.random.default_rng(0).standard_normal(2000).astype("float32")
    assert np.abs(round_to_bfloat16(drawn) / drawn - 1).max() <= 2.0**-8 * (1 + 1e-6)
    assert (round_to_bfloat16(-drawn) == -round_to_bfloat16(drawn)).all()


def test_its_range_is_that_of_float32():
    tiny = np.array([1e-30, 1e30], "float32")
    assert np.isfinite(round_to_bfloat16(tiny)).all() and (round_to_bfloat16(tiny) > 0).all()
    assert round_to_bfloat16(np.float32(1e-38)) == pytest.approx(1e-38, rel=2**-8)


def test_what_is_no_number_stays():
    y = round_to_bfloat16(np.array([np.inf, -np.inf, np.nan], "float32"))
    assert y[0] == np.inf and y[1] == -np.inf and np.isnan(y[2])
    assert round_to_bfloat16(np.float32(3.4e38)) == np.inf, "beyond the largest it rounds up"
