"""Known mistakes in tfx/ops/attention/self_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.self_attention import self_attention
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.scaled_dot_product import attention_backward
from tfx.ops.attention.self_attention import (
    SelfAttentionCache,
    SelfAttentionGrads,
    self_attention_backward,
    self_attention_forward,
)
from tfx.ops.basics.linear import linear_backward


def input_hears_from_the_queries_only(dout: Any, cache: SelfAttentionCache) -> SelfAttentionGrads:
    dq, _, _ = attention_backward(dout, cache.attention)
    return self_attention_backward(dout, cache)._replace(dx=linear_backward(dq, cache.query)[0])


def keys_with_the_matrix_of_the_queries(x: Array, w_q: Array, w_k: Array, w_v: Array) -> Array:
    return self_attention_forward(x, w_q, w_q, w_v)[0]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="self_attention",
        name="one-of-three-gradients",
        says="x gets one of its three gradients",
        why="One input went in, so the gradient of one projection looks like its gradient: the shape is right.",
        hint="How many of the projections read the same x?",
        problem=self_attention,
        wrong_backward=input_hears_from_the_queries_only,
    ),
    Mistake(
        op="self_attention",
        name="keys-by-the-query-matrix",
        says="keys are made with the matrix of the queries",
        why="The two matrices have the same shape, and a copied line keeps its old name.",
        hint="Swap two words and look at their scores for each other. Must they be equal?",
        problem=self_attention,
        wrong_forward=keys_with_the_matrix_of_the_queries,
    ),
)
