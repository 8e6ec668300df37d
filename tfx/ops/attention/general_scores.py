"""Scores of Luong et al.: three ways to say how well a query fits a key.

    dot       S_ij = q_i . k_j                      one space for both: widths must be equal
    general   S_ij = q_i W k_j                      W: (Dq, Dk) learns which part of q asks for which part of k
    concat    S_ij = v . tanh([q_i ; k_j] W)        W: (Dq + Dk, A), a small network that reads both

The general score is a dot product in the space of the keys, with W = I it is the dot score.  The concat score is the
additive score of Bahdanau et al. (ops/attention/additive_attention.py): [q ; k] W = q W_q + k W_k, where W_q are the
first Dq rows of W and W_k the others.  Softmax and the average of the values follow, the same for all
(ops/attention/attend.py).

Derivation.  S = q k^T * scale is linear in each of the two: dq = dS k * scale and dk = dS^T q * scale.  For the general
score q' = q W takes the place of q; then dq = dq' W^T and dW = q^T dq', summed over the batch (ops/basics/linear.py).
Source: Luong, Pham and Manning 2015, "Effective Approaches to Attention-based Neural Machine Translation", section 3.1,
equation 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.additive_attention import AdditiveScoresCache, additive_scores_backward, additive_scores_forward
from tfx.ops.attention.scaled_dot_product import attention_scores
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.basics.weighted_sum import weighted_sum


class DotScoresCache(NamedTuple):
    q: Array
    k: Array
    scale: float


class DotScoresGrads(NamedTuple):
    dq: Array
    dk: Array


class GeneralScoresCache(NamedTuple):
    query: LinearCache
    dot: DotScoresCache


class GeneralScoresGrads(NamedTuple):
    dq: Array
    dk: Array
    dw: Array


class ConcatScoresGrads(NamedTuple):
    dq: Array
    dk: Array
    dw: Array
    dv: Array


@in_float32
def dot_scores_forward(q: Array, k: Array, scale: float = 1.0) -> tuple[Array, DotScoresCache]:
    """q: (..., T, D), k: (..., S, D) -> scores: (..., T, S).  Raises ValueError when the widths differ."""
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"keys have width {k.shape[-1]} but queries have {q.shape[-1]}")
    return attention_scores(q, k, scale)[0], DotScoresCache(q, k, scale)


@in_float32
def dot_scores_backward(dscores: Array, cache: DotScoresCache) -> DotScoresGrads:
    """dscores: (..., T, S) -> dq, dk."""
    q, k, scale = cache
    return DotScoresGrads(
        dq=weighted_sum(dscores, k) * scale,  # scores = q @ k^T * scale
        dk=weighted_sum(dscores.swapaxes(-1, -2), q) * scale,
    )


@in_float32
def general_scores_forward(q: Array, k: Array, w: Array) -> tuple[Array, GeneralScoresCache]:
    """q: (..., T, Dq), k: (..., S, Dk), w: (Dq, Dk) -> scores: (..., T, S).  Raises ValueError when a width differs."""
    query, query_cache = linear_forward(q, w)
    scores, dot = dot_scores_forward(query, k)
    return scores, GeneralScoresCache(query_cache, dot)


@in_float32
def general_scores_backward(dscores: Array, cache: GeneralScoresCache) -> GeneralScoresGrads:
    """dscores: (..., T, S) -> dq, dk, dw."""
    dquery, dk = dot_scores_backward(dscores, cache.dot)  # scores = query @ k^T
    dq, dw, _ = linear_backward(dquery, cache.query)  # query = q @ w
    return GeneralScoresGrads(dq, dk, dw)


@in_float32
def concat_scores_forward(q: Array, k: Array, w: Array, v: Array) -> tuple[Array, AdditiveScoresCache]:
    """q: (..., T, Dq), k: (..., S, Dk), w: (Dq + Dk, A), v: (A,) -> scores: (..., T, S).

    Raises ValueError when a width differs.
    """
    width_q = q.shape[-1]
    if w.shape[0] != width_q + k.shape[-1]:
        raise ValueError(f"w has {w.shape[0]} rows but q and k together have width {width_q} + {k.shape[-1]}")
    return additive_scores_forward(q, k, w[:width_q], w[width_q:], None, v)  # [q ; k] @ w = q @ w_q + k @ w_k


@in_float32
def concat_scores_backward(dscores: Array, cache: AdditiveScoresCache) -> ConcatScoresGrads:
    """dscores: (..., T, S) -> dq, dk, dw, dv."""
    grads = additive_scores_backward(dscores, cache)
    dw = xp_of(dscores).concatenate((grads.dw_q, grads.dw_k), axis=0)  # w_q and w_k are rows of one matrix
    return ConcatScoresGrads(grads.dq, grads.dk, dw, grads.dv)


#: Name -> (forward(q, k, ...), backward(dscores, cache)): one call shape, and gradients by name, for whoever chooses.
SCORES: dict[str, tuple[Callable[..., tuple[Array, Any]], Callable[[Array, Any], Any]]] = {
    "dot": (dot_scores_forward, dot_scores_backward),
    "general": (general_scores_forward, general_scores_backward),
    "concat": (concat_scores_forward, concat_scores_backward),
    "additive": (additive_scores_forward, additive_scores_backward),
}
