"""Self-attention that sees distances: the layer of Transformer-XL, and relative keys and values."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.nn.dropout import Dropout
from tfx.nn.init import Rng, embedding_normal
from tfx.nn.linear import Linear
from tfx.ops.attention.masks import causal_mask, combine_masks
from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.attention.relative_keys_values import (
    RelativeKeysValuesCache,
    relative_keys_values_attention_backward,
    relative_keys_values_attention_forward,
)
from tfx.ops.attention.transformer_xl import (
    TransformerXLCache,
    transformer_xl_attention_backward,
    transformer_xl_attention_forward,
)
from tfx.ops.basics.linear import LinearCache
from tfx.ops.positions.relative_offsets import every_offset
from tfx.ops.positions.sinusoids import angular_speeds, sinusoids_forward
from tfx.params import Layer, Parameter

#: u and w start normal with this deviation.
FIRST_DEVIATION = 0.02


class MapCaches(NamedTuple):
    query: LinearCache
    key: LinearCache
    value: LinearCache
    output: LinearCache


class RelativeAttentionCache(NamedTuple):
    maps: MapCaches
    position: LinearCache
    attention: TransformerXLCache
    n_memory: int


class RelativeAttentionGrads(NamedTuple):
    dx: Array
    dmemory: Array


class RelativeKeysValuesAttentionCache(NamedTuple):
    maps: MapCaches
    attention: RelativeKeysValuesCache


class _Maps(Layer):
    """Owns query, key, value and output: Linear(C, C) without bias, for H heads."""

    def __init__(self, width: int, n_heads: int, rng: Rng, dropout: float, dtype: Any) -> None:
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
        self.n_heads = n_heads
        self.query, self.key, self.value, self.output = (
            Linear(width, width, rng, bias=False, dtype=dtype) for _ in range(4)
        )
        self.dropout = Dropout(dropout)

    def _heads(self, linear: Linear, x: Array) -> tuple[Array, LinearCache]:
        y, cache = linear.forward(x)
        return split_heads(y, self.n_heads), cache


class RelativeAttention(_Maps):
    """Transformer-XL's self-attention (ops/attention/transformer_xl.py), with a memory of earlier states.

    Owns query, key, value and output: Linear(C, C), position: Linear(C, C) for the sinusoids of distances, all without
    bias, and u and w: (H, D).  causal: no query reads what comes after it, else it reads both ways.  dropout: on the
    weights.  Raises ValueError when the heads do not divide the width.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        rng: Rng,
        causal: bool = True,
        dropout: float = 0.0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(width, n_heads, rng, dropout, dtype)
        self.causal = causal
        self.position = Linear(width, width, rng, bias=False, dtype=dtype)
        shape = (n_heads, width // n_heads)
        self.u, self.w = (Parameter((rng.standard_normal(shape) * FIRST_DEVIATION).astype(dtype)) for _ in range(2))

    def forward(
        self, x: Array, memory: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, RelativeAttentionCache]:
        """x: (B, T, C), memory: (B, M, C), the input of this layer for the M tokens before -> y: (B, T, C), cache.

        mask: boolean, True = may attend, broadcastable to (B, H, T, M + T), on top of the causal one.
        """
        xp = xp_of(x)
        n_queries, width = x.shape[-2], x.shape[-1]
        if memory is not None and (memory.shape[:-2], memory.shape[-1:]) != (x.shape[:-2], x.shape[-1:]):
            raise ValueError(f"memory {memory.shape} does not fit x {x.shape}: only their lengths may differ")
        source = x if memory is None else xp.concatenate((memory, x), axis=-2)
        n_keys = source.shape[-2]
        past = n_keys - n_queries
        offsets = every_offset(n_queries, n_keys, past, xp)
        if self.causal:
            offsets = offsets[:n_keys]
            mask = combine_masks(mask, causal_mask(n_queries, n_keys, past, xp))
        sinusoids, _ = sinusoids_forward(-offsets, angular_speeds(width, xp=xp))
        r, position = self._heads(self.position, sinusoids[:, :width].astype(x.dtype))  # (H, R, D)
        q, query = self._heads(self.query, x)
        k, key = self._heads(self.key, source)
        v, value = self._heads(self.value, source)
        dropout = self.dropout.multiplier((*q.shape[:-1], n_keys), rng, x)
        out, attention = transformer_xl_attention_forward(q, k, v, r, self.u.value, self.w.value, mask, dropout=dropout)
        y, output = self.output.forward(merge_heads(out))
        return y, RelativeAttentionCache(MapCaches(query, key, value, output), position, attention, past)

    def backward(self, dy: Array, cache: RelativeAttentionCache) -> RelativeAttentionGrads:
        """dy: (B, T, C) -> dx: (B, T, C), dmemory: (B, M, C).

        Transformer-XL stops the gradient at the memory: it drops dmemory.
        """
        maps = cache.maps
        dout = split_heads(self.output.backward(dy, maps.output), self.n_heads)
        grads = transformer_xl_attention_backward(dout, cache.attention)
        self.u.grad += grads.du
        self.w.grad += grads.dw
        self.position.backward(merge_heads(grads.dr), cache.position)  # the sinusoids are computed: no gradient further
        dsource = self.key.backward(merge_heads(grads.dk), maps.key)
        dsource = dsource + self.value.backward(merge_heads(grads.dv), maps.value)  # source was read twice
        dx = self.query.backward(merge_heads(grads.dq), maps.query) + dsource[..., cache.n_memory :, :]
        return RelativeAttentionGrads(dx, dsource[..., : cache.n_memory, :])  # source = memory, then x


class RelativeKeysValuesAttention(_Maps):
    """Self-attention with a vector for each distance at keys and values (ops/attention/relative_keys_values.py).

    Owns query, key, value and output: Linear(C, C) without bias, and a_k and a_v: (2c + 1, D), shared by the heads.
    max_distance: c, from where on all distances look alike.  dropout: on the weights.
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(
        self, width: int, n_heads: int, max_distance: int, rng: Rng, dropout: float = 0.0, dtype: Any = "float32"
    ) -> None:
        super().__init__(width, n_heads, rng, dropout, dtype)
        rows = 2 * max_distance + 1
        self.a_k, self.a_v = (Parameter(embedding_normal(rng, rows, width // n_heads, dtype)) for _ in range(2))

    def forward(
        self, x: Array, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, RelativeKeysValuesAttentionCache]:
        """x: (B, T, C) -> y: (B, T, C), cache.  mask: boolean, True = may attend, broadcastable to (B, H, T, T)."""
        q, query = self._heads(self.query, x)
        k, key = self._heads(self.key, x)
        v, value = self._heads(self.value, x)
        dropout = self.dropout.multiplier((*q.shape[:-1], x.shape[-2]), rng, x)
        out, attention = relative_keys_values_attention_forward(
            q, k, v, self.a_k.value, self.a_v.value, mask, dropout=dropout
        )
        y, output = self.output.forward(merge_heads(out))
        return y, RelativeKeysValuesAttentionCache(MapCaches(query, key, value, output), attention)

    def backward(self, dy: Array, cache: RelativeKeysValuesAttentionCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        maps = cache.maps
        dout = split_heads(self.output.backward(dy, maps.output), self.n_heads)
        grads = relative_keys_values_attention_backward(dout, cache.attention)
        self.a_k.grad += grads.da_k
        self.a_v.grad += grads.da_v
        dx = self.query.backward(merge_heads(grads.dq), maps.query)  # x was query, key and value
        dx = dx + self.key.backward(merge_heads(grads.dk), maps.key)
        return dx + self.value.backward(merge_heads(grads.dv), maps.value)
