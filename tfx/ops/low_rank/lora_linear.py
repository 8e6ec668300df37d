"""A linear map with a low-rank update, without ever building the updated matrix: LoRA, seen from the activations.

    y = x W + bias + s (x A) B        W: (I, J), A: (I, R), B: (R, J), s = alpha / R

It equals a linear map with W + s A B (ops/low_rank/low_rank_update.py) to rounding.  For N rows, in multiplications:

                  this way                         the updated matrix
    forward       N I J + N R (I + J)              N I J + R I J
    backward      N I J + 2 N R (I + J)            2 N I J + 2 R I J        dx alone, against dx and dW'

W is frozen, so its gradient is never computed, which is the third of the work that LoRA saves in training.  Applied
to few rows (N < R), or to very many tokens that are only read, one matrix is cheaper: merge.

Derivation.  Two maps of the same x, added: dx is the sum of both, dA and dB are those of two linear maps in a row.
Source: Hu et al. 2022, "LoRA", section 4.1, equation 3.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.linear import linear_forward
from tfx.ops.low_rank.low_rank_linear import LowRankLinearCache, low_rank_linear_backward, low_rank_linear_forward


class LoraLinearCache(NamedTuple):
    w: Array
    update: LowRankLinearCache
    scale: float


class LoraLinearGrads(NamedTuple):
    dx: Array
    da: Array
    db: Array


@in_float32
def lora_linear_forward(
    x: Array, a: Array, b: Array, w: Array, bias: Array | None = None, scale: float = 1.0
) -> tuple[Array, LoraLinearCache]:
    """x: (..., I), a: (I, R), b: (R, J), w: (I, J), bias: (J,) or None -> y: (..., J).

    w and bias are constants.  Raises ValueError when widths differ.
    """
    if b.shape[-1] != w.shape[-1]:
        raise ValueError(f"b has width {b.shape[-1]} but w has {w.shape[-1]}")
    frozen, _ = linear_forward(x, w, bias)
    update, cache = low_rank_linear_forward(x, a, b)
    return frozen + scale * update, LoraLinearCache(w, cache, scale)


@in_float32
def lora_linear_backward(dy: Array, cache: LoraLinearCache) -> LoraLinearGrads:
    """dy: (..., J) -> dx: (..., I), da: (I, R), db: (R, J).  w and bias are frozen: no gradient."""
    dx, da, db, _ = low_rank_linear_backward(cache.scale * dy, cache.update)  # y = ... + scale * (x @ a @ b)
    return LoraLinearGrads(dy @ cache.w.T + dx, da, db)  # y = x @ w + ...: x was read twice
