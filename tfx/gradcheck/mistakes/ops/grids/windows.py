"""Known mistakes in tfx/ops/grids/windows.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.grids.windows import merge_windows, split_windows
from tfx.gradcheck.mistake import Mistake
from tfx.ops.grids.windows import WindowsCache, merge_windows_backward, split_windows_backward


def rolled_the_same_way_again(dy: Any, cache: WindowsCache) -> Any:
    return np.roll(split_windows_backward(dy, cache), (-2 * cache.shift, -2 * cache.shift), axis=(1, 2))


def merged_without_the_shift(dx: Any, cache: WindowsCache) -> Any:
    return merge_windows_backward(dx, cache._replace(shift=0))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="split_windows",
        name="rolled-the-same-way",
        says="rolled the same way again",
        why="The shift is repeated on the way back, because the code is copied from the forward pass.",
        hint="If the forward pass moves the image up, where must the gradient move?",
        problem=lambda rng: split_windows(rng, 1),
        wrong_backward=rolled_the_same_way_again,
    ),
    Mistake(
        op="merge_windows",
        name="shift-forgotten",
        says="without the shift",
        why="Without a shift the same code is right, so half of the layers do not show the mistake.",
        hint="What happens in the forward pass after the windows are put together?",
        problem=lambda rng: merge_windows(rng, 1),
        wrong_backward=merged_without_the_shift,
    ),
)
