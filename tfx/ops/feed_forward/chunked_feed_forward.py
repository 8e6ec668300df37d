"""The feed-forward network, a few tokens at a time: the same numbers in less memory.

    y[t : t + n] = feed_forward(x[t : t + n])            for t = 0, n, 2 n, ...

Every token is worked on alone, so the sequence may be cut anywhere.  The hidden layer is F / C (usually four) times as
wide as the tokens; here only n rows of it exist at a time.  Nothing of it is kept for the backward, which computes each
chunk's hidden layer once more: memory of order n F instead of T F, for one more forward pass.

Derivation.  The chunks share the weights, so dW is the sum of the chunks' dW; each chunk of dx depends on its own
chunk of dy alone.
Source: Kitaev, Kaiser and Levskaya 2020, "Reformer: The Efficient Transformer", section 3, "Chunking".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.feed_forward.feed_forward import FeedForwardGrads, feed_forward_backward, feed_forward_forward


class ChunkedFeedForwardCache(NamedTuple):
    x: Array
    weights: tuple[Array, Array | None, Array, Array | None]  # w1, b1, w2, b2
    activation: str
    chunk: int


@in_float32
def chunked_feed_forward_forward(
    x: Array,
    w1: Array,
    b1: Array | None,
    w2: Array,
    b2: Array | None,
    activation: str = "gelu",
    chunk: int = 64,
) -> tuple[Array, ChunkedFeedForwardCache]:
    """x: (..., T, C), weights as in feed_forward_forward, chunk: tokens at a time -> y: (..., T, C), cache.

    Raises ValueError for a chunk below 1, and what feed_forward_forward raises.
    """
    if chunk < 1:
        raise ValueError(f"a chunk needs at least 1 token, not {chunk}")
    weights = (w1, b1, w2, b2)
    parts = [feed_forward_forward(x[..., part, :], *weights, activation)[0] for part in _parts(x, chunk)]
    return xp_of(x).concatenate(parts, axis=-2), ChunkedFeedForwardCache(x, weights, activation, chunk)


@in_float32
def chunked_feed_forward_backward(dy: Array, cache: ChunkedFeedForwardCache) -> FeedForwardGrads:
    """dy: (..., T, C) -> the gradient of every input, by name; a bias that was None has gradient None."""
    x, weights, activation, chunk = cache
    of_parts = []
    for part in _parts(x, chunk):
        _, part_cache = feed_forward_forward(x[..., part, :], *weights, activation)  # not kept: computed again
        of_parts.append(feed_forward_backward(dy[..., part, :], part_cache))
    dx = xp_of(dy).concatenate([grads.dx for grads in of_parts], axis=-2)  # y = concatenate(parts)
    return FeedForwardGrads(dx, *(_total(of_part) for of_part in zip(*(grads[1:] for grads in of_parts), strict=True)))


def _parts(x: Array, chunk: int) -> list[slice]:
    """Slices of at most `chunk` tokens; an empty sequence is one empty part."""
    return [slice(start, start + chunk) for start in range(0, max(x.shape[-2], 1), chunk)]


def _total(gradients: tuple[Any, ...]) -> Any:
    """The parts shared one weight: its gradients add up."""
    return None if gradients[0] is None else sum(gradients[1:], gradients[0])
