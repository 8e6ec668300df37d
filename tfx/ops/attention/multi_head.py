"""Multi-head attention: h small attentions side by side instead of one wide one.

    Q = x_q W_q + b_q      K = x_kv W_k + b_k      V = x_kv W_v + b_v       (T, C), (S, C), (S, C)
    cut the width C into H heads of D = C / H:                              (T, C) -> (H, T, D)
    O_h = attention(Q_h, K_h, V_h)                                          (H, T, D)
    y = [O_1 ... O_H] W_o + b_o                                             (T, C)

Self-attention has x_kv = x_q, cross-attention reads another sequence.  The heads cost what one wide head would cost,
because the width is shared out; what they buy is H different weight matrices over the same tokens.

Grouped queries: with G < H key and value heads, H / G query heads read the same keys and values
(ops/attention/grouped_attention.py).  The maps and above all the stored keys and values shrink by H / G.

Past keys and values, from tokens that were read earlier, stand in front of the new ones: `cache.present` of one call is
`past` of the next.

Derivation.  Splitting and merging only move numbers, so their backward moves them back: split undoes merge and merge
undoes split.  The rest is four linear maps and one attention, undone in reverse.  x_kv feeds both K and V, so its
gradient is a sum of two; in self-attention the caller adds dx_q and dx_kv for the same reason.
In a few lines: `short_multi_head` in ops/basics/short_forms.py.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from tfx.backend import Array, xp_of
from tfx.half import FromHalf, in_float32
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.key_value import KeyValue, StoredKeyValue
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import AttentionCache
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.positions.rotary import RotaryCache, rotary_backward, rotary_forward


class Rotation(NamedTuple):
    """What queries and new keys are turned by: tables (T, r / 2) or (B, 1, T, r / 2), see ops/positions/rotary.py."""

    cos: Array
    sin: Array
    layout: str


class AttentionKernel(Protocol):
    """What may stand in for exact attention: see tfx.efficient.  Its backward adds to gradients of its own."""

    def forward(self, q: Array, k: Array, v: Array, mask: Mask, scale: float | None) -> tuple[Array, Any]:
        """q: (..., H, T, D), k: (..., H, S, D), v: (..., H, S, Dv) -> out: (..., H, T, Dv), cache."""

    def backward(self, dout: Array, cache: Any) -> tuple[Array, Array, Array]:
        """dout: (..., H, T, Dv) -> dq, dk, dv."""


class Maps(NamedTuple):
    """w_q: (C, H D), w_k: (C, G D), w_v: (C, G Dv), w_o: (H Dv, C), and an offset or None for each; mostly H D = C."""

    w_q: Array
    w_k: Array
    w_v: Array
    w_o: Array
    b_q: Array | None = None
    b_k: Array | None = None
    b_v: Array | None = None
    b_o: Array | None = None


class Acting(NamedTuple):
    """What acts on scores (..., H, T, M + S) and weights, as in attention_forward.

    kernel: another way to attend, which gets q, k, v, mask and scale, and has no scores for the other three.
    """

    scale: float | None = None
    dropout: Array | None = None
    bias: Array | None = None
    soft_cap: float | None = None
    kernel: AttentionKernel | None = None


NOTHING = Acting()


class MultiHeadCache(NamedTuple):
    query: LinearCache
    key: LinearCache
    value: LinearCache
    rotation: RotaryCache | None
    past: StoredKeyValue | None
    read: StoredKeyValue  # past and new keys (turned already) and values: (..., G, M + S, D)
    attention: AttentionCache | Any  # or GroupedAttentionCache: q, k, v and weights; with a kernel, what that one keeps
    output: LinearCache
    one_source: bool  # keys and values were made of the same x_kv
    n_heads: int
    kernel: AttentionKernel | None
    position_bias: Any = None  # what the layer needs that made the bias

    @property
    def present(self) -> StoredKeyValue:
        """What was read, for the next call: (..., G, M + S, D), float16 where the tokens are."""
        return self.read.rounded() if isinstance(self, FromHalf) else self.read

    @property
    def weights(self) -> Array:
        """P: (..., H, T, M + S), the attention probabilities, before dropout.  Raises AttributeError for a kernel."""
        if self.kernel is not None:
            raise AttributeError(f"{type(self.kernel).__name__} shows no attention weights: exact attention does")
        return self.attention.weights


class MultiHeadGrads(NamedTuple):
    dx_q: Array
    dx_kv: Array
    dw_q: Array
    dw_k: Array
    dw_v: Array
    dw_o: Array
    db_q: Array | None
    db_k: Array | None
    db_v: Array | None
    db_o: Array | None
    dx_v: Array | None = None
    dbias: Array | None = None
    dpast: KeyValue | None = None


def split_heads(x: Array, n_heads: int) -> Array:
    """x: (..., T, C) -> (..., H, T, C / H).  Raises ValueError when H does not divide C."""
    width = x.shape[-1]
    if n_heads < 1 or width % n_heads:
        raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
    return x.reshape(*x.shape[:-1], n_heads, width // n_heads).swapaxes(-2, -3)


def merge_heads(x: Array) -> Array:
    """x: (..., H, T, D) -> (..., T, H * D); undoes `split_heads`."""
    x = x.swapaxes(-2, -3)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def repeat_heads(x: Array, n_heads: int) -> Array:
    """x: (..., G, S, D) -> (..., H, S, D): each head H / G times in a row, for a kernel that knows nothing of groups.

    Raises ValueError unless G divides H.
    """
    n_kv_heads = x.shape[-3]
    if n_kv_heads == n_heads:
        return x
    if n_kv_heads < 1 or n_heads % n_kv_heads:
        raise ValueError(f"{n_heads} query heads cannot share {n_kv_heads} key and value heads evenly")
    return xp_of(x).repeat(x, n_heads // n_kv_heads, axis=-3)


def sum_repeated_heads(dx: Array, n_kv_heads: int) -> Array:
    """dx: (..., H, S, D) -> (..., G, S, D); the backward of `repeat_heads`."""
    *lead, n_heads, length, width = dx.shape
    if n_kv_heads == n_heads:
        return dx
    return dx.reshape(*lead, n_kv_heads, n_heads // n_kv_heads, length, width).sum(axis=-3)


class MeanHeadsCache(NamedTuple):
    n_heads: int


@in_float32
def mean_heads_forward(weights: Array) -> tuple[Array, MeanHeadsCache]:
    """weights: (..., H, T, S) -> their mean over the heads, (..., T, S), as alignments are often shown."""
    return weights.mean(axis=-3), MeanHeadsCache(weights.shape[-3])


@in_float32
def mean_heads_backward(dmean: Array, cache: MeanHeadsCache) -> Array:
    """dmean: (..., T, S) -> dweights: (..., H, T, S), the same for each head, for the backward of the attention."""
    return xp_of(dmean).repeat(dmean[..., None, :, :] * (1.0 / cache.n_heads), cache.n_heads, axis=-3)


@in_float32
def multi_head_attention_forward(
    x_q: Array,
    x_kv: Array,
    maps: Maps,
    *,
    n_heads: int,
    n_kv_heads: int | None = None,
    x_v: Array | None = None,
    rotation: Rotation | None = None,
    past: StoredKeyValue | None = None,
    mask: Mask = None,
    acting: Acting = NOTHING,
) -> tuple[Array, MultiHeadCache]:
    """x_q: (..., T, C), x_kv: (..., S, C) -> y: (..., T, C), cache.

    x_v: (..., S, C), where the values come from, if not from x_kv.  n_heads: H; n_kv_heads: G, H unless told.
    rotation: turns queries and new keys by their positions (self-attention).
    past: keys and values in front of the new ones; leading axes of length 1 are broadcast.
    mask: boolean, True = may attend, broadcastable to (..., H, T, M + S): (T, S), (B, 1, 1, S) or (B, H, T, S); two
    axes are always (T, S), also where B = T.
    acting: what else acts on the scores, or a kernel, which has no scores for dropout, bias and soft_cap to act on.
    Raises ValueError when widths, lengths or heads do not fit, or a kernel meets dropout, bias or soft_cap.
    """
    w_q, w_k, w_v, w_o, b_q, b_k, b_v, b_o = maps
    scale, dropout, bias, soft_cap, kernel = acting
    if mask is not None and mask.ndim == 3 and x_q.ndim == 3 and mask.shape[0] != 1:
        raise ValueError(f"is axis 0 of mask {mask.shape} batch or heads? write mask[:, None] or mask[None]")
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    q, query_cache = linear_forward(x_q, w_q, b_q)  # (..., T, C), (C, H D) -> (..., T, H D)
    k, key_cache = linear_forward(x_kv, w_k, b_k)  # (..., S, C), (C, G D) -> (..., S, G D)
    v, value_cache = linear_forward(x_kv if x_v is None else x_v, w_v, b_v)  # (..., S, C), (C, G Dv) -> (..., S, G Dv)
    q = split_heads(q, n_heads)  # (..., T, H D) -> (..., H, T, D)
    k = split_heads(k, n_kv_heads)  # (..., S, G D) -> (..., G, S, D)
    v = split_heads(v, n_kv_heads)  # (..., S, G Dv) -> (..., G, S, Dv)
    rotary_cache = None
    if rotation is not None:
        q, rotary_cache = rotary_forward(q, *rotation)  # (..., H, T, D) -> (..., H, T, D)
        k, _ = rotary_forward(k, *rotation)  # (..., G, S, D) -> (..., G, S, D)
    new = KeyValue(k, v)
    read: StoredKeyValue = new if past is None else past.followed_by(new)  # k: (..., G, S, D) -> (..., G, M + S, D)
    attention_cache: Any
    if kernel is None:
        on_scores = (mask, scale, dropout, bias, soft_cap)
        heads, attention_cache = grouped_attention_forward(q, read.k, read.v, *on_scores)  # -> (..., H, T, Dv)
    elif dropout is not None or bias is not None or soft_cap is not None:
        raise ValueError("dropout, bias and soft_cap act on scores or weights, and a kernel shows neither")
    else:
        keys = repeat_heads(read.k, n_heads)  # (..., G, M + S, D) -> (..., H, M + S, D)
        values = repeat_heads(read.v, n_heads)  # (..., G, M + S, Dv) -> (..., H, M + S, Dv)
        heads, attention_cache = kernel.forward(q, keys, values, mask, scale)  # -> (..., H, T, Dv)
    merged = merge_heads(heads)  # (..., H, T, Dv) -> (..., T, H Dv)
    y, output_cache = linear_forward(merged, w_o, b_o)  # (..., T, H Dv), (H Dv, C) -> (..., T, C)
    inputs = (query_cache, key_cache, value_cache, rotary_cache, past, read)
    return y, MultiHeadCache(*inputs, attention_cache, output_cache, x_v is None, n_heads, kernel)


@in_float32
def multi_head_attention_backward(dy: Array, cache: MultiHeadCache, dweights: Array | None = None) -> MultiHeadGrads:
    """dy: (..., T, C) -> the gradient of every input, by name; what was None has gradient None.

    In self-attention the gradient of the one input is dx_q + dx_kv.  dweights: (..., H, T, M + S), where a loss reads
    the attention weights themselves; a kernel has none, and then ValueError is raised.
    """
    dmerged, dw_o, db_o = linear_backward(dy, cache.output)  # y = merged @ w_o + b_o: (..., T, C) -> (..., T, H Dv)
    n_heads, n_kv_heads = cache.n_heads, cache.read.k.shape[-3]
    dheads = split_heads(dmerged, n_heads)  # merged = merge_heads(heads): (..., T, H Dv) -> (..., H, T, Dv)
    dbias = None
    if cache.kernel is None:  # heads = attention(q, read.k, read.v)
        dq, dk, dv, dbias = grouped_attention_backward(dheads, cache.attention, dweights)  # -> (..., H, T, D)
    elif dweights is not None:
        raise ValueError("a loss that reads the attention weights needs exact attention: a kernel shows none")
    else:
        dq, dk, dv = cache.kernel.backward(dheads, cache.attention)  # -> (..., H, T, D)
        dk = sum_repeated_heads(dk, n_kv_heads)  # keys = repeat_heads(read.k): -> (..., G, M + S, D)
        dv = sum_repeated_heads(dv, n_kv_heads)  # values = repeat_heads(read.v): -> (..., G, M + S, Dv)
    dpast = None
    if cache.past is not None:  # read = past, then new
        past, m = cache.past, cache.past.length
        dpast = KeyValue(fold(dk[..., :m, :], past.k), fold(dv[..., :m, :], past.v))
        dk, dv = dk[..., m:, :], dv[..., m:, :]  # (..., G, M + S, D) -> (..., G, S, D)
    if cache.rotation is not None:
        dq = rotary_backward(dq, cache.rotation)  # q = rotary(q): (..., H, T, D) -> (..., H, T, D)
        dk = rotary_backward(dk, cache.rotation)  # k = rotary(k): (..., G, S, D) -> (..., G, S, D)
    dq, dk, dv = merge_heads(dq), merge_heads(dk), merge_heads(dv)  # q = split_heads(q): -> (..., T, H D)
    dx_q, dw_q, db_q = linear_backward(dq, cache.query)  # q = x_q @ w_q + b_q: (..., T, H D) -> (..., T, C)
    dx_k, dw_k, db_k = linear_backward(dk, cache.key)  # k = x_kv @ w_k + b_k: (..., S, G D) -> (..., S, C)
    dx_v, dw_v, db_v = linear_backward(dv, cache.value)  # v = x_kv @ w_v + b_v: (..., S, G Dv) -> (..., S, C)
    if cache.one_source:  # x_kv was read twice
        dx_k += dx_v  # (..., S, C) -> (..., S, C)
        dx_v = None
    return MultiHeadGrads(dx_q, dx_k, dw_q, dw_k, dw_v, dw_o, db_q, db_k, db_v, db_o, dx_v, dbias, dpast)
