"""Do the heads of a layer look at different things?

    JS(p, q) = H((p + q) / 2) - (H(p) + H(q)) / 2          Jensen-Shannon divergence, 0 to log 2
    diversity of a layer = mean of JS over queries and over pairs of heads

Source: Clark et al. 2019, "What Does BERT Look At?", section 6.
"""

from __future__ import annotations

import numpy as np

from tfx.ops.basics.entropy import entropy


def head_distances(weights: np.ndarray) -> np.ndarray:
    """weights: (B, H, T, S), rows sum to 1 -> (H, H) mean JS between heads, 0 on the diagonal."""
    p, q = weights[:, :, None], weights[:, None]  # (B, H, 1, T, S), (B, 1, H, T, S)
    distance = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    return distance.mean(axis=(0, 3))


def head_diversity(weights: np.ndarray) -> float:
    """The mean over pairs of different heads, in nats.  Raises ValueError for a single head."""
    distances = head_distances(weights)
    n = len(distances)
    if n < 2:
        raise ValueError("one head has nothing to differ from")
    return float(distances.sum() / (n * (n - 1)))
