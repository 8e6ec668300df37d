"""How sharp is a row of weights, and what does it let through to its scores?

top weight      the largest of a row: 1/S when uniform, 1 when one-hot
entropy         as a share of log S: 1 when uniform, 0 when one-hot
Jacobian norm   Frobenius norm of diag(y) - y y^T: 0 when one-hot, and small when uniform over many keys
"""

from __future__ import annotations

import math

from tfx.backend import Array, xp_of
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.softmax import softmax_jacobian


def entropy_share(weights: Array) -> Array:
    """weights: (..., S), rows sum to 1 -> (...,)"""
    return entropy(weights) / math.log(weights.shape[-1])


def jacobian_norm(weights: Array) -> Array:
    """weights: (..., S), a softmax's output -> (...,)"""
    return frobenius(softmax_jacobian(weights))


def frobenius(matrix: Array) -> Array:
    """(..., S, S) -> (...,)"""
    return xp_of(matrix).sqrt((matrix * matrix).sum(axis=(-2, -1)))
