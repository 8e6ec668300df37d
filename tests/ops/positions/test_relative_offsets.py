"""Offsets between queries and keys, on a line and on a grid, and the shift that gives every pair its offset."""

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced
from tests.strict_device import xp as device
from tfx.ops.positions.grid_offsets import every_grid_offset, grid_offset_numbers
from tfx.ops.positions.relative_offsets import (
    every_offset,
    key_offsets,
    offset_bias_backward,
    offset_bias_forward,
    relative_shift_backward,
    relative_shift_forward,
)

RNG = np.random.default_rng(0)


def test_an_offset_is_key_minus_query():
    assert key_offsets(2, 3).tolist() == [[0, 1, 2], [-1, 0, 1]]
    assert key_offsets(2, past=2).tolist() == [[-2, -1, 0, 1], [-3, -2, -1, 0]]
    assert every_offset(2, past=2).tolist() == [-3, -2, -1, 0, 1]


@pytest.mark.parametrize(("n_queries", "n_keys", "past"), [(4, 6, 0), (4, 4, 0), (1, 5, 4), (5, 1, 0), (3, 7, 4)])
def test_the_shift_gives_every_pair_the_number_of_its_offset(n_queries, n_keys, past):
    row = every_offset(n_queries, n_keys, past).astype(float)
    y, _ = relative_shift_forward(np.broadcast_to(row, (2, n_queries, len(row))), n_keys)
    assert np.array_equal(y, np.broadcast_to(key_offsets(n_queries, n_keys, past), y.shape))


def test_every_row_reads_its_own_numbers():
    x = RNG.standard_normal((2, 4, 9))
    y, _ = relative_shift_forward(x, 6)
    for i in range(4):
        for j in range(6):
            assert np.array_equal(y[:, i, j], x[:, i, 3 - i + j])


def test_offsets_without_a_column_get_0_so_the_future_can_be_left_out():
    past, n_queries = 3, 4
    x = RNG.standard_normal((n_queries, past + n_queries))
    y, _ = relative_shift_forward(x, past + n_queries)
    future = key_offsets(n_queries, past=past) > 0
    assert not y[future].any() and y[~future].all()


def test_the_backward_is_the_transpose():
    x, dy = RNG.standard_normal((3, 4, 9)), RNG.standard_normal((3, 4, 6))
    y, cache = relative_shift_forward(x, 6)
    assert (y * dy).sum() == pytest.approx((x * relative_shift_backward(dy, cache)).sum(), rel=1e-14)


def test_pairs_that_no_number_belongs_to_send_nothing_back():
    _, cache = relative_shift_forward(np.zeros((2, 4)), 3)
    dx = relative_shift_backward(np.ones((2, 3)), cache)
    assert dx.tolist() == [[0, 1, 1, 1], [1, 1, 1, 0]]


@pytest.mark.parametrize(("n_queries", "n_keys"), [(0, 3), (3, 0), (1, 0), (0, 0), (1, 1)])
def test_zero_lengths_work_both_ways(n_queries, n_keys):
    x = np.ones((2, n_queries, max(n_queries + n_keys - 1, 0)))
    y, cache = relative_shift_forward(x, n_keys)
    assert y.shape == (2, n_queries, n_keys)
    assert relative_shift_backward(y, cache).shape == x.shape


def test_a_bias_from_a_table_of_offsets():
    table = RNG.standard_normal((9, 3))
    bias, cache = offset_bias_forward(table, 4, 6)
    for i in range(4):
        for j in range(6):
            assert np.array_equal(bias[:, i, j], table[3 - i + j])
    dtable = offset_bias_backward(np.ones((3, 4, 6)), cache)
    assert dtable[:, 0].tolist() == [1, 2, 3, 4, 4, 4, 3, 2, 1], "as many pairs as have that offset"


def test_more_columns_than_offsets_are_refused():
    with pytest.raises(ValueError, match="4 queries and 6 keys have no room for 10 offsets"):
        relative_shift_forward(np.ones((4, 10)), 6)
    with pytest.raises(ValueError, match="0 queries and 0 keys have no room for 1 offsets"):
        relative_shift_forward(np.ones((0, 1)), 0)


def test_numbers_on_a_grid_name_the_rows_and_columns_between_two_places():
    rows, columns = 3, 4
    numbers, offsets = grid_offset_numbers(rows, columns), every_grid_offset(rows, columns)
    assert offsets.shape == (5 * 7, 2) and len(np.unique(offsets, axis=0)) == 35
    for a in range(rows * columns):
        for b in range(rows * columns):
            want = [b // columns - a // columns, b % columns - a % columns]
            assert offsets[numbers[a, b]].tolist() == want


def test_offsets_are_made_on_the_device():
    waits = synced.count
    made = [key_offsets(3, xp=device), every_offset(3, xp=device)]
    made += [grid_offset_numbers(2, 3, device), every_grid_offset(2, 3, device)]
    assert synced.count == waits and all(isinstance(array, StrictArray) for array in made)
