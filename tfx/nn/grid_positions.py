"""Positions of squares on a grid: computed sinusoids, half of the width for the row and half for the column.

    x[n_before + i w + j] += [PE(i); PE(j)]            w squares in a row; tokens before the grid get nothing

Source: Parmar et al. 2018, "Image Transformer", section 3.1; Dosovitskiy et al. 2021, appendix D.4, compare such
positions with learned ones.
"""

from __future__ import annotations

from tfx.backend import Array, xp_of
from tfx.ops.positions.positions import PositionsCache, add_positions_forward, grid_positions
from tfx.params import Layer


class GridPositions(Layer):
    """Owns no parameters.  grid: (rows, columns); n_before: tokens before the grid, such as a class token."""

    def __init__(self, grid: tuple[int, int], n_before: int = 0) -> None:
        self.grid = grid
        self.n_before = n_before

    def forward(self, x: Array) -> tuple[Array, PositionsCache]:
        """x: (..., n_before + rows columns, C) -> y of the same shape.

        Raises ValueError for an odd width or more tokens than places.
        """
        xp, width = xp_of(x), x.shape[-1]
        nothing = xp.zeros((self.n_before, width), dtype=x.dtype)
        places = grid_positions(*self.grid, width, dtype=x.dtype, xp=xp)
        return add_positions_forward(x, xp.concatenate((nothing, places)))

    def backward(self, dy: Array, cache: object) -> Array:
        """dy -> dx."""
        return dy  # y = x + a constant
