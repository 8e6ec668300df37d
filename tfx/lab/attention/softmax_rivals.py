"""Four ways from scores to weights, side by side: softmax, sparsemax, normalised ReLU, sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck import check_gradients
from tfx.measure.verdicts import largest
from tfx.ops.basics.normalised_relu import normalised_relu_backward, normalised_relu_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward
from tfx.ops.feed_forward.sigmoid import sigmoid_backward, sigmoid_forward


class Rival(NamedTuple):
    """key: a name for columns.  forward, backward: a pair of operations on the last axis."""

    key: str
    label: str
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]


RIVALS = (
    Rival("softmax", "softmax", softmax_forward, softmax_backward),
    Rival("sparsemax", "sparsemax", sparsemax_forward, sparsemax_backward),
    Rival("relu", "norm. ReLU", normalised_relu_forward, normalised_relu_backward),
    Rival("sigmoid", "sigmoid", sigmoid_forward, sigmoid_backward),
)


def away_from_kinks(rng: np.random.Generator) -> np.ndarray:
    """(3, 5) random scores at least 0.05 away from 0 and from the threshold of sparsemax, where kinks are."""
    while True:
        x = rng.standard_normal((3, 5))
        y, _ = sparsemax_forward(x)
        tau = (x - y).min(axis=-1, keepdims=True, where=y > 0, initial=np.inf)
        if abs(x).min() > 0.05 and abs(x - tau).min() > 0.05:
            return x


def worst_gradient(rng: np.random.Generator) -> float:
    """The largest relative error of all four backwards against differences, away from kinks."""
    x = away_from_kinks(rng)
    return largest(check_gradients(rival.forward, rival.backward, {"x": x}, seed=0).worst for rival in RIVALS)


def nearer_than(rng: np.random.Generator, scores: np.ndarray, weights: np.ndarray, points: int = 5000) -> float:
    """How much nearer `weights` are to `scores` than the nearest of random distributions: a squared distance.

    Negative or zero when no random point of the simplex is nearer.
    """
    others = rng.dirichlet(np.ones(scores.size), size=points)
    return float(((weights - scores) ** 2).sum() - ((others - scores) ** 2).sum(axis=-1).min())
