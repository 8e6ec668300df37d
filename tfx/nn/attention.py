"""Multi-head attention with its four maps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.attention_settings import AttentionSettings, refuse_beside_a_kernel
from tfx.nn.dropout import Dropout
from tfx.nn.efficient_attention import FOURIER, make_kernel
from tfx.nn.fourier_mixing import FourierMixing
from tfx.nn.linear import Linear
from tfx.nn.rotary import Rotary
from tfx.ops.attention.head_mask import head_dropout_mask
from tfx.ops.attention.key_value import KeyValue, StoredKeyValue
from tfx.ops.attention.masks import combine_masks
from tfx.ops.attention.multi_head import (
    Acting,
    Maps,
    MultiHeadCache,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from tfx.ops.basics.dropout import kept_logits
from tfx.params import Layer

if TYPE_CHECKING:
    from tfx.nn.block_settings import BlockSettings


class AttentionInputGrads(NamedTuple):
    dx_q: Array
    dx_kv: Array
    dx_v: Array | None  # None when the values were made of x_kv
    dpast: KeyValue | None

    @property
    def dx(self) -> Array:
        """The gradient of the one input of self-attention, which was query, key and value."""
        return self.dx_q + self.dx_kv


class AttentionParts(NamedTuple):
    """Layers inside attention that blocks may share; a model makes them, see nn/position_scheme.py.

    rotary: a nn.Rotary that turns queries and keys by their places (self-attention only).
    position_bias: a layer whose forward(n_queries, n_keys, past, like) gives a bias for the scores, (H, T, M + S).
    kernel: a ready kernel in place of the one that the settings name, see nn/efficient_attention.py.
    """

    rotary: Rotary | None = None
    position_bias: Any = None
    kernel: Any = None


NO_PARTS = AttentionParts()


class MultiHeadAttention(Layer):
    """Owns query: Linear(C, H D), key and value: Linear(C, G D), output: Linear(H D, C).

    dropout: on the weights, and left out beside a kernel.  width_k, width_v: C of the source of keys, of values, if
    they differ.  parts: what blocks may share, see AttentionParts.  settings: what else there is to choose, or the same
    by name (n_kv_heads, d_head, bias, soft_cap, kernel ...), see nn/attention_settings.py.
    A kernel that does not read the keys leaves key the same map as query.
    Raises ValueError when the heads do not divide the width, or G does not divide H, or options exclude each other,
    TypeError for sizes that are not whole numbers.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        rng: np.random.Generator,
        dropout: float = 0.0,
        dtype: Any = "float32",
        *,
        width_k: int | None = None,
        width_v: int | None = None,
        parts: AttentionParts = NO_PARTS,
        settings: AttentionSettings | None = None,
        **named: Any,
    ) -> None:
        whole_number("width", width, 1)
        settings = AttentionSettings.of(settings or AttentionSettings(), **named)
        self.n_heads, (self.n_kv_heads, self.d_head) = n_heads, settings.heads(width, n_heads)
        self.scale, self.soft_cap = settings.scale, settings.soft_cap
        shared, bias = self.n_kv_heads * self.d_head, settings.bias is not False
        self.query = Linear(width, n_heads * self.d_head, rng, bias, dtype=dtype)
        self.key = Linear(width if width_k is None else width_k, shared, rng, bias, dtype=dtype)
        self.value = Linear(width if width_v is None else width_v, shared, rng, bias, dtype=dtype)
        self.output = Linear(n_heads * self.d_head, width, rng, bias, dtype=dtype)
        self.dropout, self.logit_dropout = Dropout(dropout), Dropout(settings.logit_dropout)
        self.head_dropout = Dropout(settings.head_dropout).rate
        self.rotary, self.position_bias = parts.rotary, parts.position_bias
        kernel = settings.kernel if parts.kernel is None else parts.kernel
        self.kernel = make_kernel(kernel, n_heads, self.d_head, rng, dtype)
        if self.kernel is not None:
            refuse_beside_a_kernel(settings, self.position_bias)
        if not getattr(self.kernel, "reads_keys", True):
            if self.key.w.shape != self.query.w.shape:
                raise ValueError(
                    "this kernel makes keys of the queries: n_kv_heads and width_k cannot differ from theirs"
                )
            self.key = self.query  # one map for both, and no parameters that nothing reads

    @property
    def stores_keys(self) -> bool:
        """Whether a token can be read on its own, after stored keys and values: a kernel wants to see the whole."""
        return self.kernel is None

    def forward(
        self,
        x_q: Array,
        x_kv: Array | None = None,
        mask: Array | None = None,
        rng: Any = None,
        x_v: Array | None = None,
        past: StoredKeyValue | None = None,
    ) -> tuple[Array, MultiHeadCache]:
        """x_q: (B, T, C), x_kv: (B, S, C), or None for self-attention -> y: (B, T, C).

        mask: boolean, True = may attend, broadcastable to (B, H, T, M + S).  x_v: (B, S, C), if the values come from
        elsewhere.  past: keys and values of M tokens before; cache.present goes into the next call.
        cache.attention holds q, k, v and weights.
        """
        if x_kv is not None and self.rotary is not None:
            raise ValueError("rotary positions turn queries and keys of one sequence, and here are two")
        x_kv = x_q if x_kv is None else x_kv
        if x_q.ndim < 2 or x_kv.ndim < 2:
            raise ValueError(f"attention reads (..., length, width), not {x_q.shape} and {x_kv.shape}")
        m, start = (0, 0) if past is None else (past.length, past.seen)
        n_queries, n_keys = x_q.shape[-2], m + x_kv.shape[-2]
        shape = (*x_q.shape[:-2], self.n_heads, n_queries, n_keys)
        if rng is not None and self.logit_dropout.rate:
            mask = combine_masks(mask, kept_logits(shape, self.logit_dropout.rate, rng, xp_of(x_q)))
        bias, bias_cache = None, None
        if self.position_bias is not None:
            bias, bias_cache = self.position_bias.forward(n_queries, n_keys, m, x_q)
        linears = (self.query, self.key, self.value, self.output)
        offsets = (None if linear.b is None else linear.b.value for linear in linears)
        maps = Maps(*(linear.w.value for linear in linears), *offsets)
        dropout = None if self.kernel is not None else self._multiplier(shape, rng, x_q)
        y, cache = multi_head_attention_forward(
            x_q,
            x_kv,
            maps,
            x_v=x_v,
            n_heads=self.n_heads,
            n_kv_heads=self.n_kv_heads,
            rotation=None if self.rotary is None else self.rotary.rotation(n_queries, start, x_q),
            past=past,
            mask=mask,
            acting=Acting(self.scale, dropout, bias, self.soft_cap, self.kernel),
        )
        return y, cache._replace(position_bias=bias_cache)

    def _multiplier(self, shape: tuple[int, ...], rng: Any, like: Array) -> Array | None:
        """What the weights are multiplied by: dropout of weights, and of heads (a head scales with its weights)."""
        of_weights = self.dropout.multiplier(shape, rng, like)
        if rng is None or not self.head_dropout:
            return of_weights
        of_heads = head_dropout_mask(shape[:-2], self.head_dropout, rng, like.dtype, xp_of(like))[..., None, None]
        return of_heads if of_weights is None else of_weights * of_heads

    def backward(self, dy: Array, cache: MultiHeadCache, dweights: Array | None = None) -> AttentionInputGrads:
        """dy: (B, T, C) -> dx_q: (B, T, C), dx_kv: (B, S, C) ...  In self-attention, .dx is the gradient of the input.

        dweights: (B, H, T, M + S), the gradient of a loss that reads the attention weights themselves.
        """
        grads = multi_head_attention_backward(dy, cache, dweights)
        for layer, dw, db in (
            (self.query, grads.dw_q, grads.db_q),
            (self.key, grads.dw_k, grads.db_k),
            (self.value, grads.dw_v, grads.db_v),
            (self.output, grads.dw_o, grads.db_o),
        ):
            layer.w.grad += dw
            if layer.b is not None:
                layer.b.grad += db
        if self.position_bias is not None:
            self.position_bias.backward(grads.dbias, cache.position_bias)
        return AttentionInputGrads(grads.dx_q, grads.dx_kv, grads.dx_v, grads.dpast)


def make_self_attention(settings: BlockSettings, rng: np.random.Generator, parts: AttentionParts = NO_PARTS) -> Any:
    """What a block uses to mix its tokens: attention with these settings, or FourierMixing for the kernel "fourier"."""
    kernel = settings.attention.kernel
    if kernel is not None and kernel.name == FOURIER:
        return FourierMixing()
    return _attention_of(settings, rng, parts, settings.attention)


def make_cross_attention(settings: BlockSettings, rng: np.random.Generator) -> MultiHeadAttention:
    """Attention over a memory: without what belongs to places, causality and lengths, so always exact."""
    return _attention_of(settings, rng, NO_PARTS, replace(settings.attention, kernel=None))


def _attention_of(
    block: BlockSettings, rng: np.random.Generator, parts: AttentionParts, settings: AttentionSettings
) -> MultiHeadAttention:
    if settings.bias is None:
        settings = replace(settings, bias=block.bias)
    sizes = (block.d_model, block.n_heads, rng, block.dropout, block.dtype)
    return MultiHeadAttention(*sizes, parts=parts, settings=settings)
