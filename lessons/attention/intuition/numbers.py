"""Numbers for the quiz on soft lookup: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward


def weight_by_gap(rng: np.random.Generator) -> NumberCase:
    """One key ahead of many equal others."""
    others = int(rng.choice([9, 15, 31, 63, 99]))
    gap = int(rng.choice([1, 2, 3]))  # larger gaps give nearly 1 against one rival
    weight = float(softmax_forward(np.array([float(gap)] + [0.0] * others))[0][0])
    return NumberCase(
        values={"others": others, "gap": gap},
        answer=weight,
        tolerance=0.02,
        wrong=(
            Wrong(1.0, "winner takes all", "A finite gap never gives everything to one key; the others add up."),
            Wrong(
                1.0 / (1.0 + math.exp(-gap)),
                "only the nearest rival counts",
                f"This is the weight against one rival. All {others} stand in the denominator.",
            ),
            Wrong(
                1.0 / (others + 1), "equal weights whatever the scores", "That is the weight of every key when all tie."
            ),
        ),
    )


@told_apart
def soft_output(rng: np.random.Generator) -> NumberCase:
    """The output of a lookup with three entries and one-number values."""
    scores = rng.permutation([0.0, 1.0, 2.0])
    numbers = rng.permutation(rng.choice([10.0, 20.0, 30.0, 50.0, 60.0, 80.0], 3, replace=False))
    out, _ = attention_forward(np.ones((1, 1)), scores[:, None], numbers[:, None], scale=1.0)
    wrong = (
        Wrong(
            float(numbers[scores.argmax()]),
            "winner takes all",
            "This is the value of the best key alone; the others are mixed in.",
        ),
        Wrong(float(numbers.mean()), "equal weights whatever the scores", "The plain mean belongs to equal scores."),
        Wrong(
            float(scores @ numbers / scores.sum()),
            "weight proportional to score",
            "Weights are proportional to exp(score), so a score of 0 has weight too.",
        ),
        Wrong(float(scores @ numbers), "scores for weights", "Scores are not weights: they do not sum to 1."),
    )
    return NumberCase(
        values={
            "scores": ", ".join(f"{s:g}" for s in scores),
            "numbers": ", ".join(f"{v:g}" for v in numbers),
        },
        answer=float(out[0, 0]),
        tolerance=0.01,
        wrong=wrong,
    )


def outputs_of_cross(rng: np.random.Generator) -> ShapeCase:
    """The output's shape when queries and keys come from two sequences."""
    queries, keys, width, d_v = (int(n) for n in rng.permutation([3, 4, 5, 6, 7, 9])[:4])
    out, cache = attention_forward(
        rng.standard_normal((queries, width)), rng.standard_normal((keys, width)), rng.standard_normal((keys, d_v))
    )
    return ShapeCase(
        values={"queries": queries, "keys": keys, "width": width, "d_v": d_v},
        answer=out.shape,
        wrong=(
            Wrong((keys, d_v), "one output per key", "Each query gets an answer; keys are only asked."),
            Wrong(
                (queries, width),
                "output as wide as the query",
                "What is averaged are values, so their width comes out.",
            ),
            Wrong(
                cache.weights.shape,
                "weights for output",
                "That is the shape of the weights, before they mix the values.",
            ),
        ),
    )
