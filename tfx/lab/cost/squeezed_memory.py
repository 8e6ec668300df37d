"""What is still found in a memory whose places were squeezed into fewer, by means of neighbours."""

from __future__ import annotations

import numpy as np

from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.mean_pool import mean_pool_forward


def recall(rate: int, n: int, d: int, rng: np.random.Generator) -> tuple[float, float]:
    """-> the share of n stored tokens that are named exactly, and the share whose group of `rate` places is found.

    Keys are random and as long as makes a sharp softmax; a value is the token's own mark.  Each key is asked once, with
    its own direction, after keys and values were squeezed.
    """
    keys = 4 * rng.standard_normal((n, d))
    squeezed, _ = mean_pool_forward(keys[None], rate)
    values, _ = mean_pool_forward(np.eye(n)[None], rate)
    found, cache = attention_forward(4 * keys[None], squeezed, values)
    exact = found[0].argmax(axis=-1) == np.arange(n)
    group = cache.weights[0].argmax(axis=-1) == np.arange(n) // rate
    return float(exact.mean()), float(group.mean())
