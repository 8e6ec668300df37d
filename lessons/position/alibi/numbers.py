"""Numbers for the quiz on ALiBi: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.positions.alibi import alibi_bias, alibi_slopes
from tfx.ops.positions.positions import add_positions_forward, sinusoidal_positions


@told_apart
def slope(rng: np.random.Generator) -> NumberCase:
    """The slope of a head."""
    heads = int(rng.choice([2, 4, 8, 16]))
    head = int(rng.integers(1, heads + 1))
    answer = alibi_slopes(heads)[head - 1]
    wrong = (
        Wrong(2.0 ** (8 * head / heads), "growing slopes", "The exponent is negative: slopes are at most 1."),
        Wrong(2.0 ** (-8 * (head - 1) / heads), "heads counted from 0", "The first slope is 2^(-8/H), not 1."),
        Wrong(8 * head / heads, "the exponent for the power", "That is the exponent; the slope is 2 to minus that."),
    )  # fmt: skip
    return NumberCase({"heads": heads, "head": head}, answer, wrong, 0.01)


@told_apart
def biased_score(rng: np.random.Generator) -> NumberCase:
    """A score after the bias."""
    head, tokens = int(rng.integers(1, 5)), 30
    i = int(rng.integers(12, tokens))
    j = int(rng.integers(2, i - 1))
    score = float(rng.integers(2, 12)) / 2
    bias = alibi_bias(8, tokens, causal=True)[head - 1]
    m = 0.5**head
    wrong = (
        Wrong(score + m * (i - j), "a bonus for a penalty", "What is far loses: the distance is subtracted."),
        Wrong(score - m * i, "the place for the distance", "The distance counts, not where the query stands."),
        Wrong(score - (i - j), "no slope", "The distance is multiplied by the head's slope."),
    )  # fmt: skip
    values = {"score": f"{score:g}", "m": f"{m:g}", "i": i, "j": j}
    return NumberCase(values, float(score + bias[i, j]), wrong, 0.005)


@told_apart
def ratio(rng: np.random.Generator) -> NumberCase:
    """The ratio of two weights where scores are equal but for the bias."""
    head, near, far = int(rng.integers(1, 5)), int(rng.integers(0, 4)), int(rng.integers(5, 12))
    bias = alibi_bias(8, 20, causal=True)[head - 1, 19]
    m = 0.5**head
    answer = math.exp(bias[19 - near] - bias[19 - far])
    wrong = (
        Wrong(m * (far - near), "scores for weights", "That is the difference of the scores; softmax takes exp of it."),
        Wrong(1 / answer, "the far key first", "The nearer key has the larger weight."),
        Wrong((far + 1) / (near + 1), "weights fall like 1 / distance", "A linear penalty in the score is an exponential one in the weight."),
    )  # fmt: skip
    return NumberCase({"m": f"{m:g}", "near": near, "far": far}, answer, wrong, 0.02)


@told_apart
def needed(rng: np.random.Generator) -> NumberCase:
    """By how much a far key must score higher."""
    head, distance = int(rng.integers(1, 7)), int(rng.choice([20, 40, 50, 100, 200]))
    bias = alibi_bias(8, distance + 1, causal=True)[head - 1, -1]
    m = 0.5**head
    wrong = (
        Wrong(float(distance), "no slope", "The distance is multiplied by the slope."),
        Wrong(m, "one penalty, however far", "The penalty grows with the distance."),
        Wrong(math.exp(m * distance), "weights for scores", "That is the factor on the weight; of the score it is the exponent."),
    )  # fmt: skip
    return NumberCase({"m": f"{m:g}", "distance": distance}, float(bias[-1] - bias[0]), wrong, 0.01)


@told_apart
def added_at_three(rng: np.random.Generator) -> NumberCase:
    """A number of a token of width 4 with its sinusoid added."""
    x, pos = float(rng.integers(-3, 4)), int(rng.integers(1, 8))
    z, _ = add_positions_forward(np.array([[x, 0, 0, 0]]), sinusoidal_positions(pos + 1, 4), pos)
    wrong = (
        Wrong(x * math.cos(pos), "turned for added", "That is how RoPE treats it; sinusoids are added."),
        Wrong(x + pos, "the bare number added", "The sine of the angle is added, not the position itself."),
        Wrong(x + math.cos(pos), "sine and cosine swapped", "Column 0 holds a sine."),
    )  # fmt: skip
    return NumberCase({"x": f"{x:g}", "pos": pos}, float(z[0, 0]), wrong, 0.02)
