"""Known mistakes in tfx/ops/attention/self_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.self_attention import self_attention
from tfx.gradcheck.mistake import wrong_backward, wrong_forward
from tfx.ops.attention.scaled_dot_product import attention_backward
from tfx.ops.attention.self_attention import (
    SelfAttentionCache,
    SelfAttentionGrads,
    self_attention_backward,
    self_attention_forward,
)
from tfx.ops.basics.linear import linear_backward


@wrong_backward(self_attention)
def one_of_three_gradients(dout: Any, cache: SelfAttentionCache) -> SelfAttentionGrads:
    """x gets one of its three gradients.

    Why: One input went in, so the gradient of one projection looks like its gradient: the shape is right.
    Hint: How many of the projections read the same x?
    """
    dq, _, _ = attention_backward(dout, cache.attention)
    return self_attention_backward(dout, cache)._replace(dx=linear_backward(dq, cache.query)[0])


@wrong_forward(self_attention)
def keys_by_the_query_matrix(x: Array, w_q: Array, w_k: Array, w_v: Array) -> Array:
    """Keys are made with the matrix of the queries.

    Why: The two matrices have the same shape, and a copied line keeps its old name.
    Hint: Swap two words and look at their scores for each other. Must they be equal?
    """
    return self_attention_forward(x, w_q, w_q, w_v)[0]
