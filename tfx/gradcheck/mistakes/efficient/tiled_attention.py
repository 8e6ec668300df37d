"""Known mistakes in tfx/efficient/tiled_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.tiled_attention import TiledAttentionCache, tiled_attention_backward
from tfx.gradcheck.cases.efficient.tiled_attention import tiled
from tfx.gradcheck.mistake import Mistake


def tiled_without_the_row_sum(dout: Any, cache: TiledAttentionCache) -> Any:
    """D = 0: what is left when one forgets that every weight of a row depends on every score of it."""
    return tiled_attention_backward(dout, cache._replace(out=0 * cache.out))


def tiled_with_the_maximum_for_the_logsumexp(dout: Any, cache: TiledAttentionCache) -> Any:
    """The sum of exponentials left out of L: weights that do not sum to 1."""
    return tiled_attention_backward(dout, cache._replace(logsumexp=cache.logsumexp - 0.1))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="tiled_attention",
        name="row-sum-missing",
        says="without the row sum D",
        why="A tile shows only a few scores of a row, so the term that joins the whole row is not seen.",
        hint="Write the softmax Jacobian of one row; which of its two terms does a tile not know?",
        problem=tiled,
        wrong_backward=tiled_without_the_row_sum,
    ),
    Mistake(
        op="tiled_attention",
        name="wrong-logsumexp",
        says="wrong log-sum-exp",
        why="The maximum of a row and its log-sum-exp are kept side by side and mean almost the same.",
        hint="Recompute the weights on the way back and add up one row of them.",
        problem=tiled,
        wrong_backward=tiled_with_the_maximum_for_the_logsumexp,
    ),
)
