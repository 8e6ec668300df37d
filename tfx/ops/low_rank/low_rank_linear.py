"""A linear map of low rank: the matrix is a product of two thin ones.

    y = x W + b      W = U V      U: (I, R), V: (R, J)

R (I + J) parameters instead of I J, which is fewer as soon as R < I J / (I + J): a quarter of the parameters for
I = J and R = I / 8.  The price is that W has rank R at most.

Derivation.  Two linear maps in a row, undone in reverse (ops/basics/linear.py): dV = (x U)^T dy, dU = x^T (dy V^T).
The full matrix W is never built, so both ways cost R (I + J) multiplications for each row.
Source: Sainath et al. 2013, "Low-rank Matrix Factorization for Deep Neural Network Training with High-dimensional
Output Targets"; for the embedding of a Transformer, Lan et al. 2020 (ALBERT), section 3.1.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward


class LowRankLinearCache(NamedTuple):
    down: LinearCache
    up: LinearCache


@in_float32
def low_rank_linear_forward(x: Array, u: Array, v: Array, b: Array | None = None) -> tuple[Array, LowRankLinearCache]:
    """x: (..., I), u: (I, R), v: (R, J), b: (J,) or None -> y: (..., J).  Raises ValueError when widths differ."""
    between, down = linear_forward(x, u)
    y, up = linear_forward(between, v, b)
    return y, LowRankLinearCache(down, up)


@in_float32
def low_rank_linear_backward(dy: Array, cache: LowRankLinearCache) -> tuple[Array, Array, Array, Array | None]:
    """dy: (..., J) -> dx: (..., I), du: (I, R), dv: (R, J), db: (J,), or None where forward had no b."""
    dbetween, dv, db = linear_backward(dy, cache.up)  # y = between @ v + b
    dx, du, _ = linear_backward(dbetween, cache.down)  # between = x @ u
    return dx, du, dv, db
