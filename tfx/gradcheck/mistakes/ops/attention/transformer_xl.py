"""Known mistakes in tfx/ops/attention/transformer_xl.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.transformer_xl import transformer_xl
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.transformer_xl import TransformerXLCache, TransformerXLGrads, transformer_xl_attention_backward


@wrong_backward(transformer_xl, op="transformer_xl_attention")
def distances_forgotten(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    """dq without distances.

    The queries hear from the keys, but not from the distances they asked for.

    Why: The scores are a sum of terms, and the query is differentiated in the first of them only.
    Hint: In how many terms of the score does the query stand?
    """
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(dq=transformer_xl_attention_backward(dout, cache._replace(r=0 * cache.r)).dq)


@wrong_backward(transformer_xl, op="transformer_xl_attention")
def biases_swapped(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    """u and w are swapped.

    Why: Both are learned vectors of one shape that are added to the query, so a swap raises no error.
    Hint: Which of the two meets the keys, and which one the distances?
    """
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(du=right.dw, dw=right.du)


@wrong_backward(transformer_xl, op="transformer_xl_attention")
def distance_bias_forgotten(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    """dr without w.

    Why: The distance vectors are known to meet the query, and the learned bias beside it is overlooked.
    Hint: With what sum is r multiplied in the scores?
    """
    right = transformer_xl_attention_backward(dout, cache)
    queries = cache.position_queries - cache.w[:, None, :]
    return right._replace(dr=transformer_xl_attention_backward(dout, cache._replace(position_queries=queries)).dr)
