"""PowerNorm: batch normalisation without the mean, by a running quadratic mean, with a running backward as well.

For every feature, over the tokens of a batch (<.> is the mean over them):

    psi_B^2 = <x^2>                              the batch's quadratic mean; psi^2 is its running average
    PN-V, batch statistics:     xhat = x / psi_B
    PN, training:               xhat = x / psi      with psi as it was before this batch
    PN, evaluation:             xhat = x / psi
    y = gamma * xhat + beta

In text the statistics of a batch jump from batch to batch, which is what harms BatchNorm there.  The mean varies most,
so it is left out; psi_B varies too, so the running psi stands for it.

Derivation.  Let g = dy * gamma.  PN-V is RMSNorm (ops/norms/rms_norm.py) with tokens and features exchanged, so

    dx = (g - nu xhat) / psi      with nu = <g xhat>                                exact for PN-V

In evaluation psi is a constant, and the same line with nu = 0 is exact.

The approximation.  In training psi is not the batch's but the average over all batches so far, and the derivative
through all of them cannot be had.  Shen et al. keep PN-V's line and replace its two batch statistics alike: psi_B by
the running psi, and nu = <g xhat> by a running nu that follows it,

    nu <- nu (1 - a <xhat^2>) + a <g xhat>        psi^2 <- (1 - a) psi^2 + a psi_B^2        a = momentum

This dx is NOT the derivative of y: with psi as a constant that would be g / psi.  It is what PN-V's exact gradient
becomes when its means are averaged over time: on a batch that repeats, psi and nu settle on PN-V's, and dx on its
exact gradient.  dgamma and dbeta are exact always.
Source: Shen et al. 2020, "PowerNorm: Rethinking Batch Normalization in Transformers", section 4, algorithm 2, which
leaves out eps.  The authors' program begins with some thousand steps of batch statistics, before psi has settled.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.sums import column_sums
from tfx.ops.norms.token_statistics import check_features, check_keep, count_tokens, kept


class PowerStatistics(NamedTuple):
    psi2: Array  # (C,): the running quadratic mean
    nu: Array | None  # (C,): the running <g xhat>, or None in evaluation


class PowerNormCache(NamedTuple):
    xhat: Array
    inv_psi: Array  # (C,)
    gamma: Array
    keep: Mask  # (..., 1)
    batch_psi2: Array  # (C,)
    running: PowerStatistics | None  # None for PN-V
    n_tokens: Array | int


@in_float32
def power_norm_forward(
    x: Array, gamma: Array, beta: Array, running: PowerStatistics | None = None, keep: Mask = None, eps: float = 1e-5
) -> tuple[Array, PowerNormCache]:
    """x: (..., C), gamma: (C,), beta: (C,) -> y: (..., C) in x's dtype, cache.

    running: None for PN-V; psi2 and nu for PN in training; psi2 without nu for evaluation.
    keep: (...,) bool, True = counts; the other tokens give 0 and get no gradient.
    Raises ValueError when shapes differ, TypeError for a keep that is not boolean.
    """
    check_features(x, gamma=gamma, beta=beta, **({} if running is None else running._asdict()))
    keep = check_keep(keep, x)
    n_tokens = count_tokens(x, keep)
    present = kept(x, keep)
    batch_psi2 = column_sums(present * present) / n_tokens
    psi2 = batch_psi2 if running is None else running.psi2
    inv_psi = 1.0 / xp_of(x).sqrt(psi2 + (eps or psi2 == 0))  # 0 / 1 and not 0 / 0
    xhat = present * inv_psi
    return kept(xhat * gamma + beta, keep), PowerNormCache(xhat, inv_psi, gamma, keep, batch_psi2, running, n_tokens)


@in_float32
def power_norm_backward(dy: Array, cache: PowerNormCache) -> tuple[Array, Array, Array]:
    """dy: (..., C) -> dx: (..., C), dgamma: (C,), dbeta: (C,).  In PN's training dx is the paper's approximation."""
    dy = kept(dy, cache.keep)  # y = kept(...)
    dbeta = column_sums(dy)  # y = ... + beta, for every token
    dgamma = column_sums(dy * cache.xhat)  # y = xhat * gamma + ...
    g = dy * cache.gamma
    if cache.running is None:
        nu = _batch_nu(dgamma, cache)  # inv_psi = 1 / sqrt(mean(x^2) + eps)
    else:
        nu = cache.running.nu  # psi was given; nu stands for the path through it, None for no such path
    return cache.inv_psi * (g if nu is None else g - nu * cache.xhat), dgamma, dbeta


def updated_psi2(psi2: Array, cache: PowerNormCache, momentum: float = 0.1) -> Array:
    """The running quadratic mean after this batch's forward, as a new array."""
    return (1.0 - momentum) * psi2 + momentum * cache.batch_psi2


def updated_nu(nu: Array, dgamma: Array, cache: PowerNormCache, momentum: float = 0.1) -> Array:
    """The running <g xhat> after this batch's backward, which gave dgamma, as a new array."""
    mean_square = column_sums(cache.xhat * cache.xhat) / cache.n_tokens
    return nu * (1.0 - momentum * mean_square) + momentum * _batch_nu(dgamma, cache)


def _batch_nu(dgamma: Array, cache: PowerNormCache) -> Array:
    """<g xhat>, the mean over the tokens of dy * gamma * xhat."""
    return cache.gamma * dgamma / cache.n_tokens
