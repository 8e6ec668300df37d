"""Known mistakes in tfx/ops/feed_forward/chunked_feed_forward.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.chunked_feed_forward import chunked_feed_forward
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.chunked_feed_forward import ChunkedFeedForwardCache, chunked_feed_forward_backward
from tfx.ops.feed_forward.feed_forward import FeedForwardGrads


def chunked_feed_forward_last_chunk(dy: Any, cache: ChunkedFeedForwardCache) -> FeedForwardGrads:
    """The weights get the gradient of the last chunk, which overwrote the others."""
    grads = chunked_feed_forward_backward(dy, cache)
    x = cache.x[..., -1:, :]
    last = chunked_feed_forward_backward(dy[..., -1:, :], cache._replace(x=x))
    return grads._replace(dw1=last.dw1, dw2=last.dw2)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="chunked_feed_forward",
        name="last-chunk-only",
        says="only the last chunk counts",
        why="In a loop over chunks the gradient of the weights is assigned and not accumulated.",
        hint="Which chunks used the same weights?",
        problem=chunked_feed_forward,
        wrong_backward=chunked_feed_forward_last_chunk,
    ),
)
