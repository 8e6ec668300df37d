"""Entropy: how spread out a distribution is.

    H(p) = - sum_i p_i log p_i             in nats, with 0 log 0 = 0

0 when one outcome has everything, log n when all n have the same; exp(H) counts the outcomes that share the weight.
Source: Shannon 1948, "A Mathematical Theory of Communication", section 6.
"""

from __future__ import annotations

from tfx.backend import Array, xp_of


def entropy(p: Array, axis: int = -1) -> Array:
    """p: any shape, float, slices along `axis` sum to 1 -> nats, without that axis, in the dtype of p."""
    xp = xp_of(p)
    positive = xp.where(p > 0, p, 1).astype(p.dtype, copy=False)  # 0 log 1 = 0
    return -(p * xp.log(positive)).sum(axis=axis)
