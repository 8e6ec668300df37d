"""A small network that is taught a bias on short offsets, and asked for it on longer ones; a table has no such row.

    target(o) = -strength log(1 + |o|)        what the network is taught, for |o| <= taught

The continuous network reads sign(o) log(1 + |o|) (nn/dynamic_position_bias.py), so that this target bends in one place
only and can be continued; with a target of another form what it says farther out is a guess all the same.

    -slope |o|                                another target, on which it goes wrong

Sources: Wang et al. 2022, "CrossFormer"; Liu et al. 2022, "Swin Transformer V2", section 3.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.nn.dynamic_position_bias import DynamicPositionBias
from tfx.optim import AdamW

#: The targets: a name, and the bias at a distance.
TARGETS = {"logarithm": lambda d: -np.log1p(d), "straight line": lambda d: -d / 4}


class Fitted(NamedTuple):
    """offsets: (n,) as asked; wanted, said: (n,), the target there and what the network says.  worst: where taught."""

    offsets: np.ndarray
    wanted: np.ndarray
    said: np.ndarray
    worst: float


def fit(target: str, seed: int, taught: int = 8, asked: tuple[int, ...] = (-64, -32, -16), steps: int = 300) -> Fitted:
    """Teaches one head its bias for offsets -taught .. taught by squared error.  target: one of TARGETS."""
    layer: Any = DynamicPositionBias(1, 16, np.random.default_rng(seed), "continuous", dtype="float64")
    offsets = np.arange(-taught, taught + 1.0)[:, None]
    wanted = TARGETS[target](abs(offsets))
    optimiser = AdamW(layer, weight_decay=0.0)
    for step in range(steps):
        said, cache = layer.network.forward(offsets)
        layer.zero_grad()
        layer.network.backward(2 * (said - wanted) / len(offsets), cache)
        optimiser.step(0.03 * (1 - step / steps) + 1e-4)
    worst = float(abs(layer.network.forward(offsets)[0] - wanted).max())
    far = np.array(asked, dtype=float)
    return Fitted(far, TARGETS[target](abs(far)), layer.network.forward(far[:, None])[0][:, 0], worst)
