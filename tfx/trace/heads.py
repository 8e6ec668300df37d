"""The heads of one attention, listened to; one of them may be given another scale or another mask.

A head whose scores are multiplied by s instead of 1/sqrt(D) is a head of queries q s sqrt(D).  So all heads stay one
call of the library's attention, and the way back multiplies dq by the same number.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.masks import causal_mask

#: Who may look at whom, as a word: as the model was trained, everybody at everybody, or nobody at what comes later.
MASKS = ("auto", "none", "causal")


class Change(NamedTuple):
    """What one head does differently.  head: from 0; scale: None leaves it as it is; mask: one of MASKS."""

    head: int
    scale: float | None = None
    mask: str = "auto"


class Heads:
    """A kernel that attends exactly and notes all of it.  For a batch of one, H heads, T tokens, D wide each.

    q, k, v, out: (H, T, D).  weights: (H, T, T).  masks: (H, T, T) boolean, True = may attend.  scales: (H,), what each
    head multiplies q . k by.  dout: (H, T, D), the gradient that arrived.
    """

    q: Array
    k: Array
    v: Array
    out: Array
    weights: Array
    masks: Array
    scales: Array
    dout: Array

    def __init__(self, change: Change | None = None) -> None:
        self.change = change

    def forward(self, q: Array, k: Array, v: Array, mask: Array | None, scale: float | None) -> tuple[Array, Any]:
        """q, k, v: (1, H, T, D) -> out: (1, H, T, D), cache."""
        _, n_heads, length, width = q.shape
        usual = 1 / math.sqrt(width) if scale is None else scale
        everybody = np.ones((n_heads, length, length), dtype=bool) if mask is None else mask
        self.masks = np.broadcast_to(everybody, (n_heads, length, length)).copy()
        self.scales = np.full(n_heads, usual)
        if self.change is not None:
            head, own_scale, own_mask = self.change
            self.scales[head] = usual if own_scale is None else own_scale
            if own_mask != "auto":
                self.masks[head] = causal_mask(length) if own_mask == "causal" else True
        turned = (self.scales / usual)[:, None, None]  # (H, 1, 1), 1 for every head that was left alone
        out, cache = grouped_attention_forward(q * turned, k, v, self.masks[None], usual)
        self.q, self.k, self.v, self.out, self.weights = q[0], k[0], v[0], out[0], cache.weights[0]
        return out, (cache, turned)

    def backward(self, dout: Array, cache: Any) -> tuple[Array, Array, Array]:
        """dout: (1, H, T, D) -> dq, dk, dv of the same shape."""
        kept, turned = cache
        self.dout = dout[0]
        grads = grouped_attention_backward(dout, kept)
        return grads.dq * turned, grads.dk, grads.dv  # the queries that attended were q * turned
