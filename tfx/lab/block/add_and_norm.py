"""A stack of feed-forward sub-layers with either half of "add and norm", with both or with neither.

    neither   y = f(x)          add    y = x + f(x)          norm   y = norm(f(x))          both   y = norm(x + f(x))

f is a feed-forward network of Xavier weights with ReLU and d_ff = 4 d_model, norm is LayerNorm.  No attention: each row
goes its own way.  pre: both, with the norm in front of f instead, y = x + f(norm(x)).
Sources: Vaswani et al. 2017, section 3.1; He et al. 2016, "Identity Mappings in Deep Residual Networks", equation 5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.nn.feed_forward import FeedForward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

#: Name -> whether x is added, whether the result is normalised, whether f reads a normalised x.
WAYS = {
    "neither": (False, False, False),
    "add": (True, False, False),
    "norm": (False, True, False),
    "both": (True, True, False),
    "pre": (True, False, True),
}


class Passed(NamedTuple):
    """size: (depth + 1,), root mean square of the stream before each sub-layer and behind the last; gradient: (depth +
    1,), norm of the gradient there, 1 behind the last; kept: mean cosine of a row behind the last with the same row
    before the first."""

    size: np.ndarray
    gradient: np.ndarray
    kept: float


def through_sublayers(way: str, depth: int, width: int, rng: np.random.Generator, rows: int = 16) -> Passed:
    """Normal rows go through `depth` random sub-layers and a random gradient of norm 1 comes back.  float64.

    way: a name in WAYS.  Equal generators draw equal weights, rows and gradients, whatever the way.
    """
    add, behind, before = WAYS[way]
    x, dx = rng.standard_normal((2, rows, width))
    dx /= np.sqrt((dx * dx).sum())
    first, sizes, caches = x, [size_of(x)], []
    for _ in range(depth):
        layer, read, behind_cache, before_cache = FeedForward(width, 4 * width, rng, "relu", "float64"), x, None, None
        if before:
            read, before_cache = layer_norm_forward(x)
        f, cache = layer.forward(read)
        x = x + f if add else f
        if behind:
            x, behind_cache = layer_norm_forward(x)
        caches.append((layer, cache, behind_cache, before_cache))
        sizes.append(size_of(x))
    kept = (x * first).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (first * first).sum(axis=1))
    gradients = [1.0]
    for layer, cache, behind_cache, before_cache in reversed(caches):
        dx = _undone(dx, behind_cache)  # x = norm(...)
        dread = _undone(layer.backward(dx, cache), before_cache)  # f = layer(read)
        dx = dx + dread if add else dread  # x = x + f
        gradients.append(float(np.sqrt((dx * dx).sum())))
    return Passed(np.array(sizes), np.array(gradients[::-1]), float(kept.mean()))


def size_of(x: np.ndarray) -> float:
    """Root of the mean square of all numbers of x."""
    return float(np.sqrt((x * x).mean()))


def _undone(dx: np.ndarray, cache: Any) -> np.ndarray:
    return dx if cache is None else layer_norm_backward(dx, cache)[0]
