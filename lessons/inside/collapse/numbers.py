"""Numbers for the quiz on collapse: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.sharpness import entropy_share
from tfx.measure.token_spread import rank_residual
from tfx.ops.attention.scaled_dot_product import attention_scores
from tfx.ops.norms.rms_norm import rms_norm_forward


@told_apart
def what_is_left(rng: np.random.Generator) -> NumberCase:
    """Of two tokens, of width 1."""
    a, b = (int(n) for n in rng.choice(np.arange(1, 12), 2, replace=False))
    mean = (a + b) / 2
    size = math.hypot(a, b)
    wrong = (
        Wrong(abs(a - b) / size, "difference of the tokens", "It is the difference of each from their mean."),
        Wrong(2 * (a - mean) ** 2 / size**2, "root forgotten", "Sizes are roots of summed squares."),
        Wrong(abs(a - mean) / mean, "over the mean", "It is divided by the size of the tokens."),
    )
    return NumberCase({"a": a, "b": b}, float(rank_residual(np.array([[float(a)], [float(b)]]))), wrong, 0.01)


@told_apart
def layers_needed(rng: np.random.Generator) -> NumberCase:
    """The layer after which less than a thousandth is left, if each layer squares what is left."""
    start = int(rng.choice([30, 40, 50, 60, 70, 80, 90]))
    left, layers = start / 100, 0
    while left >= 1e-3:
        left, layers = left * left, layers + 1
    exponential = math.ceil(math.log(1e-3) / math.log(start / 100))
    wrong = (
        Wrong(float(exponential), "the same factor each layer", "Each layer squares what is left, so that it falls faster and faster."),
        Wrong(float(layers + 1), "start counted as a layer", "Before the first layer nothing has been squared."),
        Wrong(float(2**layers), "power for layers", "That is the power of the start that is left then."),
    )  # fmt: skip
    return NumberCase({"start": f"{start / 100:g}"}, float(layers), wrong, 0.0)


@told_apart
def largest_score(rng: np.random.Generator) -> NumberCase:
    """With RMSNorm on queries and keys, both in one direction."""
    d, size = int(rng.choice([16, 25, 36, 64, 100, 144])), int(rng.integers(3, 9))
    q = size * np.ones((1, d))
    normed = rms_norm_forward(q, eps=0.0)[0]
    answer = float(attention_scores(normed, normed, 1 / math.sqrt(d))[0][0, 0])
    wrong = (
        Wrong(float(d), "not divided by sqrt(D)", "q . k is D at most; scores are divided by sqrt(D)."),
        Wrong(1.0, "length 1 for mean square 1", "RMSNorm makes the mean square 1, so a vector has length sqrt(D)."),
        Wrong(size * size * math.sqrt(d), "the norm left out", "The norm takes the size away."),
    )
    return NumberCase({"d": d, "size": size}, answer, wrong, 0.01)


@told_apart
def share_of_entropy(rng: np.random.Generator) -> NumberCase:
    """Of a row that looks evenly at some of its keys."""
    keys = int(rng.choice([16, 32, 64, 128]))
    some = int(rng.choice([2, 4, 8]))
    row = np.where(np.arange(keys) < some, 1 / some, 0.0)
    wrong = (
        Wrong(some / keys, "share of keys", "Entropy grows with the logarithm of their number."),
        Wrong(math.log(some), "not divided by ln S", "That is the entropy in nats; the share is over ln of all keys."),
        Wrong(1 - math.log(some) / math.log(keys), "what is missing", "That is how far the row is from even."),
    )
    return NumberCase({"keys": keys, "some": some}, float(entropy_share(row)), wrong, 0.01)
