"""BERT's pooler: the hidden state of the first token, [CLS], stands for the whole sequence.

    y = tanh(hidden[:, 0] W + b)                  (B, T, C) -> (B, J)

Derivation.  With z the argument of the tanh and tanh' = 1 - tanh^2,

    dz = dy * (1 - y^2)                           from here on it is a linear map of one row of hidden
    dhidden[:, 0] = dz W^T                        and 0 everywhere else: no other row was read
    dW = hidden[:, 0]^T dz        db = sum_b dz

Source: Devlin et al. 2019, "BERT", section 3 (the final hidden vector C of [CLS]); the dense tanh is in the code
published with it.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.feed_forward.sigmoid import TanhCache, tanh_backward, tanh_forward


class PoolerCache(NamedTuple):
    linear: LinearCache
    tanh: TanhCache
    length: int


class PoolerGrads(NamedTuple):
    dhidden: Array
    dw: Array
    db: Array


@in_float32
def pooler_forward(hidden: Array, w: Array, b: Array) -> tuple[Array, PoolerCache]:
    """hidden: (B, T, C), w: (C, J), b: (J,) -> y: (B, J), cache.

    Raises ValueError when hidden has no first token or the widths differ.
    """
    if hidden.ndim != 3 or hidden.shape[1] == 0:
        raise ValueError(f"pooling needs (batch, length, width) with at least one token, not {hidden.shape}")
    z, linear = linear_forward(hidden[:, 0], w, b)
    y, tanh = tanh_forward(z)
    return y, PoolerCache(linear, tanh, hidden.shape[1])


@in_float32
def pooler_backward(dy: Array, cache: PoolerCache) -> PoolerGrads:
    """dy: (B, J) -> PoolerGrads; dhidden: (B, T, C) is 0 after the first token."""
    linear, tanh, length = cache
    dz = tanh_backward(dy, tanh)  # y = tanh(z)
    dfirst, dw, db = linear_backward(dz, linear)  # z = first w + b
    dhidden = xp_of(dy).zeros((dy.shape[0], length, dfirst.shape[-1]), dtype=dy.dtype)
    dhidden[:, 0] = dfirst  # first = hidden[:, 0]
    return PoolerGrads(dhidden, dw, db)
