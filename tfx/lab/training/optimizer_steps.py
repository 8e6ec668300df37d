"""What optimizers do to a few numbers whose gradients are given: in a valley, under noise, and with weight decay.

The valley is f(x) = (x_1^2 + k x_2^2) / 2: k times as curved one way as the other, from START.  Its gradient is
(x_1, k x_2), so that descent with a rate r multiplies the two by 1 - r and 1 - k r in every step.  Turned, it no longer
lies along the numbers that Adam scales one by one.
Sources: Kingma and Ba 2015 (Adam); Loshchilov and Hutter 2019 (AdamW); Chen et al. 2023 (Lion); Shazeer and Stern 2018
(Adafactor).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.lab.training.warmup import Numbers
from tfx.optim import SGD, Adafactor, Adam, AdamW, Lion, Optimizer
from tfx.optim.adamw import decays_everything

#: Where the valley is done: this share of the first value.
DONE = 1e-4
START = np.array([1.0, 0.4])
#: Thirteen rates, from 0.001 to 1, each 1.8 times the one before.
RATES = tuple(10 ** (k / 4) for k in range(-12, 1))
IN_THE_VALLEY: dict[str, Callable[[Any], Optimizer]] = {
    "SGD": SGD,
    "SGD, momentum 0.9": partial(SGD, momentum=0.9),
    "Adam": Adam,
    "Lion": Lion,
}


def curvature(k: float, turned: float = 0.0) -> np.ndarray:
    """(2, 2): the valley's second derivatives.  turned: by so many degrees; at 0 it lies along the axes."""
    a = math.radians(turned)
    turn = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    return np.asarray(turn @ np.diag([1.0, k]) @ turn.T)


def valley_steps(make: Callable[[Any], Optimizer], rate: float, curved: np.ndarray, limit: int) -> float:
    """Steps until f is below DONE of its start, and stays there for three; infinite beyond `limit`."""
    model = Numbers(START.copy())
    optimizer, x, below = make(model), model.numbers.value, 0
    start = float(x @ curved @ x)
    for step in range(1, limit + 1):
        optimizer.parameters.grad[...] = curved @ x
        optimizer.step(rate)
        now = float(x @ curved @ x)
        below = below + 1 if now <= DONE * start else 0
        if below == 3:
            return step - 2
        if now > 1e6 * start:
            break
    return math.inf


def best_in_the_valley(make: Callable[[Any], Optimizer], curved: np.ndarray, limit: int = 2000) -> tuple[float, float]:
    """-> (steps, rate) of the rate of RATES that is there first; (infinity, NaN) where none is."""
    best = math.inf, math.nan
    for rate in reversed(RATES):
        steps = valley_steps(make, rate, curved, int(min(limit, best[0] + 2)))
        if steps < best[0]:
            best = steps, rate
    return best


def shrunk(decoupled: bool, scale: float, make_rng: Callable[[], np.random.Generator]) -> float:
    """How far decay 0.1 pulls numbers of 1 to 0 in 400 steps of 0.005 under noise of that scale: mean share.

    make_rng: a generator of the noise, the same with decay and without."""
    left = []
    for decay in (0.0, 0.1):
        model = Numbers(np.ones(16))
        optimizer: Optimizer = Adam(model, l2=decay)
        if decoupled:
            optimizer = AdamW(model, weight_decay=decay, decays=decays_everything)
        rng = make_rng()
        for _ in range(400):
            optimizer.parameters.grad[...] = scale * rng.standard_normal(16)
            optimizer.step(0.005)
        left.append(model.numbers.value.copy())
    return float((left[0] - left[1]).mean())


def against_the_sign(rng: np.random.Generator, rate: float = 0.01) -> tuple[float, np.ndarray]:
    """Lion under gradients of mean 0.3 and deviation 1: the share of its moves, from the 21st on, that go with the
    gradient where the sign of the gradient says the other way; and all moves, (100, 200)."""
    model = Numbers(np.zeros(200))
    optimizer, moves, differs = Lion(model), [], []
    for _ in range(100):
        gradient = 0.3 + rng.standard_normal(200)
        before = model.numbers.value.copy()
        optimizer.parameters.grad[...] = gradient
        optimizer.step(rate)
        moves.append(before - model.numbers.value)
        differs.append(np.sign(moves[-1]) != np.sign(gradient))
    return float(np.mean(differs[20:])), np.array(moves)


def rebuilt(gradient: np.ndarray) -> np.ndarray:
    """(I, J) -> what Adafactor holds g^2 for after one step: row sums times column sums, over the total."""
    model = Numbers(np.zeros(gradient.shape))
    optimizer = Adafactor(model)
    optimizer.parameters.grad[...] = gradient.reshape(-1)
    optimizer.step(1.0)
    return np.asarray(np.outer(optimizer.rows, optimizer.columns) / optimizer.rows.sum())


def rebuilt_error(gradient: np.ndarray) -> float:
    """|V - g^2| / |g^2| after one step, V from the sums that Adafactor keeps."""
    square = gradient**2
    return float(np.sqrt(((rebuilt(gradient) - square) ** 2).sum() / (square**2).sum()))
