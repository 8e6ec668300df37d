"""First values: what one map does to variances, and hidden units that start alike and stay so.

    y = x W      Var y = I Var W Var x        dx = dy W^T      Var dx = J Var W Var dy         W: (I, J)

Units that start with the same weights compute the same and get the same gradient: training does not tell them apart.
Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", section
4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.lab.training.points import Blobs, Perceptron, points_loss
from tfx.nn.linear import Linear
from tfx.optim import SGD

ROWS = 400


def through_one(
    init: Callable[..., np.ndarray], width_in: int, width_out: int, rng: np.random.Generator
) -> tuple[float, float]:
    """-> variance of y over that of x, and of dx over that of dy, for random x and dy."""
    layer = Linear(width_in, width_out, rng, bias=False, dtype="float64", init=init)
    x, dy = rng.standard_normal((ROWS, width_in)), rng.standard_normal((ROWS, width_out))
    y, cache = layer.forward(x)
    dx = layer.backward(dy, cache)
    return float(y.var() / x.var()), float(dx.var() / dy.var())


def units_apart(start: float | None, steps: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """A small network learns points.  start: every weight begins so; None = as the library draws them.

    -> how far apart its hidden units' weights are at the end, at most; how far the weights have moved in all; the loss
    at the end.
    """
    blobs = Blobs(seed=(int(rng.integers(2**31)),))
    model = Perceptron(blobs.width, 8, blobs.n_classes, rng)
    if start is not None:
        for parameter in model.parameters().values():
            parameter.value[...] = start if parameter.value.ndim == 2 else 0.0
    optimizer, loss, value = SGD(model), points_loss(), 0.0
    before = optimizer.parameters.value.copy()
    for _ in range(steps):
        model.zero_grad()
        value = loss(model, blobs.draw(64, rng), rng).loss
        optimizer.step(0.2)
    first = first_map(model)
    moved = float(np.abs(optimizer.parameters.value - before).max())
    return float(np.abs(first - first[:, :1]).max()), moved, float(value)


def first_map(model: Any) -> np.ndarray:
    """(width, hidden): a column for each hidden unit."""
    return np.asarray(next(parameter.value for parameter in model.parameters().values() if parameter.value.ndim == 2))
