"""Linear (affine) map of the last axis.

    y = x W + b

Derivation.  With y_nj = sum_i x_ni W_ij + b_j, where n runs over every leading axis,

    dx_ni = sum_j dy_nj W_ij        dx = dy W^T
    dW_ij = sum_n x_ni dy_nj        dW = x^T dy, leading axes folded into one
    db_j  = sum_n dy_nj             every row used the same b
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.sums import column_sums
from tfx.ops.basics.weighted_sum import summed_products


class LinearCache(NamedTuple):
    x: Array
    w: Array
    has_bias: bool


@in_float32
def linear_forward(x: Array, w: Array, b: Array | None = None) -> tuple[Array, LinearCache]:
    """x: (..., I), w: (I, J), b: (J,) or None -> y: (..., J).  Raises ValueError when the widths differ."""
    if x.shape[-1] != w.shape[0]:
        raise ValueError(f"x has width {x.shape[-1]} but w expects {w.shape[0]}")
    rows_x = x.reshape(-1, x.shape[-1])  # leading axes folded, one product instead of many: (..., I) -> (N, I)
    y = rows_x @ w  # (N, I), (I, J) -> (N, J)
    if b is not None:
        y += b  # (N, J), (J,) -> (N, J)
    return y.reshape(*x.shape[:-1], w.shape[1]), LinearCache(x, w, b is not None)  # (N, J) -> (..., J)


@in_float32
def linear_backward(dy: Array, cache: LinearCache) -> tuple[Array, Array, Array | None]:
    """dy: (..., J) -> dx: (..., I), dw: (I, J), db: (J,), or None where forward had no b."""
    x, w, has_bias = cache
    rows_x = x.reshape(-1, x.shape[-1])  # (..., I) -> (N, I)
    rows_dy = dy.reshape(-1, dy.shape[-1])  # (..., J) -> (N, J)
    dx = (rows_dy @ w.T).reshape(x.shape)  # y = x @ w: (N, J), (J, I) -> (..., I)
    dw = summed_products(rows_x, rows_dy)  # y = x @ w: (I, N), (N, J) -> (I, J)
    db = column_sums(dy) if has_bias else None  # y = ... + b, for every row: (..., J) -> (J,)
    return dx, dw, db
