"""Gradient clipping, by the norm of the whole gradient or entry by entry.

    by norm      g <- g * min(1, limit / |g|)              shorter, in the same direction
    by value     g_i <- min(max(g_i, -limit), limit)       each entry on its own, so the direction changes

Only the first is still steepest descent: (3, 4) clipped to norm 1 is (0.6, 0.8), but clipped by value it is (1, 1).
Source: by norm: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1;
by value: Mikolov 2012, "Statistical Language Models Based on Neural Networks".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.arguments import number
from tfx.backend import Array, as_number, on_host, xp_of


def global_norm(grad: Array) -> Any:
    """Euclidean length of the whole gradient vector, summed in float64 so that float32 squares cannot overflow.

    Where float64 squares overflow, from 1e154 on, the largest entry is divided out first.
    A float; on a device a 0-d array there, and so from the functions below: nobody waits before it is read.
    """
    xp = xp_of(grad)
    with np.errstate(over="ignore"):
        norm = as_number(xp.sqrt(xp.square(grad.astype(xp.float64)).sum()))
    if on_host(grad) and math.isinf(norm) and np.isfinite(grad).all():
        largest = float(np.abs(grad).max())
        return largest * float(np.sqrt(np.square(grad / largest).sum()))
    return norm


def clip_by_norm(grad: Array, limit: float, eps: float = 0.0) -> Any:
    """Scales grad, any shape, in place so that its norm is at most `limit`; returns the norm before clipping.

    eps: the factor is limit / (norm + eps); PyTorch's clip_grad_norm_ has 1e-6, so its result is a little shorter.
    A norm that is not finite leaves grad as it is: the caller sees it in the returned number.
    Raises ValueError for a limit that is not above 0.
    """
    number("limit", limit, above=0)
    norm = global_norm(grad)
    if not on_host(grad):  # the same choice, made where the norm is
        xp = xp_of(grad)
        too_long = xp.isfinite(norm) & (norm + eps > limit)
        grad *= xp.where(too_long, limit / (norm + eps), 1.0).astype(grad.dtype)
    elif math.isfinite(norm) and norm + eps > limit:
        grad *= limit / (norm + eps)
    return norm


def clip_by_value(grad: Array, limit: float) -> Any:
    """Moves every entry of grad, any shape, into [-limit, limit] in place; returns the norm before clipping.

    A NaN stays NaN, and the returned norm is then NaN.  Raises ValueError for a limit that is not above 0.
    """
    number("limit", limit, above=0)
    norm = global_norm(grad)
    xp_of(grad).clip(grad, -limit, limit, out=grad)
    return norm
