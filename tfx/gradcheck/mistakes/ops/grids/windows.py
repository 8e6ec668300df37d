"""Known mistakes in tfx/ops/grids/windows.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.grids.windows import merge_windows, split_windows
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.grids.windows import WindowsCache, merge_windows_backward, split_windows_backward


@wrong_backward(split_windows, shift=1)
def rolled_the_same_way(dy: Any, cache: WindowsCache) -> Any:
    """Rolled the same way again.

    Why: The shift is repeated on the way back, because the code is copied from the forward pass.
    Hint: If the forward pass moves the image up, where must the gradient move?
    """
    return np.roll(split_windows_backward(dy, cache), (-2 * cache.shift, -2 * cache.shift), axis=(1, 2))


@wrong_backward(merge_windows, shift=1)
def shift_forgotten(dx: Any, cache: WindowsCache) -> Any:
    """Without the shift.

    Why: Without a shift the same code is right, so half of the layers do not show the mistake.
    Hint: What happens in the forward pass after the windows are put together?
    """
    return merge_windows_backward(dx, cache._replace(shift=0))
