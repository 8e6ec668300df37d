"""Windows on a grid: a permutation, its inverse, and the mask behind a shift."""

import numpy as np
import pytest

from tfx.ops.grids.windows import (
    merge_windows_backward,
    merge_windows_forward,
    shifted_window_mask,
    split_windows_backward,
    split_windows_forward,
)

X = np.random.default_rng(0).standard_normal((2, 4, 6, 3))


def test_each_window_holds_its_square_row_by_row():
    y, _ = split_windows_forward(X, 2)
    assert y.shape == (2, 6, 4, 3)
    assert np.array_equal(y[:, 4], X[:, 2:4, 2:4].reshape(2, 4, 3))  # second row of windows, second column


def test_a_shift_moves_the_borders_and_wraps_around():
    y, _ = split_windows_forward(X, 2, shift=1)
    assert np.array_equal(y[:, 0], X[:, 1:3, 1:3].reshape(2, 4, 3))
    corners = np.stack([X[:, 3, 5], X[:, 3, 0], X[:, 0, 5], X[:, 0, 0]], axis=1)
    assert np.array_equal(y[:, 5], corners)


@pytest.mark.parametrize("shift", [0, 1])
def test_merging_undoes_splitting_and_backward_is_the_inverse(shift):
    y, split = split_windows_forward(X, 2, shift)
    x, merge = merge_windows_forward(y, (4, 6), 2, shift)
    assert np.array_equal(x, X)
    assert np.array_equal(split_windows_backward(y, split), X)
    assert np.array_equal(merge_windows_backward(X, merge), y)


def test_windows_are_merged_where_they_stand_unless_a_shift_is_given():
    assert np.array_equal(merge_windows_forward(split_windows_forward(X, 2)[0], (4, 6), 2)[0], X)


def test_without_a_shift_everybody_in_a_window_are_neighbours():
    assert shifted_window_mask((4, 6), 2, 0).all()


@pytest.mark.parametrize(("grid", "window", "shift"), [((4, 6), 2, 1), ((8, 4), 4, 1), ((6, 6), 3, 2)])
def test_places_attend_to_each_other_only_where_the_window_did_not_wrap_between_them(grid, window, shift):
    """Two places of a window are neighbours when they are as far apart on the grid as they are in the window."""
    rows, columns = np.meshgrid(*(np.arange(n) for n in grid), indexing="ij")
    places = np.stack((rows, columns), axis=-1)[None]
    on_grid, _ = split_windows_forward(places, window, shift)  # (1, N, M M, 2)
    in_window = np.stack(np.meshgrid(np.arange(window), np.arange(window), indexing="ij"), axis=-1).reshape(-1, 2)
    apart = on_grid[0, :, :, None] - on_grid[0, :, None, :]
    want = (apart == in_window[:, None] - in_window[None, :]).all(axis=-1)
    assert np.array_equal(shifted_window_mask(grid, window, shift), want)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="cannot be cut into squares of 4 x 4"):
        split_windows_forward(X, 4)
    with pytest.raises(ValueError, match="cannot be cut into squares of 4 x 4"):
        shifted_window_mask((4, 6), 4, 1)
    with pytest.raises(ValueError, match=r"\(4, 6\)"):
        split_windows_forward(X[0, :, :, 0], 2, 1)
    with pytest.raises(ValueError, match="do not fill a grid of 4 x 4"):
        merge_windows_forward(np.ones((2, 6, 4, 3)), (4, 4), 2)
    with pytest.raises(ValueError, match="a shift of 2 makes no sense for windows of 2"):
        shifted_window_mask((4, 6), 2, 2)
