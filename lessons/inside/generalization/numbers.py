"""Numbers for the quiz on length and what is learned: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.cost.needle import needle_weight


@told_apart
def columns(rng: np.random.Generator) -> NumberCase:
    """Patterns that a table by place holds, counted one by one."""
    base, n = int(rng.integers(2, 13)), int(rng.integers(2, 9))
    met = {(place, i, j, carry) for place in range(n) for i in range(base) for j in range(base) for carry in (0, 1) if place or not carry}  # fmt: skip
    wrong = (
        Wrong(2.0 * n * base**2, "a carry into the last column", "Nothing stands to the right of the last column."),
        Wrong(float(n * base**2), "columns without carries", "A carry changes what is written, so it is a row of its own."),
        Wrong(float(base) ** (2 * n), "sums for columns", "So many sums there are; columns are shared among them."),
    )  # fmt: skip
    return NumberCase({"base": base, "n": n}, float(len(met)), wrong, 0.0, "rows")


@told_apart
def unsettled(rng: np.random.Generator) -> NumberCase:
    """How often a window of columns cannot tell the carry, over all pairs of digits."""
    base, seen = int(rng.choice([2, 3, 4, 5, 8, 10])), int(rng.integers(1, 5))
    passing = float((np.add.outer(np.arange(base), np.arange(base)) == base - 1).mean())
    answer = 100 * passing**seen
    wrong = (
        Wrong(100 * passing * seen, "sum for product", "Each of the columns has to pass the carry on."),
        Wrong(100 - answer, "what is settled for what is not", "That is how often the columns settle it."),
        Wrong(answer * passing, "one column too many", "The columns that are seen have to pass it on, and no more."),
    )
    return NumberCase({"base": base, "seen": seen}, answer, wrong, 0.01, "percent")


@told_apart
def all_digits(rng: np.random.Generator) -> NumberCase:
    """How many sums are right when digits are, each by itself."""
    q, n = int(rng.integers(80, 100)), int(rng.integers(4, 20))
    answer = 100 * math.prod([q / 100] * (n + 1))
    wrong = (
        Wrong(float(q), "one digit for the sum", "A sum is right when each of its digits is."),
        Wrong(float(100 - (n + 1) * (100 - q)), "sum of errors for product", "Errors can fall on the same sum, so they do not add up."),
        Wrong(100 * (q / 100) ** (2 * n), "digits read for digits written", "What is read is given; what is written can be wrong."),
    )  # fmt: skip
    return NumberCase({"q": q, "n": n}, answer, wrong, 0.01, "percent")


@told_apart
def diluted(rng: np.random.Generator) -> NumberCase:
    """The weight of the right key in a short text over that in a long one."""
    factor, short = int(rng.integers(10, 200)), int(rng.choice([16, 32, 64, 128]))
    long = short * int(rng.choice([4, 8, 16, 32]))
    at_short, at_long = needle_weight(short, math.log(factor)), needle_weight(long, math.log(factor))
    wrong = (
        Wrong(long / short, "weight as one over length", "The right key keeps its own part of the sum."),
        Wrong((long / short) ** 2, "square of the length", "The keys of one query grow with the length, not with its square."),
        Wrong(1.0, "weight of a score for weight among scores", "Softmax divides by the sum over all keys."),
    )  # fmt: skip
    return NumberCase({"factor": factor, "short": short, "long": long}, at_short / at_long, wrong, 0.01, "times")
