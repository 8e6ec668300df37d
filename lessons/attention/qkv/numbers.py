"""Numbers for the quiz on queries, keys and values: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from tfx.lab.attention.directed_relation import follows, train
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward


def parameters(rng: np.random.Generator) -> NumberCase:
    """How many numbers the three projections of one head hold."""
    c, d = int(rng.choice([64, 128, 256, 512])), int(rng.choice([16, 32]))
    tokens = int(rng.choice([10, 20, 50]))
    w_q, w_k, w_v = (np.zeros((c, d)) for _ in range(3))
    count = w_q.size + w_k.size + w_v.size
    return NumberCase(
        values={"c": c, "d": d, "tokens": tokens},
        answer=float(count),
        tolerance=0.0,
        wrong=(
            Wrong(float(w_q.size), "one projection for all three", "Q, K and V each have a matrix of their own."),
            Wrong(
                float(count * tokens), "parameters grow with the text", "The same matrices are used for every token."
            ),
            Wrong(float(3 * c * c), "model width for head width", f"One head projects to width {d}, not to {c}."),
        ),
    )


def rank_of_scores(rng: np.random.Generator) -> NumberCase:
    """The rank of Q K^T for random input."""
    n, c, d = int(rng.choice([20, 24, 30])), int(rng.choice([40, 48, 80])), int(rng.choice([4, 6, 8]))
    x = rng.standard_normal((n, c))
    scores = linear_forward(x, rng.standard_normal((c, d)))[0] @ linear_forward(x, rng.standard_normal((c, d)))[0].T
    return NumberCase(
        values={"n": n, "c": c, "d": d},
        answer=float(np.linalg.matrix_rank(scores)),
        tolerance=0.0,
        wrong=(
            Wrong(
                float(n),
                "scores have full rank",
                f"Q has only {d} columns, and a product has no larger rank than a factor.",
            ),
            Wrong(float(c), "model width for head width", "Scores are computed after the projection to d_k."),
            Wrong(float(d * d), "ranks multiplied", "The rank of a product is at most the smaller of the two ranks."),
        ),
    )


def shape_of_keys(rng: np.random.Generator) -> ShapeCase:
    """The keys of cross-attention."""
    batch, queries, keys, width, d = (int(n) for n in rng.permutation([2, 3, 5, 6, 7, 9])[:5])
    y = rng.standard_normal((batch, keys, width))
    k, _ = linear_forward(y, rng.standard_normal((width, d)))
    weights = attention_forward(rng.standard_normal((batch, queries, d)), k, k)[1].weights
    return ShapeCase(
        values={"batch": batch, "queries": queries, "keys": keys, "width": width, "d": d},
        answer=k.shape,
        wrong=(
            Wrong(
                (batch, queries, d),
                "keys from the decoder",
                "In cross-attention keys and values come from the encoder's output.",
            ),
            Wrong(
                (batch, keys, width),
                "encoder output for keys",
                "The encoder's output is projected by this layer's own W_K first.",
            ),
            Wrong(weights.shape, "weights for keys", "That is the shape of the weights, queries by keys."),
        ),
    )


def tied_loss(rng: np.random.Generator) -> NumberCase:
    """The loss at which a tied head is stuck on a circle, trained when the item is asked."""
    tokens = int(rng.choice([4, 6]))
    run = train(follows(tokens, rng), True, 8, 250, int(rng.integers(1000)))
    return NumberCase(
        values={"tokens": tokens},
        answer=run.losses[-1],
        tolerance=0.05,
        wrong=(
            Wrong(0.0, "tying costs nothing", "Symmetric scores cannot tell the next token from the previous one."),
            Wrong(
                float(np.log(tokens - 1)),
                "a tied head learns nothing",
                "It does learn which tokens are neighbours; only the direction is lost.",
            ),
        ),
    )
