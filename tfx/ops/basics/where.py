"""Where: one of two arrays, place by place.  Masking is the case in which one of them is a constant.

    y = x where the mask is True, else other

Derivation.  Every y is one x or one other, so its gradient goes there whole and the one that was not chosen gets 0:

    dx = dy where the mask is True, else 0              dother = 0 where the mask is True, else dy

An x or other that was stretched to the shape of y was used many times, and its gradient is a sum.  A NaN that is not
chosen does no harm in y; but where it was *computed*, its own backward meets 0 * NaN.  Make the input harmless first,
choose afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.broadcast import fold


class WhereCache(NamedTuple):
    mask: Array
    x: Array
    other: Array


@in_float32
def where_forward(mask: Array, x: Array, other: Array) -> tuple[Array, WhereCache]:
    """mask: boolean; mask, x and other broadcast together -> y of their common shape.

    Raises TypeError when the mask is not boolean.
    """
    if mask.dtype != bool:
        raise TypeError(f"mask must be boolean (True = take x), not {mask.dtype}")
    return xp_of(mask, x, other).where(mask, x, other), WhereCache(mask, x, other)


@in_float32
def where_backward(dy: Array, cache: WhereCache) -> tuple[Array, Array]:
    """dy: shape of y -> dx: shape of x, dother: shape of other."""
    mask, x, other = cache
    xp = xp_of(dy)
    dx, dother = xp.where(mask, dy, 0), xp.where(mask, 0, dy)  # y = x where mask, else other
    return fold(dx, x), fold(dother, other)
