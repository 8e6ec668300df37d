"""Numbers for the quiz on softmax: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
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


@told_apart
def weight_of_three(rng: np.random.Generator) -> NumberCase:
    """One row of three scores; all of them raised by a number that must not matter.

    The first is never the largest: of that one, two mistakes make 1.
    """
    scores = rng.permutation([[0.0, 1.0, 2.0], [0.0, 1.0, 1.5], [0.0, 0.5, 2.0], [0.0, 0.5, 1.0]][int(rng.integers(4))])
    lift = int(rng.choice([10, 100, 500]))
    first = float(softmax_forward(scores + lift)[0][0])
    raised = scores + lift
    largest = float(scores.max())
    wrong = (
        Wrong(float(raised[0] / raised.sum()), "weight proportional to score", "Each score goes through exp first."),
        Wrong(
            float(scores[0] == largest),
            "winner takes all",
            f"Gaps of up to {largest:g} are far from one-hot; large scores are not large gaps.",
        ),
        Wrong(math.exp(scores[0] - largest), "divided by the largest", "Weights are divided by the sum of all exps."),
    )
    return NumberCase(
        values={"scores": ", ".join(f"{s:g}" for s in raised), "shifted": ", ".join(f"{s:g}" for s in scores)},
        answer=first,
        tolerance=0.02,
        wrong=wrong,
    )


def sum_of_all(rng: np.random.Generator) -> NumberCase:
    """The sum of a whole tensor of attention weights."""
    batch, heads, queries, keys = (int(n) for n in rng.permutation([2, 3, 4, 5, 6, 7])[:4])
    q, k = rng.standard_normal((batch, heads, queries, 4)), rng.standard_normal((batch, heads, keys, 4))
    weights = attention_forward(q, k, k)[1].weights
    wrong = (
        Wrong(float(batch * heads * keys), "softmax over the queries", "Rows sum to 1, and each query has one row."),
        Wrong(float(weights.size), "every weight is 1", "The weights of one row share a single unit."),
        Wrong(
            float(batch * heads), "softmax over the whole matrix", "Each row is normalised for itself, not the matrix."
        ),
        Wrong(1.0, "softmax over everything", "Each row is a distribution of its own."),
    )
    return NumberCase(
        values={"batch": batch, "heads": heads, "queries": queries, "keys": keys},
        answer=round(float(weights.sum()), 9),
        tolerance=0.0,
        wrong=wrong,
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
