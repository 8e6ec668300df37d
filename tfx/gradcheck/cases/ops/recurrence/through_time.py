"""Recurrent networks: the loss reads every output and, beside them, the last state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.sizes import B, Rng

#: Steps, widths of input, state and projected state: all different, and small, because every step is a loop.
STEPS, WIDTH_IN, WIDTH, PROJECTED = 6, 3, 5, 4
LENGTHS = np.array([STEPS, 3])


def with_last(forward: Callable[..., Any], backward: Callable[..., Any]) -> tuple[Any, Any]:
    """The pair with every output and every part of the last state in one vector, as a loss that reads all would."""

    def joined_forward(**inputs: Any) -> tuple[Any, Any]:
        h, cache = forward(**inputs)
        return join(h, *cache.last), cache

    return joined_forward, last_too(backward)


def last_too(backward: Callable[..., Any]) -> Callable[..., Any]:
    """backward(dh, cache, dlast) as a function of the joined vector of `with_last`."""

    def joined_backward(dy: Any, cache: Any) -> Any:
        last = cache.last
        n = dy.size - sum(part.size for part in last)
        dh = dy[:n].reshape(last[0].shape[0], -1, last[0].shape[1])
        return backward(dh, cache, tuple(apart(dy[n:], [part.shape for part in last])))

    return joined_backward


def gates(
    rng: Rng, n: int, width: int = WIDTH, state: int = WIDTH, steps: int = STEPS, two_biases: bool = False
) -> dict[str, Any]:
    """Inputs of a recurrent op with n blocks of weights; small recurrent weights keep the gates off their ends."""
    inputs = {"x": rng.standard_normal((B, steps, WIDTH_IN)), "h0": rng.standard_normal((B, state))}
    inputs |= {"w_x": rng.standard_normal((WIDTH_IN, n * width)), "w_h": 0.4 * rng.standard_normal((state, n * width))}
    inputs["b"] = rng.standard_normal(n * width)
    if two_biases:
        inputs["b_h"] = rng.standard_normal(n * width)
    return inputs
