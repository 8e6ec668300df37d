"""Batch normalisation: every feature is centred and scaled by its statistics over the batch (and, in text, over time).

    training                                               evaluation
    m = mean over tokens of x                              m, v: running averages of training's
    v = mean over tokens of (x - m)^2
    r = 1 / sqrt(v + eps)      xhat = (x - m) r      y = gamma * xhat + beta

LayerNorm takes its means over the features of one token; this takes them over the tokens, for each feature.  So the
tokens of a batch see each other: an example's output depends on its neighbours, causal models leak the future through
m and v, and training and evaluation compute different functions.

Derivation, training.  Let n be the number of tokens, g = dy * gamma, and <.> the mean over them.  The tokens of one
feature are what the features of one token are to LayerNorm (ops/norms/layer_norm.py), so

    dx_i = r (g_i - <g> - xhat_i <g xhat>)        dgamma = sum of dy * xhat      dbeta = sum of dy

Evaluation.  m and v do not depend on x, both paths through them are closed: dx = r g.

Padding.  With a mask, n, the means and all sums count the kept tokens only; the others give 0 and get no gradient.

Running averages move by `momentum` towards each batch; the variance is first made unbiased, n / (n - 1) v, because the
average estimates the variance of the data and not of a batch.
Source: Ioffe and Szegedy 2015, "Batch Normalization", algorithms 1 and 2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.sums import column_sums
from tfx.ops.norms.token_statistics import check_features, check_keep, count_tokens, kept


class Statistics(NamedTuple):
    mean: Array  # (C,)
    variance: Array  # (C,)


class BatchNormCache(NamedTuple):
    xhat: Array
    inv_std: Array  # (C,)
    gamma: Array
    keep: Mask  # (..., 1)
    batch: Statistics | None  # None in evaluation
    n_tokens: Array | int


@in_float32
def batch_norm_forward(
    x: Array, gamma: Array, beta: Array, running: Statistics | None = None, keep: Mask = None, eps: float = 1e-5
) -> tuple[Array, BatchNormCache]:
    """x: (..., C), gamma: (C,), beta: (C,) -> y: (..., C) in x's dtype, cache.

    running: the statistics to use, for evaluation; None takes them from the batch.  keep: (...,) bool, True = counts.
    A feature that is constant over the batch (a batch of one token) gives beta.
    Raises ValueError when shapes differ, TypeError for a keep that is not boolean.
    """
    check_features(x, gamma=gamma, beta=beta, **({} if running is None else running._asdict()))
    keep = check_keep(keep, x)
    n_tokens = count_tokens(x, keep)
    batch = None
    if running is None:
        mean = column_sums(kept(x, keep)) / n_tokens
        centred = kept(x - mean, keep)
        running = batch = Statistics(mean, column_sums(centred * centred) / n_tokens)
    inv_std = 1.0 / xp_of(x).sqrt(running.variance + (eps or running.variance == 0))  # 0 / 1 and not 0 / 0
    xhat = kept((x - running.mean) * inv_std, keep)
    return kept(xhat * gamma + beta, keep), BatchNormCache(xhat, inv_std, gamma, keep, batch, n_tokens)


@in_float32
def batch_norm_backward(dy: Array, cache: BatchNormCache) -> tuple[Array, Array, Array]:
    """dy: (..., C) -> dx: (..., C), dgamma: (C,), dbeta: (C,)."""
    xhat, inv_std, gamma, keep, batch, n_tokens = cache
    dy = kept(dy, keep)  # y = kept(...)
    dbeta = column_sums(dy)  # y = ... + beta, for every token
    dgamma = column_sums(dy * xhat)  # y = xhat * gamma + ...
    g = dy * gamma
    if batch is None:
        return inv_std * g, dgamma, dbeta  # mean and variance were given
    through_mean = gamma * dbeta / n_tokens  # centred = x - mean(x): this is the mean of g
    through_variance = xhat * (gamma * dgamma / n_tokens)  # inv_std = 1 / sqrt(variance(x) + eps): the mean of g xhat
    return kept(inv_std * (g - through_mean - through_variance), keep), dgamma, dbeta


def updated_statistics(
    running: Statistics, cache: BatchNormCache, momentum: float = 0.1, unbiased: bool = True
) -> Statistics:
    """The running averages after this batch: (1 - momentum) running + momentum batch, as new arrays.

    unbiased: the batch's variance times n / (n - 1); for a single token, whose variance is 0, it stays 0.
    Raises ValueError for the cache of an evaluation, which saw no statistics.
    """
    if cache.batch is None:
        raise ValueError("an evaluation has no batch statistics to learn from")
    mean, variance = cache.batch
    if unbiased:
        n = cache.n_tokens
        others = max(n - 1, 1) if isinstance(n, int) else xp_of(n).maximum(n - 1, 1)
        variance = variance * (n / others)
    old = 1.0 - momentum
    return Statistics(old * running.mean + momentum * mean, old * running.variance + momentum * variance)
