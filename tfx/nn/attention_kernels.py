"""Kernels that own something: mixers of keys, random features, scores that do not come from queries and keys.

Each has forward(q, k, v, mask, scale) -> (out, cache) and backward(dout, cache) -> (dq, dk, dv), as MultiHeadAttention
(kernel=...) expects, and adds to the gradients of its own parameters.  The mathematics is in tfx.efficient.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.linformer import LinformerCache, linformer_backward, linformer_forward
from tfx.efficient.performer import PerformerCache, performer_backward, performer_forward, random_features
from tfx.efficient.synthesizer import (
    DenseSynthesizerCache,
    RandomSynthesizerCache,
    dense_synthesizer_backward,
    dense_synthesizer_forward,
    random_synthesizer_backward,
    random_synthesizer_forward,
)
from tfx.ops.basics.matmul import MatmulCache, matmul_backward, matmul_forward
from tfx.params import Buffer, Layer, Parameter

Rng = np.random.Generator


class LinformerKernel(Layer):
    """Owns e and f: (K, L), or (H, K, L) if per_head; f is None if keys and values share one.

    max_len: L, the longest sequence.  rank: K.  To share it between the layers of a model, give them one object.
    """

    def __init__(
        self,
        n_heads: int,
        d_head: int,
        rng: Rng,
        dtype: Any = "float32",
        *,
        max_len: int,
        rank: int,
        per_head: bool = False,
        shared: bool = False,
    ) -> None:
        whole_number("max_len", max_len, 1)
        whole_number("rank", rank, 1)
        shape = (n_heads, rank, max_len) if per_head else (rank, max_len)
        std = 1.0 / math.sqrt(max_len)  # a sum of L keys then varies like one key
        self.e = _normal(rng, shape, std, dtype)
        self.f = None if shared else _normal(rng, shape, std, dtype)

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, LinformerCache]:
        """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv)."""
        return linformer_forward(q, k, v, self.e.value, None if self.f is None else self.f.value, mask, scale)

    def backward(self, dout: Array, cache: LinformerCache) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq, dk, dv."""
        grads = linformer_backward(dout, cache)
        self.e.grad += grads.de
        if self.f is not None:
            self.f.grad += grads.df
        return grads.dq, grads.dk, grads.dv


class PerformerKernel(Layer):
    """Owns the buffer w: (m, D), random features that all heads share; they are not trained.

    seed: drawn from rng unless told.  causal, chunk: as in performer_forward.
    """

    def __init__(
        self,
        n_heads: int,
        d_head: int,
        rng: Rng,
        dtype: Any = "float32",
        *,
        n_features: int = 64,
        causal: bool = False,
        chunk: int = 64,
        orthogonal: bool = True,
        seed: int | None = None,
    ) -> None:
        self.orthogonal, self.causal, self.chunk = orthogonal, causal, chunk
        seed = int(rng.integers(2**31)) if seed is None else seed
        self.w = Buffer(random_features(n_features, d_head, seed, orthogonal, dtype))

    def redraw(self, seed: int) -> None:
        """New features of the same number; every so many steps, so that a model does not lean on one draw."""
        old = self.w.value
        new = random_features(old.shape[0], old.shape[1], seed, self.orthogonal, old.dtype, xp_of(old))
        self.w.value = self.w.next = new

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, PerformerCache]:
        """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv)."""
        return performer_forward(q, k, v, self.w.value, mask, scale, causal=self.causal, chunk=self.chunk)

    def backward(self, dout: Array, cache: PerformerCache) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq, dk, dv."""
        return performer_backward(dout, cache)


class RandomSynthesizerKernel(Layer):
    """Owns scores: (H, L, L), or its factors left and right: (H, L, rank); no query or key is looked at.

    max_len: L.  learned: False keeps the scores as they were drawn.  The attention around this kernel keeps its query
    map, C H D weights that nothing reads: they count among the parameters of the model and get a gradient of zeros.
    """

    #: Scores come from the places alone.
    reads_keys = False

    def __init__(
        self,
        n_heads: int,
        d_head: int,
        rng: Rng,
        dtype: Any = "float32",
        *,
        max_len: int,
        rank: int | None = None,
        learned: bool = True,
    ) -> None:
        whole_number("max_len", max_len, 1)
        shape = (n_heads, max_len, max_len if rank is None else whole_number("rank", rank, 1))
        draws = [
            _normal(rng, shape, 1.0 if rank is None else rank**-0.25, dtype) for _ in range(1 if rank is None else 2)
        ]
        self.factors = draws if learned else [Buffer(draw.value) for draw in draws]

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, _RandomCache]:
        """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv); of q and k only the lengths count."""
        scores, product = self.factors[0].value, None
        if len(self.factors) == 2:
            scores, product = matmul_forward(scores, self.factors[1].value.swapaxes(-1, -2))
        out, cache = random_synthesizer_forward(v, scores, q.shape[-2], mask)
        return out, _RandomCache(q, k, product, cache)

    def backward(self, dout: Array, cache: _RandomCache) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq = 0, dk = 0, dv."""
        xp = xp_of(dout)
        dv, dscores = random_synthesizer_backward(dout, cache.attention)
        grads = [dscores]
        if cache.product is not None:
            dleft, dright = matmul_backward(dscores, cache.product)  # scores = left @ right^T
            grads = [dleft, dright.swapaxes(-1, -2)]
        for factor, grad in zip(self.factors, grads, strict=True):
            if isinstance(factor, Parameter):
                factor.grad += grad
        return xp.zeros_like(cache.q), xp.zeros_like(cache.k), dv


