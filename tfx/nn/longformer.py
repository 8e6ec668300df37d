"""Longformer's self-attention with a second set of maps for the global tokens.

    everybody      softmax(Q K^T) V over the window and the global places       with query, key and value
    global places  softmax(Q_g K_g^T) V_g over everything                       with maps of their own

What a global token asks of the whole text is another question than what a word asks of its neighbours, so it gets maps
of its own.  Without them, MultiHeadAttention(kernel="longformer") does the same.

Derivation.  The two softmaxes fill different rows of the result, so each gets the gradient of its rows; x was read by
all six maps, and its gradient is the sum.
Source: Beltagy, Peters and Cohan 2020, "Longformer: The Long-Document Transformer", section 3.1, "Linear Projections
for Global Attention", where the second maps start as copies of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.efficient.longformer import LongformerCache, longformer_attention_backward, longformer_attention_forward
from tfx.nn.linear import Linear
from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward
from tfx.ops.basics.linear import LinearCache
from tfx.params import Layer


class LongformerAttentionCache(NamedTuple):
    maps: tuple[LinearCache, ...]  # query, key, value
    windows: LongformerCache
    global_maps: tuple[LinearCache, ...]
    rows: AttentionCache
    output: LinearCache


class LongformerAttention(Layer):
    """Owns query, key, value, global_query, global_key, global_value and output: Linear(C, C).

    global_places: which places are global, at least one; window, dilation: see tfx/efficient/longformer.py.
    Raises ValueError when the heads do not divide the width or no place is global.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        rng: np.random.Generator,
        window: int,
        global_places: Sequence[int] = (0,),
        dilation: int | Sequence[int] = 1,
        dtype: Any = "float32",
    ) -> None:
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
        if not isinstance(global_places, Sequence):
            raise TypeError(f"global_places must be a sequence of places, not {global_places!r}")
        if not global_places:
            raise ValueError('maps for global places need such a place; without, kernel="longformer" is enough')
        self.n_heads, self.window, self.dilation = n_heads, window, dilation
        self.global_places = sorted(set(global_places))
        self.query, self.key, self.value, self.output = (Linear(width, width, rng, dtype=dtype) for _ in range(4))
        self.global_query, self.global_key, self.global_value = (
            Linear(width, width, rng, dtype=dtype) for _ in range(3)
        )
        for copy, first in zip(self._global_maps(), self._maps(), strict=True):
            copy.load_state(first.state())

    def forward(self, x: Array, mask: Array | None = None) -> tuple[Array, LongformerAttentionCache]:
        """x: (B, T, C) -> y: (B, T, C).  mask: boolean, True = may attend, broadcastable to (B, 1, 1, T)."""
        rows = self.global_places
        (q, k, v), maps = self._heads(self._maps(), (x, x, x))
        out, windows = longformer_attention_forward(
            q, k, v, mask, window=self.window, dilation=self.dilation, global_places=rows
        )
        (q, k, v), global_maps = self._heads(self._global_maps(), (x[:, rows], x, x))
        out[..., rows, :], attention = attention_forward(q, k, v, mask)
        y, output = self.output.forward(merge_heads(out))
        return y, LongformerAttentionCache(maps, windows, global_maps, attention, output)

    def backward(self, dy: Array, cache: LongformerAttentionCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        rows = self.global_places
        dout = split_heads(self.output.backward(dy, cache.output), self.n_heads)
        of_rows = attention_backward(dout[..., rows, :], cache.rows)
        dout = dout.copy()
        dout[..., rows, :] = 0  # out[rows] was written over
        of_windows = longformer_attention_backward(dout, cache.windows)
        dx = self._heads_backward(self._maps(), of_windows, cache.maps)
        dx_rows, dx_k, dx_v = self._heads_backward(self._global_maps(), of_rows, cache.global_maps)
        total = dx[0] + dx[1] + dx[2] + dx_k + dx_v
        total[:, rows] += dx_rows  # q = global_query(x[:, rows])
        return total

    def _maps(self) -> tuple[Linear, Linear, Linear]:
        return self.query, self.key, self.value

    def _global_maps(self) -> tuple[Linear, Linear, Linear]:
        return self.global_query, self.global_key, self.global_value

    def _heads(self, maps: Sequence[Linear], sources: Sequence[Array]) -> tuple[list[Array], tuple[LinearCache, ...]]:
        made = [linear.forward(x) for linear, x in zip(maps, sources, strict=True)]
        return [split_heads(y, self.n_heads) for y, _ in made], tuple(cache for _, cache in made)

    def _heads_backward(self, maps: Sequence[Linear], grads: Sequence[Array], caches: Sequence[Any]) -> list[Array]:
        return [m.backward(merge_heads(grad), cache) for m, grad, cache in zip(maps, grads, caches, strict=True)]
