"""The smallest thing to train on: points around the centres of their classes, and a network with one hidden layer.

    x = centre[class] + spread * normal        (B, D)
    label = class, or, with probability `noise`, another one

Because the law of the points is known, so is what can be learnt: with equal classes the true probability of each is
p(k | x) ~ exp(-|x - centre_k|^2 / (2 spread^2)), a softmax of linear logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.nn.batch_norm import BatchNorm
from tfx.nn.dropout import Dropout
from tfx.nn.linear import Linear
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.optim import Optimizer
from tfx.params import Layer
from tfx.schedule import constant
from tfx.train.loop import Clip, Loss, LossValue, TrainingDiverged, train
from tfx.train.losses import learn_targets

Rng = np.random.Generator

#: A loss from which no run comes back.
LOST = 1e6


class Points(NamedTuple):
    """x: (B, D), labels: (B,) integers."""

    x: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Blobs:
    """n_classes centres, drawn from the standard normal by `seed`, in D = width dimensions."""

    n_classes: int = 10
    width: int = 16
    spread: float = 1.0
    noise: float = 0.0
    seed: tuple[int, ...] = (0,)

    @property
    def centres(self) -> np.ndarray:
        """(n_classes, D)."""
        return np.random.default_rng(self.seed).standard_normal((self.n_classes, self.width))

    def draw(self, n: int, rng: Rng) -> Points:
        """n points with their labels, of which the share `noise` is another class, drawn evenly."""
        label = rng.integers(self.n_classes, size=n)
        x = self.centres[label] + self.spread * rng.standard_normal((n, self.width))
        wrong = rng.random(n) < self.noise
        other = (label + rng.integers(1, self.n_classes, size=n)) % self.n_classes
        return Points(x, np.where(wrong, other, label))


class Perceptron(Layer):
    """x W1 + b1, batch-normalised if asked for, relu, dropout, then W2 + b2: (B, D) -> logits (B, K), in float64."""

    def __init__(
        self, width: int, hidden: int, n_classes: int, rng: Rng, dropout: float = 0.0, batch_norm: bool = False
    ) -> None:
        self.first = Linear(width, hidden, rng, dtype="float64", init="he_normal")
        self.norm = BatchNorm(hidden, "float64") if batch_norm else None
        self.dropout = Dropout(dropout)
        self.second = Linear(hidden, n_classes, rng, dtype="float64")

    def forward(self, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, tuple[Any, ...]]:
        """rng: dropout in training, None in evaluation."""
        h, first = self.first.forward(x)  # (B, D) -> (B, H)
        norm = None
        if self.norm is not None:
            h, norm = self.norm.forward(h)
        h, bend = ACTIVATIONS["relu"][0](h)
        h, dropped = self.dropout.forward(h, rng)
        logits, second = self.second.forward(h)  # (B, H) -> (B, K)
        return logits, (first, norm, bend, dropped, second)

    def backward(self, dlogits: np.ndarray, cache: tuple[Any, ...]) -> np.ndarray:
        """(B, K) -> dx: (B, D)."""
        first, norm, bend, dropped, second = cache
        dh = self.dropout.backward(self.second.backward(dlogits, second), dropped)
        dh = ACTIVATIONS["relu"][1](dh, bend)
        if self.norm is not None:
            dh = self.norm.backward(dh, norm)
        return self.first.backward(dh, first)


def points_loss(smoothing: float = 0.0) -> Loss[Perceptron]:
    """Mean cross-entropy of Points; `tokens` counts points."""

    def loss(model: Perceptron, batch: Points, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.x, rng)
        return learn_targets(model, logits, cache, batch.labels, smoothing)

    return loss


def fit(
    model: Perceptron,
    optimizer: Optimizer,
    batches: Callable[[Rng], Points],
    steps: int,
    rate: float,
    seed: int,
    smoothing: float = 0.0,
    clip: float | Clip | None = None,
    start: int = 0,
) -> None:
    """Trains at one rate from step `start` to `steps`.  Raises TrainingDiverged as `train` does."""
    schedule = partial(constant, learning_rate=rate)
    for _ in train(model, batches, points_loss(smoothing), optimizer, schedule, steps, clip, seed, start):
        pass


def drawn_from(points: Points, size: int = 64) -> Callable[[Rng], Points]:
    """Batches of some points, again and again: drawn with replacement."""

    def batch(rng: Rng) -> Points:
        chosen = rng.integers(len(points.labels), size=size)
        return Points(points.x[chosen], points.labels[chosen])

    return batch


def steps_until(
    target: float,
    model: Perceptron,
    optimizer: Optimizer,
    batches: Callable[[Rng], Points],
    new: Points,
    rate: float,
    limit: int,
    seed: int,
) -> float:
    """Steps until the loss on new points, looked at every second step, is below the target; infinite when it is not
    within `limit` or when training diverges."""
    schedule = partial(constant, learning_rate=rate)
    with np.errstate(over="ignore", invalid="ignore"):  # a rate that is too high
        try:
            for record in train(model, batches, points_loss(), optimizer, schedule, limit, None, seed):
                if record.loss > LOST:
                    break
                if record.step % 2 == 0 and judge(model, new).loss < target:
                    return float(record.step)
        except TrainingDiverged:
            pass
    return math.inf


class Judged(NamedTuple):
    """loss: nats a point, without smoothing; accuracy: share that is right; probabilities: (B, K)."""

    loss: float
    accuracy: float
    probabilities: np.ndarray
    logits: np.ndarray


def judge(model: Perceptron, points: Points) -> Judged:
    """In evaluation."""
    logits, _ = model.forward(points.x)
    loss, _ = cross_entropy_forward(logits, points.labels)
    right = float((logits.argmax(axis=1) == points.labels).mean())
    return Judged(float(loss), right, softmax_forward(logits)[0], logits)
