"""Known mistakes in tfx/ops/feed_forward/chunked_feed_forward.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.chunked_feed_forward import chunked_feed_forward
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.chunked_feed_forward import ChunkedFeedForwardCache, chunked_feed_forward_backward
from tfx.ops.feed_forward.feed_forward import FeedForwardGrads


@wrong_backward(chunked_feed_forward)
def last_chunk_only(dy: Any, cache: ChunkedFeedForwardCache) -> FeedForwardGrads:
    """Only the last chunk counts.

    The weights get the gradient of the last chunk, which overwrote the others.

    Why: In a loop over chunks the gradient of the weights is assigned and not accumulated.
    Hint: Which chunks used the same weights?
    """
    grads = chunked_feed_forward_backward(dy, cache)
    x = cache.x[..., -1:, :]
    last = chunked_feed_forward_backward(dy[..., -1:, :], cache._replace(x=x))
    return grads._replace(dw1=last.dw1, dw2=last.dw2)
