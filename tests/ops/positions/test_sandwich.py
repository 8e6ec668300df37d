"""Sandwich: inner products of sinusoids as a bias."""

import numpy as np
import pytest

from tfx.ops.positions.positions import sinusoidal_positions
from tfx.ops.positions.sandwich import sandwich_bias


def test_it_is_the_product_of_two_sinusoidal_positions_less_its_largest_value_with_a_factor_for_each_head():
    table = sinusoidal_positions(9, 12)
    products = table @ table.T - 6
    bias = sandwich_bias(4, 9, width=12)
    assert bias.shape == (4, 9, 9)
    for head in range(4):
        np.testing.assert_allclose(bias[head], products / (8 * (head + 1) / 4), atol=1e-13)


def test_it_depends_on_the_distance_only_and_is_0_at_the_query_itself():
    bias = sandwich_bias(3, 9)
    assert np.array_equal(bias[:, 1:, 1:], bias[:, :-1, :-1])
    assert not np.diagonal(bias, axis1=1, axis2=2).any() and (bias[:, 0, 1:] < 0).all()
    np.testing.assert_allclose(bias, bias.swapaxes(1, 2), atol=1e-14)
    assert np.array_equal(sandwich_bias(3, 2, past=7), bias[:, 7:])


def test_far_keys_fall_off_more_slowly_than_in_a_straight_line():
    fall = -sandwich_bias(8, 1, 300, past=0)[0, 0]
    assert fall[1] < fall[10] < fall[100] < 3 * fall[10]


def test_dtype_and_bad_settings():
    assert sandwich_bias(2, 3, dtype="float32").dtype == np.float32
    with pytest.raises(ValueError, match="even width, not 2 heads and width 7"):
        sandwich_bias(2, 3, width=7)
    with pytest.raises(ValueError, match="not 0 heads"):
        sandwich_bias(0, 3)
    assert sandwich_bias(1, 3).shape == (1, 3, 3)
