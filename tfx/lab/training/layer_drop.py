"""Networks that can be cut after training: residual blocks, trained with and without LayerDrop.

    x <- x W + b,   then in each block   x <- x + relu(x W1 + b1) W2 + b2,   then logits = x W + b

With LayerDrop each block is left out of a whole batch at random, so that no block may count on the one below it; then
every other block is taken away, nothing is trained again, and both networks are asked once more.
Source: Fan, Grave and Joulin 2020, "Reducing Transformer Depth on Demand with Structured Dropout".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.lab.training.points import Blobs, Perceptron, Rng, drawn_from, fit, judge
from tfx.nn.linear import Linear
from tfx.nn.stochastic_depth import LayerDropStack
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.optim import Adam
from tfx.params import Layer

#: Width of the stream, points to learn from and to be judged by.
WIDTH, POINTS, TEST = 32, 600, 2000


class Block(Layer):
    """x + relu(x W1 + b1) W2 + b2: (B, C) -> (B, C)."""

    def __init__(self, rng: Rng) -> None:
        self.first = Linear(WIDTH, WIDTH, rng, dtype="float64", init="he_normal")
        self.second = Linear(WIDTH, WIDTH, rng, dtype="float64")

    def forward(self, x: np.ndarray, mask: None = None, rng: Any = None) -> tuple[np.ndarray, tuple[Any, ...]]:
        """mask, rng: what a stack hands on; neither is used."""
        h, first = self.first.forward(x)
        h, bend = ACTIVATIONS["relu"][0](h)
        f, second = self.second.forward(h)
        return x + f, (first, bend, second)

    def backward(self, dy: np.ndarray, cache: tuple[Any, ...]) -> np.ndarray:
        """(B, C) -> dx: (B, C)."""
        first, bend, second = cache
        dh = ACTIVATIONS["relu"][1](self.second.backward(dy, second), bend)
        return dy + self.first.backward(dh, first)  # y = x + f


class DeepPerceptron(Perceptron):
    """A map to the width of the stream, n_blocks blocks, a map to scores: (B, D) -> (B, K)."""

    def __init__(self, width: int, n_classes: int, n_blocks: int, rate: float, rng: Rng) -> None:
        self.first = Linear(width, WIDTH, rng, dtype="float64")
        self.stack = LayerDropStack([Block(rng) for _ in range(n_blocks)], rate)
        self.second = Linear(WIDTH, n_classes, rng, dtype="float64")

    def forward(self, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, tuple[Any, ...]]:
        """rng: LayerDrop in training, None in evaluation."""
        x, first = self.first.forward(x)
        x, stack = self.stack.forward(x, rng=rng)
        logits, second = self.second.forward(x)
        return logits, (first, stack, second)

    def backward(self, dlogits: np.ndarray, cache: tuple[Any, ...]) -> np.ndarray:
        """(B, K) -> dx: (B, D)."""
        first, stack, second = cache
        return self.first.backward(self.stack.backward(self.second.backward(dlogits, second), stack), first)


class Cut(NamedTuple):
    """Share of new points that is right: with all blocks, and with every other one."""

    whole: float
    cut: float


def cut_in_half(rate: float, seed: tuple[int, ...], n_blocks: int = 6, steps: int = 150) -> Cut:
    """One network trained with that rate, asked whole and without blocks 1, 3, 5 ..."""
    rng = np.random.default_rng(seed)
    blobs = Blobs(spread=0.7, seed=(*seed, 1))
    known, new = blobs.draw(POINTS, rng), blobs.draw(TEST, rng)
    model = DeepPerceptron(blobs.width, blobs.n_classes, n_blocks, rate, rng)
    fit(model, Adam(model), drawn_from(known), steps, 0.003, int(rng.integers(2**31)))
    whole = judge(model, new).accuracy
    model.stack = model.stack.pruned(0.5)
    return Cut(whole, judge(model, new).accuracy)
