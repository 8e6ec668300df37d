"""Positions of squares on a grid: row and column are told apart."""

import numpy as np
import pytest

from tfx.nn.grid_positions import GridPositions
from tfx.ops.positions.positions import sinusoidal_positions


def test_each_square_gets_its_row_and_its_column_and_the_class_token_nothing():
    y, _ = GridPositions((2, 3), n_before=1).forward(np.zeros((1, 7, 8)))
    assert not y[0, 0].any()
    line = sinusoidal_positions(3, 4)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(y[0, 1 + i * 3 + j], [*line[i], *line[j]], rtol=0, atol=1e-15)


def test_nothing_is_learnt_and_the_gradient_passes():
    positions = GridPositions((2, 3))
    x = np.random.default_rng(0).standard_normal((2, 6, 8)).astype("float32")
    y, cache = positions.forward(x)
    assert y.dtype == np.float32 and positions.parameters() == {}
    assert np.array_equal(positions.backward(y, cache), y)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="the table has 6 rows"):
        GridPositions((2, 3)).forward(np.zeros((1, 7, 8)))
    with pytest.raises(ValueError, match="width 9"):
        GridPositions((2, 3)).forward(np.zeros((1, 6, 9)))
