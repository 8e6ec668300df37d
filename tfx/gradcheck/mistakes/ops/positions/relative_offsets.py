"""Known mistakes in tfx/ops/positions/relative_offsets.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.cases.ops.positions.relative_offsets import offset_bias, relative_shift
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.positions.relative_offsets import OffsetBiasCache, RelativeShiftCache, offset_bias_backward


@wrong_backward(relative_shift)
def not_moved_back(dy: Any, cache: RelativeShiftCache) -> Any:
    """Rows are not moved back.

    Every row is moved by as much as the last one, that is, not at all.

    Why: For the last row the shift is zero, so a test on one query does not show it.
    Hint: By how much was row i moved, and in which direction must its gradient go?
    """
    dx = xp_of(dy).zeros((*dy.shape[:-1], cache.width))
    dx[..., : dy.shape[-1]] = dy
    return dx


@wrong_backward(offset_bias)
def table_averaged(dbias: Any, cache: OffsetBiasCache) -> Any:
    """The table gradient is a mean.

    Why: One row of the table serves many pairs, which suggests an average.
    Hint: If one row of the table moves, how many scores move with it?
    """
    return offset_bias_backward(dbias, cache) / dbias.shape[1]
