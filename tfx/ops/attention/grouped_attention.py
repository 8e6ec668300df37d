"""Grouped attention: H query heads read G <= H key and value heads, each of them shared by R = H / G query heads.

    O_h = attention(Q_h, K_g, V_g)        g = h // R: query heads in a row share a key head

G = H is multi-head attention, G = 1 multi-query attention.  Keys and values are not repeated: with the heads cut into
groups, (..., G, R, T, D) against (..., G, 1, S, D), the ordinary attention broadcasts them.  That is what sharing is
for: a step that writes one token reads S stored keys, and copying them R times would cost more than the step.

Derivation.  Cutting an axis in two moves no number, so the gradients are those of attention.  A key head was read by R
query heads, and attention sums their gradients over the axis along which keys were broadcast:  dK_g = sum_r dK_gr.
Sources: multi-query: Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need"; grouped: Ainslie et al.
2023, "GQA", section 2.2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward_steps, attention_forward


class GroupedAttentionCache(NamedTuple):
    groups: AttentionCache  # of arrays (..., G, R, T, D) and (..., G, 1, S, D)
    bias: Array | None

    @property
    def q(self) -> Array:
        """(..., H, T, D)."""
        return _as_heads(self.groups.q)

    @property
    def k(self) -> Array:
        """(..., G, S, D)."""
        return _as_heads(self.groups.k)

    @property
    def v(self) -> Array:
        """(..., G, S, Dv)."""
        return _as_heads(self.groups.v)

    @property
    def weights(self) -> Array:
        """P: (..., H, T, S), before dropout."""
        return _as_heads(self.groups.weights)

    @property
    def scale(self) -> float:
        """What q @ k^T was multiplied by."""
        return self.groups.scale


class GroupedAttentionGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    dbias: Array | None


@in_float32
def grouped_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    dropout: Array | None = None,
    bias: Array | None = None,
    soft_cap: float | None = None,
) -> tuple[Array, AttentionCache | GroupedAttentionCache]:
    """q: (..., H, T, D), k: (..., G, S, D), v: (..., G, S, Dv) -> out: (..., H, T, Dv).

    The rest as attention_forward, for scores (..., H, T, S); with G = H the cache is that of attention_forward too.
    Raises ValueError unless G divides H, and where attention_forward does.
    """
    n_heads, n_groups = q.shape[-3], k.shape[-3]
    if n_groups == n_heads:
        return attention_forward(q, k, v, mask, scale, dropout, bias, soft_cap)
    if n_groups < 1 or n_heads % n_groups:
        raise ValueError(f"{n_heads} query heads cannot share {n_groups} key and value heads evenly")
    queries = _in_groups(q, n_groups)  # (..., H, T, D) -> (..., G, R, T, D)
    keys = k[..., None, :, :]  # (..., G, S, D) -> (..., G, 1, S, D)
    values = v[..., None, :, :]  # (..., G, S, Dv) -> (..., G, 1, S, Dv)
    # what acts on scores or weights: (..., H, T, S) -> (..., G, R, T, S)
    mask, dropout, grouped_bias = (
        None if array is None else _in_groups(array, n_groups) for array in (mask, dropout, bias)
    )
    grouped_out, cache = attention_forward(queries, keys, values, mask, scale, dropout, grouped_bias, soft_cap)
    out = _as_heads(grouped_out)  # (..., G, R, T, Dv) -> (..., H, T, Dv)
    return out, GroupedAttentionCache(cache, bias)


@in_float32
def grouped_attention_backward(
    dout: Array, cache: AttentionCache | GroupedAttentionCache, dweights: Array | None = None
) -> GroupedAttentionGrads:
    """dout: (..., H, T, Dv) -> dq: (..., H, T, D), dk: (..., G, S, D), dv: (..., G, S, Dv), dbias in its shape or None.

    dweights: (..., H, T, S), as in attention_backward.
    """
    if isinstance(cache, AttentionCache):
        same = attention_backward_steps(dout, cache, dweights)
        return GroupedAttentionGrads(same.dq, same.dk, same.dv, same.dbias)
    n_groups = cache.groups.k.shape[-4]
    dweights = None if dweights is None else _in_groups(dweights, n_groups)  # (..., H, T, S) -> (..., G, R, T, S)
    dgrouped = _in_groups(dout, n_groups)  # out = _as_heads(grouped_out): (..., H, T, Dv) -> (..., G, R, T, Dv)
    grads = attention_backward_steps(dgrouped, cache.groups, dweights)
    dq = _as_heads(grads.dq)  # queries = _in_groups(q): (..., G, R, T, D) -> (..., H, T, D)
    dk = _as_heads(grads.dk)  # keys = k[..., None, :, :]: (..., G, 1, S, D) -> (..., G, S, D)
    dv = _as_heads(grads.dv)  # values = v[..., None, :, :]: (..., G, 1, S, Dv) -> (..., G, S, Dv)
    dbias: Array = grads.dbias
    if cache.bias is not None:
        dbias = dbias.reshape(cache.bias.shape)  # (..., G, R, T, S) -> (..., H, T, S)
    return GroupedAttentionGrads(dq, dk, dv, dbias)


def _in_groups(x: Array, n_groups: int) -> Array:
    """(..., H, T, S) -> (..., G, H / G, T, S), a view; an axis of heads that is 1 or not there stays so."""
    if x.ndim < 3:
        return x
    *lead, n_heads, length, width = x.shape
    if n_heads == 1:
        return x[..., None, :, :]
    if n_heads % n_groups:
        raise ValueError(f"a mask, bias or dropout {x.shape} is not for heads in {n_groups} groups")
    return x.reshape(*lead, n_groups, n_heads // n_groups, length, width)


def _as_heads(x: Array) -> Array:
    """(..., G, R, T, D) -> (..., G R, T, D)."""
    *lead, n_groups, shared, length, width = x.shape
    return x.reshape(*lead, n_groups * shared, length, width)
