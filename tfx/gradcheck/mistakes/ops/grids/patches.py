"""Known mistakes in tfx/ops/grids/patches.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.grids.patches import patches
from tfx.gradcheck.mistake import Mistake
from tfx.ops.grids.patches import PatchesCache, patch_grid, patches_backward


def patches_as_strips(dy: Any, cache: PatchesCache) -> Any:
    """A reshape without the swap of axes: the numbers of one square land in a strip of the image."""
    return dy.reshape(cache.shape)


def patches_column_by_column(dy: Any, cache: PatchesCache) -> Any:
    h, w = patch_grid(cache.shape, cache.patch)
    turned = dy.reshape(dy.shape[0], w, h, dy.shape[2]).swapaxes(1, 2).reshape(dy.shape)
    return patches_backward(turned, cache)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="patches",
        name="axes-not-swapped",
        says="the axes are not swapped back",
        why="A single reshape gives the shape of an image, with the numbers in the wrong places.",
        hint="Between the two reshapes of the forward pass, which axes change places?",
        problem=patches,
        wrong_backward=patches_as_strips,
    ),
    Mistake(
        op="patches",
        name="column-by-column",
        says="the squares are read column by column",
        why="Row by row and column by column give the same number of patches.",
        hint="Which square comes second: the one to the right, or the one below?",
        problem=patches,
        wrong_backward=patches_column_by_column,
    ),
)
