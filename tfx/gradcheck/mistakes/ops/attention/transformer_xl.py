"""Known mistakes in tfx/ops/attention/transformer_xl.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.transformer_xl import transformer_xl
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.transformer_xl import TransformerXLCache, TransformerXLGrads, transformer_xl_attention_backward


def transformer_xl_positions_forgotten(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    """The queries hear from the keys, but not from the distances they asked for."""
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(dq=transformer_xl_attention_backward(dout, cache._replace(r=0 * cache.r)).dq)


def transformer_xl_biases_swapped(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(du=right.dw, dw=right.du)


def transformer_xl_bias_left_out_of_dr(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    right = transformer_xl_attention_backward(dout, cache)
    queries = cache.position_queries - cache.w[:, None, :]
    return right._replace(dr=transformer_xl_attention_backward(dout, cache._replace(position_queries=queries)).dr)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="transformer_xl_attention",
        name="distances-forgotten",
        says="dq without distances",
        why="The scores are a sum of terms, and the query is differentiated in the first of them only.",
        hint="In how many terms of the score does the query stand?",
        problem=transformer_xl,
        wrong_backward=transformer_xl_positions_forgotten,
    ),
    Mistake(
        op="transformer_xl_attention",
        name="biases-swapped",
        says="u and w are swapped",
        why="Two learned vectors of the same shape do almost the same thing.",
        hint="Which of the two meets the keys, and which one the distances?",
        problem=transformer_xl,
        wrong_backward=transformer_xl_biases_swapped,
    ),
    Mistake(
        op="transformer_xl_attention",
        name="distance-bias-forgotten",
        says="dr without w",
        why="The distance vectors are known to meet the query, and the learned bias beside it is overlooked.",
        hint="With what sum is r multiplied in the scores?",
        problem=transformer_xl,
        wrong_backward=transformer_xl_bias_left_out_of_dr,
    ),
)
