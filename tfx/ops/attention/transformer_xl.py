"""Relative attention of Transformer-XL: a key is met by what it says and, apart from that, by how far away it is.

    S_ij = (q_i . k_j  +  q_i . r_o  +  u . k_j  +  w . r_o) * scale           o = j - i, the offset of key j
              (a)           (b)           (c)         (d)
         = ((q_i + u) . k_j  +  (q_i + w) . r_o) * scale

(a) content meets content, (b) a query asks for distances, (c) some content is always of interest, (d) and so are some
distances.  r_o = W_r R_o, where R_o is the sinusoid of the distance (ops/positions/sinusoids.py); u and w are learned,
one vector for each head, and stand where the position of the query stood: an absolute place occurs nowhere, so states
of an earlier segment can be read as they are.  The paper calls w v, which is the values' name here.

With R = 0 and u = 0 nothing but (a) is left, and w does not matter: scaled dot-product attention.

Derivation.  The second product is worked out once per offset and shifted to the pairs
(ops/positions/relative_offsets.py), and enters attention as a bias, so with dS from ops/attention/scaled_dot_product.py

    d(q + u), dk       as in attention with queries q + u
    dX = unshift(dS) scale        X = (q + w) r^T, a column per offset
    d(q + w) = dX r               dr = dX^T (q + w)
    dq = d(q + u) + d(q + w)      du = sum of d(q + u),  dw = sum of d(q + w), over batch and queries

Source: Dai et al. 2019, "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context", section 3.3; shift:
appendix B.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward_steps, attention_forward
from tfx.ops.basics.broadcast import fold
from tfx.ops.positions.relative_offsets import RelativeShiftCache, relative_shift_backward, relative_shift_forward


class TransformerXLCache(NamedTuple):
    u: Array
    w: Array
    r: Array
    position_queries: Array  # q + w: (..., H, T, D)
    shift: RelativeShiftCache
    attention: AttentionCache

    @property
    def weights(self) -> Array:
        """P: (..., H, T, S), before dropout."""
        return self.attention.weights


class TransformerXLGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    dr: Array
    du: Array
    dw: Array


@in_float32
def transformer_xl_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    r: Array,
    u: Array,
    w: Array,
    mask: Mask = None,
    scale: float | None = None,
    dropout: Array | None = None,
) -> tuple[Array, TransformerXLCache]:
    """q: (..., H, T, D), k: (..., H, S, D), v: (..., H, S, Dv), r: (H, R, D), u, w: (H, D) -> out: (..., H, T, Dv).

    S = M + T, where the first M keys are memory: query i stands at place M + i.  r has one row per offset, from
    -(S - 1) on (`every_offset`): R = S rows end at the query itself, for use with a causal mask, and R = T + S - 1 go
    on to the last key.  mask, scale, dropout: as in attention_forward.
    Raises ValueError when widths, heads or lengths do not fit, TypeError when the mask is not boolean.
    """
    n_queries, n_keys, heads = q.shape[-2], k.shape[-2], (q.shape[-3], q.shape[-1])
    if u.shape != heads or w.shape != heads:
        raise ValueError(f"queries have (heads, width) {heads} but u is {u.shape} and w is {w.shape}")
    if r.shape[-1] != q.shape[-1] or r.shape[-3] not in (1, heads[0]):
        raise ValueError(f"queries have (heads, width) {heads} but positions are {r.shape}")
    if not min(n_keys, 1) <= r.shape[-2] <= max(n_queries + n_keys - 1, 0):
        raise ValueError(f"{r.shape[-2]} positions do not fit the offsets of {n_queries} queries and {n_keys} keys")
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    position_queries = q + w[:, None, :]
    per_offset = (position_queries @ r.swapaxes(-1, -2)) * scale  # (..., T, D), (D, R) -> (..., T, R)
    per_pair, shift = relative_shift_forward(per_offset, n_keys)
    out, attention = attention_forward(q + u[:, None, :], k, v, mask, scale, dropout, bias=per_pair)
    return out, TransformerXLCache(u, w, r, position_queries, shift, attention)


@in_float32
def transformer_xl_attention_backward(dout: Array, cache: TransformerXLCache) -> TransformerXLGrads:
    """dout: (..., H, T, Dv) -> the gradient of every input, by name."""
    u, w, r, position_queries, shift, attention = cache
    grads = attention_backward_steps(dout, attention)  # out = attention(q + u, k, v, bias=per_pair)
    dper_offset = relative_shift_backward(grads.dbias, shift) * attention.scale  # per_pair = shift(per_offset)
    dposition_queries = dper_offset @ r  # per_offset = position_queries @ r^T * scale
    dr = fold(dper_offset.swapaxes(-1, -2) @ position_queries, r)
    du = fold(grads.dq, u[:, None, :])[:, 0]  # q + u, for every sequence and query
    dw = fold(dposition_queries, w[:, None, :])[:, 0]
    return TransformerXLGrads(grads.dq + dposition_queries, grads.dk, grads.dv, dr, du, dw)
