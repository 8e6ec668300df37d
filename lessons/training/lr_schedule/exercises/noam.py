"""The learning rate of the first Transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise, Given
from tfx.schedule import noam as library

exercise = Exercise(
    "noam",
    "The learning rate of the first Transformer (Noam)",
    step="by_hand",
    level=1,
    rules=[
        "Steps count from 1. step, d_model and warmup are whole numbers, factor is above 0.",
        "The rate rises in a straight line from 0 (at step 0) to its top, which is at step = warmup.",
        "From there on it falls as 1 / sqrt(step). The top is factor / sqrt(d_model * warmup).",
        "warmup is 4000 unless told, factor 1.",
    ],
    hints=[
        "A rising line and a falling curve: which of the two is smaller before step = warmup, and which after?",
        "At step = warmup both are the same. By what must the line be divided so that they are?",
    ],
    learned="factor / sqrt(d_model) * min(1 / sqrt(step), step / warmup^1.5): the two branches meet at the top.",
    results=["rate: one number"],
)


@exercise.stub
def noam(step, d_model, warmup=4000, factor=1.0):
    """The learning rate of step number `step`, counted from 1.

    step, d_model, warmup: whole numbers -> a number
    """
    ...


@exercise.solution
def solution(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    return factor * d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@exercise.truth
def truth(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    return library(step, d_model, warmup, factor)


@exercise.equal
def from_the_top(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The top, and how much of it is left."""
    top = factor / math.sqrt(d_model * warmup)
    return top * step / warmup if step <= warmup else top * math.sqrt(warmup / step)


@exercise.equal
def in_logarithms(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    rising, falling = np.log(step) - 1.5 * np.log(warmup), -0.5 * np.log(step)
    return np.exp(np.log(factor) - 0.5 * np.log(d_model) + np.minimum(rising, falling))


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    yield Given("the base model, step 100", {"step": 100, "d_model": 512})
    yield Given("the first step", {"step": 1, "d_model": 512})
    yield Given("the second step", {"step": 2, "d_model": 512})
    yield Given("the top", {"step": 4000, "d_model": 512})
    yield Given("one step before the top", {"step": 3999, "d_model": 512})
    yield Given("one step behind the top", {"step": 4001, "d_model": 512})
    yield Given("step 100,000", {"step": 100_000, "d_model": 512})
    yield Given("another width", {"step": 700, "d_model": 1024})
    yield Given("a width of 1", {"step": 4000, "d_model": 1})
    yield Given("a short warm-up, before the top", {"step": 3, "d_model": 20, "warmup": 7})
    yield Given("a short warm-up, behind the top", {"step": 50, "d_model": 20, "warmup": 7})
    yield Given("a warm-up of one step, step 1", {"step": 1, "d_model": 48, "warmup": 1})
    yield Given("a warm-up of one step, step 30", {"step": 30, "d_model": 48, "warmup": 1})
    yield Given("factor 2", {"step": 10, "d_model": 64, "factor": 2.0})
    yield Given("factor 0.5, behind the top", {"step": 9000, "d_model": 64, "factor": 0.5})
    yield Given("everything else than usual", {"step": 90, "d_model": 80, "warmup": 60, "factor": 0.3})
    yield Given("step, width and warm-up the same", {"step": 16, "d_model": 16, "warmup": 16})
    yield Given("a long warm-up", {"step": 12_345, "d_model": 768, "warmup": 40_000, "factor": 5.0})
    yield Given("step 10 million", {"step": 10_000_000, "d_model": 2048, "warmup": 8000})
