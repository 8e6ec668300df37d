"""Known mistakes in tfx/ops/attention/multi_head.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.multi_head import mean_heads, multi_head
from tfx.gradcheck.cases.sizes import H, T
from tfx.gradcheck.mistake import wrong_backward, wrong_forward
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


def in_place_of(step: str) -> Callable[..., Any]:
    """A function of a wrong step -> multi-head attention with it in the place of the right one."""
    return lambda wrong: partial(through_heads, steps=Steps()._replace(**{step: wrong}))


SELF = partial(multi_head, n_keys=T, bias=False)


@wrong_backward(multi_head, op="multi_head_attention")
def merged_without_swapping(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """Heads are merged without swapping the axes back.

    Why: A reshape gives the right shape whatever the order of the axes is.
    Hint: Which axis has to stand beside the width of a head before the two are joined?
    """
    right = multi_head_attention_backward(dy, cache)
    heads = cache.attention.q
    dmerged, _, _ = linear_backward(dy, cache.output)
    dq = grouped_attention_backward(split_heads(dmerged, heads.shape[-3]), cache.attention).dq
    dx_q, dw_q, db_q = linear_backward(dq.reshape(cache.query.x.shape), cache.query)
    return right._replace(dx_q=dx_q, dw_q=dw_q, db_q=db_q)


@wrong_backward(multi_head, op="multi_head_attention", n_kv_heads=1)
def one_query_head_answers(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """A shared key head hears from one query head only.

    Why: The key head is stored once, so one gradient is stored for it.
    Hint: How many query heads read the same keys?
    """
    right = multi_head_attention_backward(dy, cache)
    dfirst = split_heads(linear_backward(dy, cache.output)[0], H).copy()
    dfirst[:, 1:] = 0
    dk = grouped_attention_backward(dfirst, cache.attention).dk
    return right._replace(dw_k=linear_backward(merge_heads(dk), cache.key)[1])


@wrong_backward(multi_head, op="multi_head_attention")
def share_of_keys_lost(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """The keys' share of dx_kv is lost.

    Why: Keys and values are made from one input, and only the path through the values is followed.
    Hint: Into how many projections does x_kv go?
    """
    right = multi_head_attention_backward(dy, cache)
    dkeys = multi_head_attention_backward(dy, cache._replace(value=cache.value._replace(w=0 * cache.value.w))).dx_kv
    return right._replace(dx_kv=right.dx_kv - dkeys)


@wrong_forward(SELF, op="multi_head_attention", through=in_place_of("split"))
def split_by_reshape(x: Array, n_heads: int) -> Array:
    """Heads are split by one reshape to (B, H, T, D).

    x (..., T, H D) -> (..., H, T, D) by one reshape, which cuts the sentence and not the width.

    Why: The shape asked for is (B, H, T, D), and a reshape gives any shape of the right size.
    Hint: Which numbers belong to one head: some features of every word, or all features of some words?
    """
    return x.reshape(*x.shape[:-2], n_heads, x.shape[-2], -1)


@wrong_forward(SELF, op="multi_head_attention", through=in_place_of("merge"))
def merge_by_reshape(heads: Array) -> Array:
    """Heads are merged by one reshape to (B, T, H D).

    heads (..., H, T, D) -> (..., T, H D) without bringing T back in front of the heads.

    Why: Splitting needed a swap of axes and merging looks like mere gluing.
    Hint: Follow the first feature of the second word through both reshapes: where does it end?
    """
    *lead, _, length, _ = heads.shape
    return heads.reshape(*lead, length, -1)


@wrong_forward(SELF, op="multi_head_attention", through=in_place_of("read"))
def weights_transposed(weights: Array, v: Array) -> Array:
    """The values are read with transposed weights.

    P^T V in the place of P V, weights (..., T, T), v (..., T, D); it fits, because T = S.

    Why: With as many queries as keys the transposed matrix fits as well.
    Hint: Along which axis do the weights sum to 1, and over which axis does the product add up?
    """
    return weights.swapaxes(-1, -2) @ v


@wrong_backward(mean_heads)
def mean_taken_for_a_sum(dmean: Any, cache: MeanHeadsCache) -> Any:
    """The mean is taken for a sum.

    Why: In a picture of the weights the sum of the heads and their mean look the same.
    Hint: By how much does the mean move when one head moves by 1?
    """
    return mean_heads_backward(dmean, cache) * cache.n_heads