class DenseSynthesizerKernel(Layer):
    """Owns for each head a network from the query to its row of scores: w1 (H, D, F), b1, w2 (H, F, L), b2.

    max_len: L.  hidden: F, D unless told.
    """

    #: Scores come from the queries alone.
    reads_keys = False

    def __init__(
        self, n_heads: int, d_head: int, rng: Rng, dtype: Any = "float32", *, max_len: int, hidden: int | None = None
    ) -> None:
        whole_number("max_len", max_len, 1)
        hidden = d_head if hidden is None else whole_number("hidden", hidden, 1)
        self.w1 = _normal(rng, (n_heads, d_head, hidden), math.sqrt(2.0 / d_head), dtype)
        self.b1 = Parameter(np.zeros((n_heads, 1, hidden), dtype=dtype))
        self.w2 = _normal(rng, (n_heads, hidden, max_len), 1.0 / math.sqrt(hidden), dtype)
        self.b2 = Parameter(np.zeros((n_heads, 1, max_len), dtype=dtype))

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, _DenseCache]:
        """q: (..., H, T, D), k: (..., H, S, D), v: (..., H, S, Dv) -> out: (..., H, T, Dv)."""
        first, second = (self.w1.value, self.b1.value), (self.w2.value, self.b2.value)
        out, cache = dense_synthesizer_forward(q, v, *first, *second, mask)
        return out, _DenseCache(k, cache)

    def backward(self, dout: Array, cache: _DenseCache) -> tuple[Array, Array, Array]:
        """dout: (..., H, T, Dv) -> dq, dk = 0, dv."""
        grads = dense_synthesizer_backward(dout, cache.attention)
        self.w1.grad += grads.dw1
        self.b1.grad += grads.db1
        self.w2.grad += grads.dw2
        self.b2.grad += grads.db2
        return grads.dx, xp_of(dout).zeros_like(cache.k), grads.dv


class _RandomCache(NamedTuple):
    q: Array
    k: Array
    product: MatmulCache | None
    attention: RandomSynthesizerCache


class _DenseCache(NamedTuple):
    k: Array
    attention: DenseSynthesizerCache


def _normal(rng: Rng, shape: tuple[int, ...], std: float, dtype: Any) -> Parameter:
    return Parameter((std * rng.standard_normal(shape)).astype(dtype))
