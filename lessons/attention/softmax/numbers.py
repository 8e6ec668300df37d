"""Numbers for the quiz on softmax: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_forward


def ratio_of_weights(rng: np.random.Generator) -> NumberCase:
    """How many times more weight the better of two keys gets."""
    low = int(rng.choice([3, 4, 5]))
    gap = int(rng.choice([1, 2, 3]))
    weights, _ = softmax_forward(np.array([float(low + gap), float(low), 0.0, -1.0]))
    ratio = float(weights[0] / weights[1])
    return NumberCase(
        values={"high": low + gap, "low": low, "gap": gap},
        answer=ratio,
        tolerance=0.02,
        wrong=(
            Wrong(
                (low + gap) / low,
                "weight proportional to score",
                "Weights are proportional to exp(score), not to the score.",
            ),
            Wrong(
                math.exp(low + gap),
                "a score is absolute",
                "That is exp of the larger score alone; the other key's exp divides it.",
            ),
            Wrong(float(gap), "weights differ as scores do", "Differences of scores become ratios of weights."),
        ),
    )


def weight_of_three(rng: np.random.Generator) -> NumberCase:
    """One row of three scores; all of them raised by a number that must not matter."""
    scores = rng.permutation([0.0, 1.0, 2.0])
    lift = int(rng.choice([10, 100, 500]))
    first = float(softmax_forward(scores + lift)[0][0])
    raised = scores + lift
    named = (
        (float(raised[0] / raised.sum()), "weight proportional to score", "Each score goes through exp first."),
        (
            1.0 if scores[0] == 2 else 0.0,
            "winner takes all",
            "Gaps of 1 and 2 are far from one-hot; large scores are not large gaps.",
        ),
        (math.exp(scores[0] - 2.0), "divided by the largest", "Weights are divided by the sum of all exps."),
    )[: 2 if scores[0] == 2 else 3]  # of the largest score both mistakes make 1
    return NumberCase(
        values={"scores": ", ".join(f"{s:g}" for s in raised), "shifted": ", ".join(f"{s:g}" for s in scores)},
        answer=first,
        tolerance=0.02,
        wrong=tuple(Wrong(value, name, why) for value, name, why in named if abs(value - first) > 0.05 * first),
    )


def sum_of_all(rng: np.random.Generator) -> NumberCase:
    """The sum of a whole tensor of attention weights."""
    batch, heads, queries, keys = (int(n) for n in rng.permutation([2, 3, 4, 5, 6, 7])[:4])
    q, k = rng.standard_normal((batch, heads, queries, 4)), rng.standard_normal((batch, heads, keys, 4))
    weights = attention_forward(q, k, k)[1].weights
    named = (
        (float(batch * heads * keys), "softmax over the queries", "Rows sum to 1, and there is one row per query."),
        (float(weights.size), "every weight is 1", "The weights of one row share a single unit."),
        (float(batch * heads), "softmax over the whole matrix", "Each row is normalised for itself, not each matrix."),
        (1.0, "softmax over everything", "Each row is a distribution of its own."),
    )
    answer = round(float(weights.sum()), 9)
    return NumberCase(
        values={"batch": batch, "heads": heads, "queries": queries, "keys": keys},
        answer=answer,
        tolerance=0.0,
        wrong=tuple(Wrong(value, name, why) for value, name, why in named if value != answer),
    )


def sparse_weight(rng: np.random.Generator) -> NumberCase:
    """Sparsemax of three scores; the last is far behind."""
    gap = float(rng.choice([0.2, 0.4, 0.6]))
    scores = np.array([gap, 0.0, -5.0])
    first = float(sparsemax_forward(scores)[0][0])
    soft = float(softmax_forward(scores)[0][0])
    return NumberCase(
        values={"gap": f"{gap:g}"},
        answer=first,
        tolerance=0.01,
        wrong=(
            Wrong(
                soft,
                "softmax for sparsemax",
                "This is softmax's weight. Near a tie it moves half as fast with the gap.",
            ),
            Wrong(1.0, "sparsemax is argmax", "Sparsemax drops only keys that are far behind; two close ones share."),
            Wrong(
                gap, "scores for weights", "The threshold tau is still to be taken off, so that the weights sum to 1."
            ),
        ),
    )


def sums_over_keys(rng: np.random.Generator) -> ShapeCase:
    """The shape of the row sums."""
    batch, heads, queries, keys = (int(n) for n in rng.permutation([2, 3, 4, 5, 6, 7])[:4])
    weights, _ = softmax_forward(rng.standard_normal((batch, heads, queries, keys)))
    return ShapeCase(
        values={"batch": batch, "heads": heads, "queries": queries, "keys": keys},
        answer=weights.sum(axis=-1).shape,
        wrong=(
            Wrong((batch, heads, keys), "softmax over the queries", "Keys are the last axis; it is summed away."),
            Wrong((batch, heads), "softmax over the whole matrix", "One distribution per query, not one per head."),
            Wrong(weights.shape, "a sum keeps its axis", "The axis that is summed over is gone."),
        ),
    )
