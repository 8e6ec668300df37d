"""Windows on a grid, place by place."""

import numpy as np

from tfx.lab.cost.windows_on_a_grid import reached, window_pairs


def test_windows_without_a_shift_are_squares():
    pairs = window_pairs(4, 2)
    for i in range(16):
        for j in range(16):
            assert pairs[i, j] == (i // 8 == j // 8 and i % 4 // 2 == j % 4 // 2)


def test_a_shifted_window_joins_neighbours_and_no_opposite_ends():
    pairs = window_pairs(4, 2, 1)
    assert pairs[5, 10] and pairs[5, 6] and not pairs[0, 5] and not pairs[0, 15] and not pairs[0, 3]
    assert list(np.flatnonzero(pairs[0])) == [0] and pairs.sum(axis=1).max() == 4


def test_news_spreads_from_window_to_window():
    plain, shifted = window_pairs(4, 2), window_pairs(4, 2, 1)
    assert reached([plain, plain], 5) == [4, 4] and reached([plain, shifted], 5) == [4, 16]
