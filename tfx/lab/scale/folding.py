"""Folding a line: layers one behind the other make more straight pieces than as many units side by side.

Two relu units fold 0 to 1 into 0 to 1 to 0.  Each fold behind it doubles the pieces; a unit beside others adds one.
Sources: Telgarsky 2016, "Benefits of Depth in Neural Networks"; Montufar et al. 2014.
"""

from __future__ import annotations

import numpy as np

from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS


def one_layer(x: np.ndarray, w: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """(N,) -> (N,): one hidden layer of relu units."""
    hidden, _ = linear_forward(x[:, None], w[None], b)
    y: np.ndarray = linear_forward(ACTIVATIONS["relu"][0](hidden)[0], out[:, None])[0][:, 0]
    return y


def folded(x: np.ndarray) -> np.ndarray:
    """0 to 1 becomes 0 to 1 to 0: two units."""
    return one_layer(x, np.array([2.0, 4.0]), np.array([0.0, -2.0]), np.array([1.0, -1.0]))


def pieces(y: np.ndarray) -> int:
    """Straight pieces of a curve on an even grid.  A turn between two points of the grid shows at both of them."""
    bent = abs(np.diff(y, 2)) > 1e-9 * max(float(abs(y).max()), 1.0)
    return 1 + int((bent & ~np.concatenate(([False], bent[:-1]))).sum())
