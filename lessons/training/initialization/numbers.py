"""Numbers for the quiz on initial values: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart


@told_apart
def xavier_deviation(rng: np.random.Generator) -> NumberCase:
    """The standard deviation that Xavier gives a map."""
    a, b = (int(n) for n in rng.choice([64, 128, 256, 512, 1024, 2048], size=2, replace=False))
    answer = math.sqrt(2 / (a + b))
    wrong = (
        Wrong(2 / (a + b), "variance for deviation", "That is the variance; its root is asked."),
        Wrong(1 / math.sqrt(a + b), "sum for mean of the widths", "The mean of the widths is (in + out) / 2."),
        Wrong(math.sqrt(2 / a), "He for Xavier", "That is He's, for a ReLU."),
    )
    return NumberCase({"a": a, "b": b}, answer, wrong, 0.02)


@told_apart
def through_a_stack(rng: np.random.Generator) -> NumberCase:
    """What a stack of linear maps makes of a variance."""
    width, layers = int(rng.choice([100, 200, 400])), int(rng.integers(3, 8))
    factor = float(rng.choice([0.5, 0.8, 1.5, 2.0]))
    variance = factor / width
    wrong = (
        Wrong(factor * layers, "factors added", "Each layer multiplies what it gets."),
        Wrong(factor, "one layer", "Each layer multiplies again."),
        Wrong(factor ** (layers / 2), "deviation for variance", "That is the factor of the standard deviation."),
    )
    return NumberCase({"width": width, "layers": layers, "variance": f"{variance:g}"}, factor**layers, wrong, 0.02)


@told_apart
def halved(rng: np.random.Generator) -> NumberCase:
    """The mean square behind layers of Xavier and ReLU, by the halves alone."""
    layers = int(rng.integers(3, 9))
    answer = 0.5**layers
    wrong = (
        Wrong(1.0, "Xavier for ReLU", "Xavier's size is for layers that are about linear; a ReLU takes half."),
        Wrong(0.5, "one layer", "Every layer takes half of what is left."),
        Wrong(0.5 ** (layers / 2), "size for mean square", "That is its root, the size."),
        Wrong(1 / layers, "halves added", "The halves multiply."),
    )
    return NumberCase({"layers": layers}, answer, wrong, 0.02)


@told_apart
def last_maps(rng: np.random.Generator) -> NumberCase:
    """The standard deviation with which GPT-2's scheme starts a map that writes into the stream."""
    blocks, std = int(rng.choice([6, 8, 12, 24, 32, 48])), float(rng.choice([0.01, 0.02, 0.04]))
    wrong = (
        Wrong(std / math.sqrt(blocks), "a residual layer per block", "A block has two: attention and the network."),
        Wrong(std / (2 * blocks), "root forgotten", "Variances add up, so that the deviation takes the root."),
        Wrong(std, "all maps alike", "Those that write into the stream start smaller."),
    )
    return NumberCase({"blocks": blocks, "std": f"{std:g}"}, std / math.sqrt(2 * blocks), wrong, 0.02)
