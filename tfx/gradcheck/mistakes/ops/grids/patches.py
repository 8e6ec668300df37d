"""Known mistakes in tfx/ops/grids/patches.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.grids.patches import patches
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.grids.patches import PatchesCache, patch_grid, patches_backward


@wrong_backward(patches)
def axes_not_swapped(dy: Any, cache: PatchesCache) -> Any:
    """The axes are not swapped back.

    A reshape without the swap of axes: the numbers of one square land in a strip of the image.

    Why: dy holds as many numbers as the image, so one reshape gives the right shape and raises no error.
    Hint: Between the two reshapes of the forward pass, which axes change places?
    """
    return dy.reshape(cache.shape)


@wrong_backward(patches)
def column_by_column(dy: Any, cache: PatchesCache) -> Any:
    """The squares are read column by column.

    Why: Row by row and column by column give the same number of patches.
    Hint: Which square comes second: the one to the right, or the one below?
    """
    h, w = patch_grid(cache.shape, cache.patch)
    turned = dy.reshape(dy.shape[0], w, h, dy.shape[2]).swapaxes(1, 2).reshape(dy.shape)
    return patches_backward(turned, cache)
