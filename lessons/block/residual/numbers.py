"""Numbers for the quiz on residual connections: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.norms.layer_norm import layer_norm_forward


@told_apart
def three_sums(rng: np.random.Generator) -> NumberCase:
    """A gradient of 1 sent back past three sums, each with a branch that is a number."""
    a, b, c = (float(s) for s in rng.choice([-0.5, -0.4, -0.2, 0.1, 0.2, 0.3, 0.5], 3, replace=False))
    wrong = (
        Wrong(
            a * b * c, "residual path forgotten", "That is the way through all three; the sums add ways around them."
        ),
        Wrong(1 + a + b + c, "branches do not meet", "Ways that pass two or three branches are missing."),
        Wrong(1.0, "only the identity counts", "1 is the way around all three; the other ways are added to it."),
    )
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}", "c": f"{c:g}"}, _back((a, b, c)), wrong)


@told_apart
def many_sums(rng: np.random.Generator) -> NumberCase:
    """The same slope in every branch of a deep stack."""
    depth, slope = int(rng.choice([6, 8, 12, 16])), float(rng.choice([0.1, 0.2, -0.1, -0.2]))
    wrong = (
        Wrong(slope**depth, "residual path forgotten", "Past a sum the factor is 1 plus the slope."),
        Wrong(1.0, "a residual connection holds gradients at 1", "Each branch adds its part, at every sum."),
        Wrong(1 + depth * slope, "branches do not meet", "Factors of layers in a row multiply: they compound."),
    )
    return NumberCase({"depth": depth, "slope": f"{slope:g}"}, _back((slope,) * depth), wrong, 0.02)


@told_apart
def added_and_normed(rng: np.random.Generator) -> NumberCase:
    """The first number behind add and norm, as printed in 2017."""
    x, f = (rng.choice(np.arange(-4.0, 5.0), 3, replace=False) for _ in range(2))

    def norm(token: np.ndarray) -> np.ndarray:
        return np.asarray(layer_norm_forward(token[None], eps=0.0)[0][0])

    if np.ptp(x + f) == 0:
        x = x + np.arange(3.0)
    wrong = (
        Wrong(float((x + norm(f))[0]), "post-LN as x plus a norm", "The norm takes the whole sum, not f(x) alone."),
        Wrong(
            float((x + f)[0]), "norm forgotten", "That is the sum; its mean and its spread are still to be taken out."
        ),
        Wrong(float(norm(f)[0]), "add forgotten", "x is part of what is normalised."),
        Wrong(
            float((x + f - (x + f).mean())[0]), "centred only", "After the mean the standard deviation is taken out."
        ),
    )
    values = {"x": ", ".join(f"{n:g}" for n in x), "f": ", ".join(f"{n:g}" for n in f)}
    return NumberCase(values, float(norm(x + f)[0]), wrong)


def size_of_stream(rng: np.random.Generator) -> NumberCase:
    """Squares of uncorrelated parts add up; parts that are orthogonal in the sample show it exactly."""
    branches = int(rng.choice([3, 8, 15, 24, 35, 48]))
    parts = math.sqrt(branches + 1) * np.eye(branches + 1)  # each of mean square 1, no two alike in any coordinate
    size = math.sqrt(float((parts.sum(axis=0) ** 2).mean()))
    wrong = (
        Wrong(branches + 1.0, "sizes add", "Sizes add where all parts point one way; here their squares do."),
        Wrong(1.0, "the sum keeps its size", "Nothing divides the sum; that is what the norm is for."),
        Wrong(
            1 + math.sqrt(branches), "roots of parts added", "Add all squares, the first one too, then take the root."
        ),
    )
    return NumberCase({"branches": branches}, size, wrong)


def _back(slopes: tuple[float, ...]) -> float:
    """What x + f(x), f(x) = slope x, one after the other, leave of a gradient of 1."""
    gradient = np.ones((1, 1))
    caches = [linear_forward(np.ones((1, 1)), np.full((1, 1), slope))[1] for slope in slopes]
    for cache in reversed(caches):
        gradient = gradient + linear_backward(gradient, cache)[0]  # y = x + f(x)
    return float(gradient[0, 0])
