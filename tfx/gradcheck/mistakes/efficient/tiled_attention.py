"""Known mistakes in tfx/efficient/tiled_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.tiled_attention import TiledAttentionCache, tiled_attention_backward
from tfx.gradcheck.cases.efficient.tiled_attention import tiled
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(tiled, op="tiled_attention")
def row_sum_missing(dout: Any, cache: TiledAttentionCache) -> Any:
    """Without the row sum D.

    D = 0: what is left when one forgets that every weight of a row depends on every score of it.

    Why: A tile shows only a few scores of a row, so the term that joins the whole row is not seen.
    Hint: Write the softmax Jacobian of one row; which of its two terms does a tile not know?
    """
    return tiled_attention_backward(dout, cache._replace(out=0 * cache.out))


@wrong_backward(tiled, op="tiled_attention")
def wrong_logsumexp(dout: Any, cache: TiledAttentionCache) -> Any:
    """Wrong log-sum-exp.

    L = m, the maximum of the row, without log l: weights that do not sum to 1.

    Why: The maximum of a row and its log-sum-exp are both a number for each row, and either keeps exp from overflowing.
    Hint: Recompute the weights on the way back and add up one row of them.
    """
    scores = cache.q @ cache.k.swapaxes(-1, -2) * cache.tiling.scale
    return tiled_attention_backward(dout, cache._replace(logsumexp=scores.max(axis=-1, keepdims=True)))
