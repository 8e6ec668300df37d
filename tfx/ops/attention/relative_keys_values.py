"""Relative keys and values: attention that adds to each key, and to each value, a vector for its distance.

    S_ij = q_i . (k_j + a^K_o) * scale             o = j - i, the offset of key j, cut off at -c and +c
    P = softmax(S)
    z_i  = sum_j P_ij (v_j + a^V_o)

a^K and a^V have 2c + 1 rows: offsets -c .. c.  What is farther away counts as c away, so that any length can be read.
The tables are shared by all heads.  With tables of zeros this is scaled dot-product attention.

Nobody builds the (T, S, D) tensor of a^K_o.  Both products are split:

    S = Q K^T * scale + shift(Q A_K^T) * scale     A_K: (R, D), a row for each of R = T + S - 1 offsets
    Z = P V + unshift(P) A_V                       unshift(P): (T, R), the weights ordered by offset

where `shift` takes a number per offset to each pair, and `unshift`, its transpose, brings it back
(ops/positions/relative_offsets.py).  A_K and A_V are the tables with their end rows repeated: look-ups
(ops/basics/embedding.py).

Derivation.  The first product is attention with a bias, and the second adds a term that reads the weights, whose
gradient is added to dP (`dweights` of ops/attention/scaled_dot_product.py).  With dZ from above, P~ the weights after
dropout, and dB the gradient of the bias,

    dA_V = unshift(P~)^T dZ        dP~ += shift(dZ A_V^T)          unshift is undone by shift
    dX = unshift(dB) scale         X = Q A_K^T
    dQ += dX A_K                   dA_K = dX^T Q
    da_m = sum of dA_o over all offsets o that were cut off to m

Source: Shaw, Uszkoreit and Vaswani 2018, "Self-Attention with Relative Position Representations", equations 3 and 4;
the split of the product: equation 5.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward_steps, attention_forward
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward
from tfx.ops.positions.relative_offsets import (
    RelativeShiftCache,
    every_offset,
    relative_shift_backward,
    relative_shift_forward,
)


class RelativeKeysValuesCache(NamedTuple):
    keys: EmbeddingCache
    values: EmbeddingCache
    rows_k: Array  # A_K: (R, D)
    rows_v: Array  # A_V: (R, Dv)
    shift: RelativeShiftCache
    attention: AttentionCache
    dropout: Array | None
    by_offset: Array  # the weights after dropout, ordered by offset: (..., T, R)

    @property
    def weights(self) -> Array:
        """P: (..., T, S), before dropout."""
        return self.attention.weights


class RelativeKeysValuesGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    da_k: Array
    da_v: Array


@in_float32
def relative_keys_values_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    a_k: Array,
    a_v: Array,
    mask: Mask = None,
    scale: float | None = None,
    dropout: Array | None = None,
    past: int = 0,
) -> tuple[Array, RelativeKeysValuesCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv), a_k: (2c + 1, D), a_v: (2c + 1, Dv) -> out: (..., T, Dv), cache.

    past: how many of the keys stand before the first query.  mask, scale, dropout: as in attention_forward.
    Raises ValueError when widths or lengths do not fit or a table has an even number of rows, TypeError when the mask
    is not boolean.
    """
    if a_k.shape[0] != a_v.shape[0] or a_k.shape[0] % 2 == 0:
        raise ValueError(f"both tables need 2c + 1 rows, not {a_k.shape[0]} for keys and {a_v.shape[0]} for values")
    if a_k.shape[1] != k.shape[-1] or a_v.shape[1] != v.shape[-1]:
        raise ValueError(f"tables {a_k.shape} and {a_v.shape} do not fit keys {k.shape} and values {v.shape}")
    xp = xp_of(q)
    n_queries, n_keys, c = q.shape[-2], k.shape[-2], a_k.shape[0] // 2
    cut_off = xp.clip(every_offset(n_queries, n_keys, past, xp), -c, c) + c
    rows_k, keys = embedding_forward(cut_off, a_k)
    rows_v, values = embedding_forward(cut_off, a_v)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    per_pair, shift = relative_shift_forward((q @ rows_k.T) * scale, n_keys)  # (..., T, R) -> (..., T, S)
    out, attention = attention_forward(q, k, v, mask, scale, dropout, bias=per_pair)
    dropped = attention.weights if dropout is None else attention.weights * dropout
    by_offset = relative_shift_backward(dropped, shift)  # (..., T, S) -> (..., T, R): the shift, transposed
    out = out + by_offset @ rows_v
    return out, RelativeKeysValuesCache(keys, values, rows_k, rows_v, shift, attention, dropout, by_offset)


@in_float32
def relative_keys_values_attention_backward(dout: Array, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """dout: (..., T, Dv) -> the gradient of every input, by name."""
    keys, values, rows_k, rows_v, shift, attention, dropout, by_offset = cache
    drows_v = fold(by_offset.swapaxes(-1, -2) @ dout, rows_v)  # out = ... + by_offset @ rows_v
    dweights, _ = relative_shift_forward(dout @ rows_v.T, attention.k.shape[-2])  # by_offset = unshift(dropped)
    if dropout is not None:
        dweights = dweights * dropout  # dropped = weights * dropout
    grads = attention_backward_steps(dout, attention, dweights)
    dper_offset = (
        relative_shift_backward(grads.dbias, shift) * attention.scale
    )  # per_pair = shift(q @ rows_k^T * scale)
    drows_k = fold(dper_offset.swapaxes(-1, -2) @ attention.q, rows_k)
    return RelativeKeysValuesGrads(
        grads.dq + dper_offset @ rows_k,  # q met the keys and the distances
        grads.dk,
        grads.dv,
        embedding_backward(drows_k, keys),  # rows_k = a_k[cut_off]
        embedding_backward(drows_v, values),
    )
