"""Known mistakes in tfx/ops/attention/multi_head.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.multi_head import mean_heads, multi_head
from tfx.gradcheck.cases.sizes import H, T
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.grouped_attention import grouped_attention_backward
from tfx.ops.attention.multi_head import (
    MeanHeadsCache,
    MultiHeadCache,
    MultiHeadGrads,
    mean_heads_backward,
    merge_heads,
    multi_head_attention_backward,
    split_heads,
)
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_backward


def multi_head_merged_without_swapping(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    heads = cache.attention.q
    dmerged, _, _ = linear_backward(dy, cache.output)
    dq = grouped_attention_backward(split_heads(dmerged, heads.shape[-3]), cache.attention).dq
    dx_q, dw_q, db_q = linear_backward(dq.reshape(cache.query.x.shape), cache.query)
    return right._replace(dx_q=dx_q, dw_q=dw_q, db_q=db_q)


def mean_heads_summed(dmean: Any, cache: MeanHeadsCache) -> Any:
    return mean_heads_backward(dmean, cache) * cache.n_heads


def multi_head_one_query_head_only(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """Of the query heads that share a key head, only the first sends something back."""
    right = multi_head_attention_backward(dy, cache)
    dfirst = split_heads(linear_backward(dy, cache.output)[0], H).copy()
    dfirst[:, 1:] = 0
    dk = grouped_attention_backward(dfirst, cache.attention).dk
    return right._replace(dw_k=linear_backward(merge_heads(dk), cache.key)[1])


def multi_head_keys_forgotten(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    dkeys = multi_head_attention_backward(dy, cache._replace(value=cache.value._replace(w=0 * cache.value.w))).dx_kv
    return right._replace(dx_kv=right.dx_kv - dkeys)


def split_by_reshape(x: Array, n_heads: int) -> Array:
    """WRONG: x (..., T, H D) -> (..., H, T, D) by one reshape, which cuts the sentence and not the width."""
    return x.reshape(*x.shape[:-2], n_heads, x.shape[-2], -1)


def merge_by_reshape(heads: Array) -> Array:
    """WRONG: heads (..., H, T, D) -> (..., T, H D) without bringing T back in front of the heads."""
    *lead, _, length, _ = heads.shape
    return heads.reshape(*lead, length, -1)


def weights_transposed(weights: Array, v: Array) -> Array:
    """WRONG: P^T V in the place of P V, weights (..., T, T), v (..., T, D); it fits, because T = S."""
    return weights.swapaxes(-1, -2) @ v


class Steps(NamedTuple):
    """The three steps of multi-head attention that people get wrong; as they are right, unless told."""

    split: Callable[[Array, int], Array] = split_heads
    merge: Callable[[Array], Array] = merge_heads
    read: Callable[[Array, Array], Array] = np.matmul


def through_heads(
    x_q: Array,
    x_kv: Array,
    w_q: Array,
    w_k: Array,
    w_v: Array,
    w_o: Array,
    n_heads: int,
    n_kv_heads: int,
    steps: Steps = Steps(),  # noqa: B008
) -> Array:
    """Multi-head attention with one of its three steps exchanged."""
    split, merge, read = steps
    q, k, v = split(x_q @ w_q, n_heads), split(x_kv @ w_k, n_kv_heads), split(x_kv @ w_v, n_kv_heads)
    weights = attention_forward(q, k, v)[1].weights
    return merge(read(weights, v)) @ w_o


SELF = partial(multi_head, n_keys=T, bias=False)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="multi_head_attention",
        name="merged-without-swapping",
        says="heads are merged without swapping the axes back",
        why="A reshape gives the right shape whatever the order of the axes is.",
        hint="Which axis has to stand beside the width of a head before the two are joined?",
        problem=multi_head,
        wrong_backward=multi_head_merged_without_swapping,
    ),
    Mistake(
        op="multi_head_attention",
        name="one-query-head-answers",
        says="a shared key head hears from one query head only",
        why="The key head is stored once, so one gradient is stored for it.",
        hint="How many query heads read the same keys?",
        problem=partial(multi_head, n_kv_heads=1),
        wrong_backward=multi_head_one_query_head_only,
    ),
    Mistake(
        op="multi_head_attention",
        name="share-of-keys-lost",
        says="the keys' share of dx_kv is lost",
        why="Keys and values are made from one input, and only the path through the values is followed.",
        hint="Into how many projections does x_kv go?",
        problem=multi_head,
        wrong_backward=multi_head_keys_forgotten,
    ),
    Mistake(
        op="multi_head_attention",
        name="split-by-reshape",
        says="heads are split by one reshape to (B, H, T, D)",
        why="The shape asked for is (B, H, T, D), and a reshape gives any shape of the right size.",
        hint="Which numbers belong to one head: some features of every word, or all features of some words?",
        problem=SELF,
        wrong_forward=partial(through_heads, steps=Steps(split=split_by_reshape)),
    ),
    Mistake(
        op="multi_head_attention",
        name="merge-by-reshape",
        says="heads are merged by one reshape to (B, T, H D)",
        why="Splitting needed a swap of axes and merging looks like mere gluing.",
        hint="Follow the first feature of the second word through both reshapes: where does it end?",
        problem=SELF,
        wrong_forward=partial(through_heads, steps=Steps(merge=merge_by_reshape)),
    ),
    Mistake(
        op="multi_head_attention",
        name="weights-transposed",
        says="the values are read with transposed weights",
        why="With as many queries as keys the transposed matrix fits as well.",
        hint="Along which axis do the weights sum to 1, and over which axis does the product add up?",
        problem=SELF,
        wrong_forward=partial(through_heads, steps=Steps(read=weights_transposed)),
    ),
    Mistake(
        op="mean_heads",
        name="mean-taken-for-a-sum",
        says="the mean is taken for a sum",
        why="Adding up heads and averaging them differ by a constant that no picture shows.",
        hint="By how much does the mean move when one head moves by 1?",
        problem=mean_heads,
        wrong_backward=mean_heads_summed,
    ),
)
