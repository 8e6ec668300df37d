"""Known mistakes in tfx/ops/positions/relative_offsets.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.cases.ops.positions.relative_offsets import offset_bias, relative_shift
from tfx.gradcheck.mistake import Mistake
from tfx.ops.positions.relative_offsets import OffsetBiasCache, RelativeShiftCache, offset_bias_backward


def relative_shift_left_out(dy: Any, cache: RelativeShiftCache) -> Any:
    """Every row is moved by as much as the last one, that is, not at all."""
    dx = xp_of(dy).zeros((*dy.shape[:-1], cache.width))
    dx[..., : dy.shape[-1]] = dy
    return dx


def offset_bias_averaged(dbias: Any, cache: OffsetBiasCache) -> Any:
    return offset_bias_backward(dbias, cache) / dbias.shape[1]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="relative_shift",
        name="not-moved-back",
        says="rows are not moved back",
        why="For the last row the shift is zero, so a test on one query does not show it.",
        hint="By how much was row i moved, and in which direction must its gradient go?",
        problem=relative_shift,
        wrong_backward=relative_shift_left_out,
    ),
    Mistake(
        op="offset_bias",
        name="table-averaged",
        says="the table gradient is a mean",
        why="One row of the table serves many pairs, which suggests an average.",
        hint="If one row of the table moves, how many scores move with it?",
        problem=offset_bias,
        wrong_backward=offset_bias_averaged,
    ),
)
