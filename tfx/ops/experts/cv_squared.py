"""The squared coefficient of variation: how uneven some numbers are, whatever their size.

    y = variance(x) / mean(x)^2               0 when all are equal, E - 1 when one has everything

Derivation.  With m = mean(x) and v = mean(x^2) - m^2,  dv/dx_i = 2 (x_i - m) / E  and  dm/dx_i = 1 / E, so

    dx_i = dy 2 / (E m^2) (x_i - m - v / m)

and sum_i x_i dx_i = 0, because y does not change when all x grow by one factor.
Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", equations 7 and 11 (population variance; nothing is
added to the mean, so a mean of 0 gives 0 here and no gradient).
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class CvSquaredCache(NamedTuple):
    centred: Array
    mean: Array
    y: Array


@in_float32
def cv_squared_forward(x: Array) -> tuple[Array, CvSquaredCache]:
    """x: (E,) -> y: scalar, cache.  A mean of 0 gives 0.  Raises ValueError for no number or several axes."""
    if x.ndim != 1 or not x.size:
        raise ValueError(f"the variation of {x.shape} is not defined: give one axis with at least one number")
    xp = xp_of(x)
    mean = x.mean()
    centred = x - mean
    nothing = mean == 0
    square = xp.where(nothing, 1, mean * mean).astype(x.dtype)
    y = xp.where(nothing, 0, (centred * centred).mean() / square).astype(x.dtype)
    return y, CvSquaredCache(centred, mean, y)


@in_float32
def cv_squared_backward(dy: Array | float, cache: CvSquaredCache) -> Array:
    """dy: scalar -> dx: (E,)."""
    centred, mean, y = cache
    xp = xp_of(centred)
    nothing = mean == 0
    safe = xp.where(nothing, 1, mean).astype(centred.dtype)
    slope = (2.0 / centred.size) * (centred / (safe * safe) - y / safe)  # v / m / m^2 = y / m
    return xp.where(nothing, 0, dy * slope).astype(centred.dtype)
