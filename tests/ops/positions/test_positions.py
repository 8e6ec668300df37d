"""Positions: the sinusoids of the paper, on a line and on a grid, and a learned table."""

import math

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced
from tests.strict_device import xp as device
from tfx.ops.positions.positions import (
    add_positions_backward,
    add_positions_forward,
    concat_positions_backward,
    concat_positions_forward,
    grid_positions,
    sinusoidal_positions,
    sinusoidal_rotation,
)


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


@pytest.mark.parametrize("shift", [1, 7, 1000, -3, 0.25, 0])
def test_one_matrix_turns_every_place_into_the_place_shifted_by_k(shift):
    width, speeds = 10, 10000.0 ** (-np.arange(0, 10, 2) / 10)
    turn = sinusoidal_rotation(shift, width)
    here = sinusoidal_positions(60, width)
    want = np.empty((60, width))
    want[:, 0::2] = np.sin((np.arange(60)[:, None] + shift) * speeds)
    want[:, 1::2] = np.cos((np.arange(60)[:, None] + shift) * speeds)
    np.testing.assert_allclose(here @ turn.T, want, atol=1e-12)
    np.testing.assert_allclose(turn @ here[8], want[8], atol=1e-12)


def test_the_rotation_is_made_of_blocks_and_its_inverse_is_its_transpose_and_the_way_back():
    turn = sinusoidal_rotation(3, 6)
    blocks = np.kron(np.eye(3), np.ones((2, 2)))
    assert not turn[blocks == 0].any() and turn[blocks == 1].all()
    np.testing.assert_allclose(turn @ turn.T, np.eye(6), atol=1e-15)
    np.testing.assert_array_equal(sinusoidal_rotation(-3, 6), turn.T)
    np.testing.assert_allclose(sinusoidal_rotation(2, 6) @ sinusoidal_rotation(1, 6), turn, atol=1e-15)
    assert np.array_equal(sinusoidal_rotation(0, 6), np.eye(6))


def test_the_dot_product_of_two_places_sees_only_their_distance():
    table = sinusoidal_positions(40, 8)
    scores = table @ table.T
    for k in range(1, 40):
        np.testing.assert_allclose(np.diag(scores, k), scores[0, k], atol=1e-12)
    assert np.ptp(scores[0]) > 1


def test_a_place_of_a_grid_is_its_row_beside_its_column():
    rows, columns, width = 3, 5, 12
    grid = grid_positions(rows, columns, width)
    assert grid.shape == (rows * columns, width)
    for r in range(rows):
        for c in range(columns):
            for half, p in ((grid[r * columns + c, :6], r), (grid[r * columns + c, 6:], c)):
                want = [(math.sin, math.cos)[i % 2](p / 10000 ** (i // 2 * 2 / 6)) for i in range(6)]
                np.testing.assert_allclose(half, want, atol=1e-14)
    assert len(np.unique(grid.round(9), axis=0)) == rows * columns, "every place has a row of its own"
    assert grid_positions(3, 0, 4).shape == (0, 4)


def test_written_beside_the_token_and_its_position_stay_apart():
    x, table = np.random.default_rng(1).standard_normal((2, 3, 4)), np.random.default_rng(2).standard_normal((8, 2))
    y, cache = concat_positions_forward(x, table, start=4)
    assert np.array_equal(y[..., :4], x) and np.array_equal(y[0, :, 4:], table[4:7]) and y.shape == (2, 3, 6)
    dx, dtable = concat_positions_backward(np.ones((2, 3, 6)), cache)
    assert np.array_equal(dx, np.ones((2, 3, 4))) and np.array_equal(dtable[:, 0], [0, 0, 0, 0, 2, 2, 2, 0])


def test_a_map_after_writing_beside_can_do_what_adding_does():
    rng = np.random.default_rng(3)
    x, table, w = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4)), rng.standard_normal((4, 5))
    beside = concat_positions_forward(x, table)[0] @ np.concatenate((w, w))
    np.testing.assert_allclose(beside, add_positions_forward(x, table)[0] @ w, atol=1e-13)


def test_tables_are_made_on_the_device():
    waits = synced.count
    made = [sinusoidal_rotation(3, 6, xp=device), grid_positions(2, 3, 4, xp=device)]
    assert synced.count == waits and all(isinstance(table, StrictArray) for table in made)
    assert sinusoidal_rotation(3, 6, "float32").dtype == grid_positions(2, 3, 4, "float32").dtype == np.float32


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
        (lambda: add_positions_forward(np.ones((2, 4, 5)), np.ones((8, 4))), "x has width 5 but the position table"),
        (lambda: sinusoidal_positions(3, 0), "width >= 1"),
        (lambda: sinusoidal_rotation(1, 7), "width 7 is odd"),
        (lambda: grid_positions(2, 3, 5), "width 5 cannot be shared out"),
        (lambda: concat_positions_forward(np.ones((9, 4)), np.ones((8, 2))), "positions 0 to 8 are asked for"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
