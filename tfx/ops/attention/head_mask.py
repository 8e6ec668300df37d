"""A factor for each head, and what it says about how much the head matters.

    y_h = xi_h head_h                  xi: (H,), all ones unless heads are switched off or dropped

Derivation.  A product:  dhead_h = xi_h dy_h  and  dxi_h = sum over batch, places and width of dy_h * head_h.  At xi = 1
dxi_h is, to first order, what the loss would lose by switching the head off:  L(xi_h = 0) - L(1) ~ -dxi_h.  Michel et
al. take its size, averaged over examples, as the importance of the head.

The heads are joined by W_o, so xi_h scales the rows of W_o that belong to head h just as well, and the same number can
be read off an ordinary backward:  dxi_h = sum over those rows of dW_o * W_o.

Head dropout sets xi to 0 at random, one draw for each sample and head, and makes up for it by H / (heads left).
Sources: Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?", section 2.3 and equation 2; Zhou et
al. 2020, "Scheduled DropHead", section 3.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.half import in_float32


class HeadMaskCache(NamedTuple):
    heads: Array
    xi: Array


@in_float32
def head_mask_forward(heads: Array, xi: Array) -> tuple[Array, HeadMaskCache]:
    """heads: (..., H, T, D), xi: (H,) -> y: (..., H, T, D), cache.  Raises ValueError for another number of factors."""
    if xi.shape != heads.shape[-3:-2]:
        raise ValueError(f"there are {heads.shape[-3]} heads but factors {xi.shape}")
    return heads * xi[:, None, None], HeadMaskCache(heads, xi)


@in_float32
def head_mask_backward(dy: Array, cache: HeadMaskCache) -> tuple[Array, Array]:
    """dy: (..., H, T, D) -> dheads, and dxi: (H,)."""
    heads, xi = cache
    others = tuple(axis for axis in range(dy.ndim) if axis != dy.ndim - 3)
    return dy * xi[:, None, None], (dy * heads).sum(axis=others)  # y = heads * xi


def head_dropout_mask(shape: tuple[int, ...], rate: float, rng: Any, dtype: Any = "float64", xp: Any = np) -> Array:
    """shape: (..., H) -> factors (..., H): 0 with probability `rate`, else H / (heads left); all 0 where none is left.

    Raises ValueError unless 0 <= rate < 1.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"the rate of head dropout must be at least 0 and below 1, not {rate}")
    kept = xp.asarray(rng.random(shape) >= rate)
    left = xp.maximum(kept.sum(axis=-1, keepdims=True), 1)
    return (kept * (shape[-1] / left)).astype(dtype)
