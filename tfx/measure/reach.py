"""Reach: after how many layers with a pattern does a token have news of another?

A layer lets place i read place j where the pattern says so.  What j had read in the layer before comes with it, so
after L layers i has news of every place that at most L such steps lead to: shortest paths in the graph of the pattern.
"""

from __future__ import annotations

import numpy as np


def layers_between(mask: np.ndarray) -> np.ndarray:
    """mask: (n, n) boolean, True: row reads column -> (n, n) layers until row has news of column; -1 for never.

    A token has news of itself before the first layer: 0.
    """
    n = len(mask)
    met, layers = np.eye(n, dtype=bool), np.where(np.eye(n, dtype=bool), 0, -1)
    for layer in range(1, n):
        now = met | ((mask.astype(np.float32) @ met.astype(np.float32)) > 0)
        if (now == met).all():
            break
        layers[now & ~met] = layer
        met = now
    return layers


def layers_until_all(mask: np.ndarray) -> int:
    """Layers until every token has news of every other; -1 when one of them never has."""
    layers = layers_between(mask)
    return -1 if (layers < 0).any() else int(layers.max())
