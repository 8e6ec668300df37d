"""Additive attention: a small network scores every pair of query and key.

    A_ij = tanh(q_i W_q + k_j W_k + b)      (T, D) x (D, A) and (S, D) x (D, A) -> (T, S, A)
    S_ij = A_ij . v                         (T, S, A) x (A) -> (T, S)

The softmax and the weighted average of the values follow as in ops/attention/attend.py.  The hidden tensor A has T*S*A
entries: that, and not the tanh itself, is why it costs so much more memory and time than one matrix product.

Derivation.  With Z_ij the argument of the tanh and dS from above,

    dv     = sum_ij dS_ij A_ij
    dA_ij  = dS_ij v
    dZ_ij  = dA_ij * (1 - A_ij^2)           tanh' = 1 - tanh^2
    dQ' i  = sum_j dZ_ij,   dK' j = sum_i dZ_ij,   db = sum_ij dZ_ij      Q' = Q W_q was repeated along j, K' along i

and the two linear maps are undone as in ops/basics/linear.py.

A decoder asks the same keys once for every word it writes, and K' does not depend on the question: it can be computed
once and handed in ready (w_k = None), as the appendix of the paper says.
Source: Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and Translate",
appendix A.1.2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.basics.weighted_sum import summed_products, where_read


class AdditiveScoresCache(NamedTuple):
    query: LinearCache
    key: LinearCache | None  # None when the keys came projected
    hidden: Array  # A: (..., T, S, A), kept because the backward needs every entry
    v: Array


class AdditiveScoresGrads(NamedTuple):
    dq: Array
    dk: Array
    dw_q: Array
    dw_k: Array | None
    db: Array | None
    dv: Array


@in_float32
def additive_scores_forward(
    q: Array, k: Array, w_q: Array, w_k: Array | None, b: Array | None, v: Array
) -> tuple[Array, AdditiveScoresCache]:
    """q: (..., T, D), k: (..., S, Dk), w_q: (D, A), w_k: (Dk, A), b: (A,) or None, v: (A,) -> scores: (..., T, S).

    w_k None: the keys are projected already, k: (..., S, A).  Raises ValueError when a width does not match.
    """
    width_k = k.shape[-1] if w_k is None else w_k.shape[1]
    if w_q.shape[1] != width_k or v.shape != (w_q.shape[1],):
        raise ValueError(f"hidden widths differ: w_q {w_q.shape[1]}, keys {width_k}, v {v.shape}")
    xp = xp_of(q)
    query, query_cache = linear_forward(q, w_q, b)  # (..., T, A)
    key, key_cache = (k, None) if w_k is None else linear_forward(k, w_k)  # (..., S, A)
    hidden = xp.tanh(query[..., :, None, :] + key[..., None, :, :])  # (..., T, S, A)
    return hidden @ v, AdditiveScoresCache(query_cache, key_cache, hidden, v)


@in_float32
def additive_scores_backward(dscores: Array, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    """dscores: (..., T, S) -> gradients in the shapes of q, k, w_q, w_k, b, v."""
    query_cache, key_cache, hidden, v = cache
    width = v.shape[0]
    dv = summed_products(hidden.reshape(-1, width), dscores.reshape(-1, 1))[:, 0]  # scores = hidden @ v
    dhidden = dscores[..., None] * v
    dz = where_read(dhidden * (1 - hidden * hidden), dhidden)  # hidden = tanh(z); a blocked pair has dscores = 0
    dq, dw_q, db = linear_backward(dz.sum(axis=-2), query_cache)  # query was repeated for every key
    dk, dw_k = dz.sum(axis=-3), None  # key was repeated for every query
    if key_cache is not None:
        dk, dw_k, _ = linear_backward(dk, key_cache)
    return AdditiveScoresGrads(dq, dk, dw_q, dw_k, db, dv)
