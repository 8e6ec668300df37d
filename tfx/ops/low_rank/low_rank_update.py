"""A low-rank update of a matrix: LoRA, seen from the weights.

    W' = W + s A B        W: (I, J), A: (I, R), B: (R, J), s = alpha / R

W was learnt before and stays; A and B are learnt now, R (I + J) numbers instead of I J.  B starts at zero, so that
W' = W at first, and s keeps the size of the update when R is changed.

Derivation.  W' is linear in each of the three, so for an upstream gradient dW'

    dW = dW'        dA = s dW' B^T        dB = s A^T dW'

At the start B = 0, so A gets no gradient before B has moved; if A were zero as well, neither ever would.
LoRA drops dW: that is what "frozen" means.  Made this way, W' is one matrix, so it works wherever a layer reads a
matrix, and a merged model costs nothing more than the plain one.  The other way, which never builds W', is
ops/low_rank/lora_linear.py.
Source: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1, equation 3 (written there for
columns: W + B A).
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32


class LowRankUpdateCache(NamedTuple):
    a: Array
    b: Array
    scale: float


class LowRankUpdateGrads(NamedTuple):
    dw: Array
    da: Array
    db: Array


@in_float32
def low_rank_update_forward(w: Array, a: Array, b: Array, scale: float = 1.0) -> tuple[Array, LowRankUpdateCache]:
    """w: (I, J), a: (I, R), b: (R, J) -> w + scale a b: (I, J).  Raises ValueError when the shapes do not fit."""
    if a.shape[-1] != b.shape[0] or (a.shape[0], b.shape[-1]) != w.shape:
        raise ValueError(f"a {a.shape} times b {b.shape} does not give the shape of w, {w.shape}")
    return w + scale * (a @ b), LowRankUpdateCache(a, b, scale)


@in_float32
def low_rank_update_backward(dupdated: Array, cache: LowRankUpdateCache) -> LowRankUpdateGrads:
    """dupdated: (I, J) -> dw: (I, J), da: (I, R), db: (R, J)."""
    a, b, scale = cache
    dproduct = scale * dupdated  # updated = w + scale * (a @ b)
    return LowRankUpdateGrads(dupdated, dproduct @ b.T, a.T @ dproduct)
