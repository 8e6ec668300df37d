"""A head that scores by a small network, for a model that would take dot products: it stands in as a kernel.

    e_ij = v . tanh(q_i + k_j)        q, k: projected by the attention around it, so W_q and W_k are its W_Q and W_K

A second pair of matrices would only multiply with the first.  So v is all that it adds: d_a = d_k numbers.
Source: Bahdanau, Cho and Bengio 2015, appendix A.1.2.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.attention.additive_attention import (
    AdditiveScoresCache,
    additive_scores_backward,
    additive_scores_forward,
)
from tfx.ops.attention.attend import AttendCache, attend_backward, attend_forward
from tfx.params import Layer, Parameter


class AdditiveHeadCache(NamedTuple):
    scores: AdditiveScoresCache
    attend: AttendCache


class AdditiveHead(Layer):
    """Owns v: (D,), of variance 1/D; what kernels are, see nn/efficient_attention.py."""

    def __init__(self, d_head: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        self.v = Parameter((rng.standard_normal(d_head) / math.sqrt(d_head)).astype(dtype))

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, AdditiveHeadCache]:
        """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv).  It has no scale: tanh bounds it."""
        w_q = xp_of(q).eye(q.shape[-1], dtype=q.dtype)  # the queries are projected already
        scores, scores_cache = additive_scores_forward(q, k, w_q, None, None, self.v.value)
        out, attend_cache = attend_forward(scores, v, mask)
        return out, AdditiveHeadCache(scores_cache, attend_cache)

    def backward(self, dout: Array, cache: AdditiveHeadCache) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq, dk, dv."""
        dscores, dv = attend_backward(dout, cache.attend)
        grads = additive_scores_backward(dscores, cache.scores)
        self.v.grad += grads.dv
        return grads.dq, grads.dk, dv
