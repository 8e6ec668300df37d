"""Positions: the sinusoids of the paper, and a learned table."""

import math

import numpy as np
import pytest

from tfx.ops.positions import add_positions_backward, add_positions_forward, sinusoidal_positions


@pytest.mark.parametrize("width", [1, 2, 7, 8])
def test_every_entry_is_the_formula(width):
    table = sinusoidal_positions(30, width)
    for p in range(30):
        for column in range(width):
            angle = p / 10000 ** (2 * (column // 2) / width)
            assert table[p, column] == pytest.approx((math.sin, math.cos)[column % 2](angle), abs=1e-14)


def test_a_shift_is_a_rotation_that_does_not_depend_on_the_place():
    table, width, shift = sinusoidal_positions(40, 6), 6, 3
    for i in range(0, width, 2):
        angle = shift / 10000 ** (i / width)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        np.testing.assert_allclose(table[shift:, i : i + 2], table[:-shift, i : i + 2] @ turn.T, atol=1e-13)


def test_every_row_has_the_same_length():
    np.testing.assert_allclose((sinusoidal_positions(50, 8) ** 2).sum(axis=1), 4, rtol=1e-13)


def test_the_first_column_is_the_fastest():
    table = sinusoidal_positions(100, 8)
    changes = np.abs(np.diff(table, axis=0)).mean(axis=0)
    assert (np.diff(changes[0::2]) < 0).all() and (np.diff(changes[1::2]) < 0).all()


def test_start_cuts_a_piece_from_the_longer_table_and_dtype_is_kept():
    assert np.array_equal(sinusoidal_positions(3, 4, start=5), sinusoidal_positions(8, 4)[5:])
    assert sinusoidal_positions(3, 4, dtype="float32").dtype == np.float32
    assert sinusoidal_positions(0, 4).shape == (0, 4)


def test_rows_that_were_not_used_get_no_gradient():
    x, table = np.zeros((2, 3, 4)), np.random.default_rng(0).standard_normal((8, 4))
    y, cache = add_positions_forward(x, table, start=2)
    assert np.array_equal(y[1], table[2:5])
    dx, dtable = add_positions_backward(np.ones((2, 3, 4)), cache)
    assert np.array_equal(dx, np.ones((2, 3, 4)))
    assert np.array_equal(dtable[:, 0], [0, 0, 2, 2, 2, 0, 0, 0]), "both sequences used rows 2, 3 and 4"


def test_length_zero_works_both_ways():
    y, cache = add_positions_forward(np.zeros((2, 0, 4)), np.ones((8, 4)))
    dx, dtable = add_positions_backward(y, cache)
    assert dx.shape == (2, 0, 4) and not dtable.any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: add_positions_forward(np.ones((9, 4)), np.ones((8, 4))), "positions 0 to 8 are asked for .* 8 rows"),
        (lambda: add_positions_forward(np.ones((3, 4)), np.ones((8, 4)), start=6), "positions 6 to 8"),
        (lambda: add_positions_forward(np.ones((3, 5)), np.ones((8, 4))), "x has width 5 but the position table has 4"),
        (lambda: sinusoidal_positions(3, 0), "width >= 1"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
