"""Nystrom attention (Nystromformer): the T x S weights are rebuilt from a few of their rows and columns.

m landmarks stand for all tokens: means of consecutive segments.  With Q~, K~ the landmarks of queries and keys,

    F1 = softmax(Q K~^T)     T x m        every query against the landmark keys
    A  = softmax(Q~ K~^T)    m x m        landmarks among themselves
    F3 = softmax(Q~ K^T)     m x S        every key against the landmark queries
    out = F1 A^+ (F3 V)                   A^+: the pseudo-inverse, by iteration (iterative_inverse.py)

Read from the right these are two ordinary attentions with a small matrix between them: W = F3 V is the attention of
the landmark queries, U = A^+ W turns it, and out = F1 U is attention over the landmark keys with U for values.

Segments differ by at most one token in length.  A blocked key is left out of its segment's mean, for queries too when
T = S, and a segment without tokens is left out of all three.  A mean of a segment holds its future, so there is no
causal form.  The paper adds a convolution of the values; here that is left to the model.

Derivation.  Both attentions undo themselves (ops/attention/scaled_dot_product.py), dZ = dU W^T goes through the
iteration, a softmax and two linear maps into the landmarks, and a landmark, being a mean, hands its gradient to its
tokens in equal parts:

    dQ = dQ of F1 + M^T dQ~        dK = dK of F3 + M^T dK~             M: m x T, the segments' means

Exact: with m = T = S, once the iteration has converged: then F1 = A = F3 and A A^+ A = A.  Approximated: softmax
attention, better the more alike the tokens of a segment are.  Cost: O((T + S) m (D + Dv) + m^3).  It pays when T is
several times m.
Unstable when A is nearly singular, as landmarks that are much alike make it: A^+ grows to 1 / s, s the least singular
value of A, and magnifies rounding, and what F1 and F3 hold beyond A.  A step enlarges Z at most 13/4 times, so few of
them hold it back: measured in float32, T = 64, m = 16, s = 1e-7, the error is 0.004 after 6 steps and 0.4 after 30.
Source: Xiong et al. 2021, "Nystromformer: A Nystrom-Based Algorithm for Approximating Self-Attention", section 3.2.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.iterative_inverse import (
    IterativeInverseCache,
    iterative_inverse_backward,
    iterative_inverse_forward,
)
from tfx.efficient.key_mask import blocked_to_zero, key_mask
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_forward,
    attention_scores,
    check_attention_shapes,
)
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward


class NystromAttentionCache(NamedTuple):
    means_q: Array  # M: (..., m, T)
    means_k: Array
    landmarks_q: Array
    landmarks_k: Array
    landmark_weights: SoftmaxCache  # A
    inverse: IterativeInverseCache
    z: Array
    w: Array
    read: AttentionCache  # F3 and V
    answer: AttentionCache  # F1 and U
    scale: float


@in_float32
def nystrom_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    n_landmarks: int = 32,
    n_iterations: int = 6,
) -> tuple[Array, NystromAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), that blocks keys for all queries (see key_mask.py).
    scale: 1 / sqrt(D) unless told.  n_landmarks: m, or T (and S) if that is less.
    n_iterations: steps towards A^+; more of them are not always better (see above).
    Raises ValueError when widths or lengths do not match, m is below 1 or the mask blocks single scores.
    """
    check_attention_shapes(q, k, v, mask)
    whole_number("n_landmarks", n_landmarks, 1)
    xp = xp_of(q)
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    keys = key_mask(mask, n_queries, n_keys)
    k, v = blocked_to_zero(k, keys), blocked_to_zero(v, keys)
    asking = keys if n_queries == n_keys else None  # self-attention: a padded token does not ask either
    means_q, alive_q = segment_means(n_queries, min(n_landmarks, n_queries), asking, q.dtype, xp)
    means_k, alive_k = segment_means(n_keys, min(n_landmarks, n_keys), keys, q.dtype, xp)
    landmarks_q, landmarks_k = means_q @ q, means_k @ k
    keys_row, alive_row = (None if x is None else x[..., None, :] for x in (keys, alive_k))
    w, read_cache = attention_forward(landmarks_q, k, v, keys_row, scale)  # F3 V
    scores, _ = attention_scores(landmarks_q, landmarks_k, scale)
    for alive in (alive_row, None if alive_q is None else alive_q[..., :, None]):
        if alive is not None:
            scores = xp.where(alive, scores, -math.inf).astype(scores.dtype)
    weights, weights_cache = softmax_forward(scores)  # A
    z, inverse_cache = iterative_inverse_forward(weights, n_iterations)
    out, answer_cache = attention_forward(q, landmarks_k, z @ w, alive_row, scale)  # F1 U
    landmarks = (means_q, means_k, landmarks_q, landmarks_k)
    return out, NystromAttentionCache(*landmarks, weights_cache, inverse_cache, z, w, read_cache, answer_cache, scale)


@in_float32
def nystrom_attention_backward(dout: Array, cache: NystromAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    q, k, scale = cache.answer.q, cache.read.k, cache.scale
    dq, dlandmarks_k, du = attention_backward(dout, cache.answer)  # out = attention(q, landmarks_k, u)
    dz = du @ cache.w.swapaxes(-1, -2)  # u = z @ w
    dw = cache.z.swapaxes(-1, -2) @ du
    dlandmarks_q, dk, dv = attention_backward(dw, cache.read)  # w = attention(landmarks_q, k, v)
    dweights = iterative_inverse_backward(dz, cache.inverse)
    dscores = softmax_backward(dweights, cache.landmark_weights) * scale
    dlandmarks_q = dlandmarks_q + dscores @ cache.landmarks_k  # scores = landmarks_q @ landmarks_k^T * scale
    dlandmarks_k = dlandmarks_k + dscores.swapaxes(-1, -2) @ cache.landmarks_q
    dq = dq + fold(cache.means_q.swapaxes(-1, -2) @ dlandmarks_q, q)  # landmarks_q = means_q @ q
    dk = dk + fold(cache.means_k.swapaxes(-1, -2) @ dlandmarks_k, k)
    return dq, dk, dv


def segment_means(length: int, n_segments: int, keys: Array | None, dtype: Any, xp: Any) -> tuple[Array, Array | None]:
    """-> the matrix (..., m, T) that takes the mean of each of m consecutive segments, and which segments have tokens.

    keys: (..., T) boolean, tokens to be counted, or None for all; then every segment has tokens and None stands for it.
    """
    segment = xp.arange(length) * n_segments // length  # 0 .. m - 1, lengths differ by one at most
    member = segment == xp.arange(n_segments)[:, None]
    if keys is not None:
        member = member & keys[..., None, :]
    counts = member.sum(axis=-1, keepdims=True)
    means = member.astype(dtype) / xp.maximum(counts, 1).astype(dtype)
    return means, None if keys is None else counts[..., 0] > 0
