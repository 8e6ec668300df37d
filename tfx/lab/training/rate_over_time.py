"""What a learning rate does early and late: Adam's steps under noise, and where a noisy descent comes to rest.

Early.  Under gradients that are noise of variance 1, Adam's averages soon hold many of them: the mean has variance
(1 - b1) / (1 + b1), the root of the squares is about 1, and so a step is 0.23 rates long for b1 = 0.9, in root mean
square.  The first step is 1 rate long, because both averages hold one gradient; the next ones repeat most of it.

Late.  x <- x - r (x + noise) with noise of variance 1 and a rate r ends in a stationary state:
    v = (1 - r)^2 v + r^2     so that     v = r / (2 - r)
A constant rate leaves that much; a rate that falls leaves ever less.
Sources: Kingma and Ba 2015, section 2; Ma and Yarats 2021, "On the adequacy of untuned warmup for adaptive
optimization".
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.lab.training.warmup import Numbers
from tfx.optim import Adam

#: Numbers that are followed side by side.
MANY = 4000


def steps_under_noise(steps: int, rng: np.random.Generator, scale: float = 1.0) -> np.ndarray:
    """(steps,): the root mean square of Adam's step in units of the rate, under noise of that scale."""
    model, sizes = Numbers(np.zeros(MANY)), []
    optimizer = Adam(model)
    for _ in range(steps):
        before = model.numbers.value.copy()
        optimizer.parameters.grad[...] = scale * rng.standard_normal(MANY)
        optimizer.step(1.0)
        sizes.append(float(np.sqrt(((model.numbers.value - before) ** 2).mean())))
    return np.array(sizes)


def settled_step(beta1: float = 0.9) -> float:
    """The law of the docstring."""
    return math.sqrt((1 - beta1) / (1 + beta1))


def at_rest(rate: Callable[[int], float], steps: int, rng: np.random.Generator) -> float:
    """The mean square of x after so many steps from 1."""
    x = np.ones(MANY)
    for step in range(1, steps + 1):
        x -= rate(step) * (x + rng.standard_normal(MANY))
    return float((x * x).mean())


def stationary(rate: float) -> float:
    """The law of the docstring."""
    return rate / (2 - rate)
