"""Noisy descent on x^2 / 2 with batches, by its law: how many steps to a target, at which rate, for which batch.

    x <- x - rate * (x + noise / sqrt(B))           noise of variance s: that of one example's gradient
    v <- (1 - rate)^2 v + rate^2 s / B              v: the mean of x^2, exactly

The rate that lowers v most in a step is v / (v + s / B): close to 1 where the batch is large, and proportional to B
where noise rules.  At v = 1 half of that gain is reached at B = s, the noise over the squared gradient: the critical
batch.  With the best rate in every step, v falls to v s / (s + B v).
Source: McCandlish et al. 2018, "An Empirical Model of Large-Batch Training".
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.lab.training import accumulation


def steps_at(rate: float, batch: float, noise: float, target: float, limit: int = 10_000) -> float:
    """Steps from v = 1 until v is at the target, at one rate; infinite where it never is."""
    v, step = 1.0, 0
    while v > target:
        v, step = (1 - rate) ** 2 * v + rate**2 * noise / batch, step + 1
        if step > limit or v > 1e6:
            return math.inf
    return step


def best_step(v: float, batch: float, noise: float) -> float:
    """v after one step at the best rate for it."""
    rate = v / (v + noise / batch)
    return (1 - rate) ** 2 * v + rate**2 * noise / batch


def best_steps(batch: float, noise: float, target: float, limit: int = 10_000) -> float:
    """The same with the best rate in every step."""
    v, step = 1.0, 0
    while v > target and step <= limit:
        v, step = best_step(v, batch, noise), step + 1
    return step if v <= target else math.inf


def steps_and_examples(batch: float, critical: float) -> tuple[float, float]:
    """In units of the fewest possible: steps 1 + critical / batch, examples 1 + batch / critical."""
    return 1 + critical / batch, 1 + batch / critical


def parts_against_whole(make_rng: Callable[[], np.random.Generator]) -> dict[str, tuple[float, float]]:
    """way -> length of the parts' gradient over that of the whole batch, and their distance as a share of it.

    make_rng: the same generator for each way."""
    settings = accumulation.Settings()
    found = {}
    for name, way in accumulation.WAYS.items():
        length, _, error, _ = accumulation.compared(way, settings, make_rng())
        found[name] = (length, error)
    return found
