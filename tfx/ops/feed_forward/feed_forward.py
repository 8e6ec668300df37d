"""Position-wise feed-forward network: the same two-layer network at every token.

    a = x W_1 + b_1        (..., C) x (C, F) -> (..., F)      usually F = 4 C
    h = activation(a)
    y = h W_2 + b_2        (..., F) x (F, C) -> (..., C)

Attention moves information between tokens; this works on each token alone.

Derivation.  Three maps in a row, undone in reverse: dh from the second linear map, da = dh * activation'(a), dx from
the first.  The weights are shared by all tokens, so their gradients sum over tokens (see ops/basics/linear.py).
Source: Vaswani et al. 2017, section 3.3, equation 2 (with ReLU).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS


class FeedForwardCache(NamedTuple):
    first: LinearCache
    activation: str
    activation_cache: Any
    second: LinearCache

    @property
    def hidden(self) -> Array:
        """h: (..., F), after the activation."""
        return self.second.x


class FeedForwardGrads(NamedTuple):
    dx: Array
    dw1: Array
    db1: Array | None
    dw2: Array
    db2: Array | None


@in_float32
def feed_forward_forward(
    x: Array, w1: Array, b1: Array | None, w2: Array, b2: Array | None, activation: str = "gelu"
) -> tuple[Array, FeedForwardCache]:
    """x: (..., C), w1: (C, F), b1: (F,) or None, w2: (F, C), b2: (C,) or None -> y: (..., C), cache.

    activation: a name in ops.activations.ACTIVATIONS.
    Raises ValueError for another name or for widths that do not fit.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f'activation must be one of {", ".join(ACTIVATIONS)}, not "{activation}"')
    before, first = linear_forward(x, w1, b1)
    hidden, activation_cache = ACTIVATIONS[activation][0](before)
    y, second = linear_forward(hidden, w2, b2)
    return y, FeedForwardCache(first, activation, activation_cache, second)


@in_float32
def feed_forward_backward(dy: Array, cache: FeedForwardCache) -> FeedForwardGrads:
    """dy: (..., C) -> the gradient of every input, by name; a bias that was None has gradient None."""
    dhidden, dw2, db2 = linear_backward(dy, cache.second)  # y = hidden @ w2 + b2
    dbefore = ACTIVATIONS[cache.activation][1](dhidden, cache.activation_cache)  # hidden = activation(before)
    dx, dw1, db1 = linear_backward(dbefore, cache.first)  # before = x @ w1 + b1
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)
