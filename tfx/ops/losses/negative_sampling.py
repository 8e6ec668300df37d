"""Skip-gram with negative sampling: tell the word that stood nearby from K words drawn at random (Word2Vec).

    L = mean over n of  [ -log sigmoid(w_n . c_n)  -  sum_k log sigmoid(-w_n . r_nk) ]

w is the vector of a word, c that of a word in its context, r_1 .. r_K those of the random words.  A softmax over the
vocabulary would ask the same against all V words for every pair; this asks against K, and needs no sum over V.

Derivation.  -log sigmoid(x) = softplus(-x), whose derivative by x is -sigmoid(-x).  With N pairs and p = dL / N

    da = -p sigmoid(-w.c)        for the score a = w.c          (near 0 once the pair is recognised)
    db_k = p sigmoid(w.r_k)      for the scores b_k = w.r_k
    dw = da c + sum_k db_k r_k          dc = da w          dr_k = db_k w

Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", equation 4.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.feed_forward.sigmoid import SoftplusCache, softplus_backward, softplus_forward


class NegativeSamplingCache(NamedTuple):
    word: Array
    context: Array
    negatives: Array
    real: SoftplusCache
    noise: SoftplusCache


class NegativeSamplingGrads(NamedTuple):
    dword: Array
    dcontext: Array
    dnegatives: Array


@in_float32
def negative_sampling_forward(word: Array, context: Array, negatives: Array) -> tuple[Array, NegativeSamplingCache]:
    """word, context: (N, C), negatives: (N, K, C) -> mean loss: scalar, cache; 0 for N = 0.

    Raises ValueError when the shapes do not fit.
    """
    if word.ndim != 2 or context.shape != word.shape:
        raise ValueError(f"word and context are both (N, C), not {word.shape} and {context.shape}")
    if negatives.ndim != 3 or (negatives.shape[0], negatives.shape[2]) != word.shape:
        raise ValueError(f"negatives {negatives.shape} are (N, K, C) for words of shape {word.shape}")
    surprise, real = softplus_forward(-(word * context).sum(axis=-1))  # (N,)
    false_alarm, noise = softplus_forward((negatives @ word[..., None])[..., 0])  # (N, K)
    loss = (surprise.sum() + false_alarm.sum()) * (1.0 / max(len(word), 1))
    return loss, NegativeSamplingCache(word, context, negatives, real, noise)


@in_float32
def negative_sampling_backward(dloss: Array | float, cache: NegativeSamplingCache) -> NegativeSamplingGrads:
    """dloss: scalar -> dword, dcontext: (N, C), dnegatives: (N, K, C)."""
    word, context, negatives, real, noise = cache
    share = dloss * (1.0 / max(len(word), 1))  # loss = (surprise.sum() + false_alarm.sum()) / N
    da = -softplus_backward(share, real).astype(word.dtype)[:, None]  # surprise = softplus(-word . context)
    db = softplus_backward(share, noise).astype(word.dtype)  # false_alarm = softplus(negatives . word)
    dword = da * context + (db[:, None] @ negatives)[:, 0]
    return NegativeSamplingGrads(dword, da * word, db[..., None] * word[:, None])
