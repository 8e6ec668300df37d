"""Numbers for the quiz on scaling: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_forward
from tfx.ops.basics.softmax import softmax_forward


def std_of_score(rng: np.random.Generator) -> NumberCase:
    """The spread that attention's own scale undoes."""
    d = int(rng.choice([32, 48, 64, 96, 128, 200, 256, 512]))
    std = 1.0 / _attend(rng, width=d).scale
    return NumberCase(
        values={"d": d},
        answer=std,
        tolerance=0.02,
        wrong=(
            Wrong(float(d), "variance for deviation", f"{d} is the variance; the standard deviation is its root."),
            Wrong(1.0, "a sum as wide as one term", "1 is the deviation of one product; adding products widens it."),
            Wrong(1.0 / std, "the factor for the spread", "This is what scores are multiplied by to undo the spread."),
            Wrong(
                math.sqrt(2 * d),
                "variances of q and k added",
                "The variances of factors multiply (1 x 1); only those of the products are added.",
            ),
        ),
    )


def scale_factor(rng: np.random.Generator) -> NumberCase:
    """The scale that attention_forward chose for heads of this width."""
    heads = int(rng.choice([4, 8, 12, 16]))
    d_head = int(rng.choice([24, 32, 48, 64, 80]))
    d_model = heads * d_head
    scale = _attend(rng, width=d_head).scale
    return NumberCase(
        values={"d_model": d_model, "heads": heads, "d_head": d_head},
        answer=scale,
        tolerance=0.02,
        wrong=(
            Wrong(
                1.0 / math.sqrt(d_model),
                "model width for head width",
                f"A head's dot product has {d_head} terms, not {d_model}; this factor would make its scores too small.",
            ),
            Wrong(
                1.0 / d_head,
                "dividing by the variance",
                "Dividing by d_k, the variance, leaves scores of variance 1/d_k; the deviation is what to divide by.",
            ),
            Wrong(
                math.sqrt(d_head), "multiplying for dividing", "Scores are divided by sqrt(d_k), not multiplied by it."
            ),
            Wrong(
                1.0 / math.sqrt(heads),
                "number of heads for head width",
                "Heads work side by side and never meet in one score; only the width of one head counts.",
            ),
        ),
    )


@told_apart
def weight_of_two(rng: np.random.Generator) -> NumberCase:
    """Softmax of two scores, after scaling; narrow heads, so that the raw scores do not saturate it."""
    d = int(rng.choice([4, 9, 16, 25, 36]))
    scaled = float(rng.choice([0.4, 0.5, 0.8, 1.0, 1.2, 1.5]))
    raw = scaled * math.sqrt(d)

    def first_weight(score: float) -> float:
        return float(softmax_forward(np.array([score, 0.0]))[0][0])

    wrong = (
        Wrong(first_weight(raw), "no scaling", f"This is the softmax of the raw scores {raw:g} and 0."),
        Wrong(
            first_weight(raw / d),
            "dividing by the variance",
            f"This divides by d_k = {d}, not by its root, and flattens the row.",
        ),
        Wrong(1.0, "weight proportional to score", "A score of 0 is no weight of 0: exp(0) = 1 counts too."),
    )
    return NumberCase({"d": d, "raw": f"{raw:g}", "scaled": f"{scaled:g}"}, first_weight(scaled), wrong, 0.01)


def shape_after_scaling(rng: np.random.Generator) -> ShapeCase:
    """The shape of real attention weights, which is that of the scores."""
    batch, heads, queries, keys, width = (int(n) for n in rng.permutation([2, 3, 4, 5, 6, 7, 8])[:5])
    cache = _attend(rng, width, (batch, heads), queries, keys)
    return ShapeCase(
        values={"batch": batch, "heads": heads, "queries": queries, "keys": keys, "width": width},
        answer=cache.weights.shape,
        wrong=(
            Wrong(
                (batch, heads, keys, queries), "keys as rows", "Q stands on the left, so its positions are the rows."
            ),
            Wrong(
                (batch, heads, width, width),
                "positions contracted",
                "Q K^T sums over d_k and keeps the positions; Q^T K would sum over positions.",
            ),
            Wrong(
                cache.q.shape,
                "output for scores",
                "That is the shape of Q. d_k has been summed away; one axis for the keys has come.",
            ),
            Wrong(
                (batch, queries, keys), "heads summed", "Each head has scores of its own; nothing is summed over heads."
            ),
        ),
    )


def variance_with_mean(rng: np.random.Generator) -> NumberCase:
    """Exact, from the four equally likely products of two coordinates that are mean - 1 or mean + 1."""
    d = int(rng.choice([16, 32, 64, 128]))
    mean = float(rng.choice([0.5, 1.5, 2.0, 3.0]))
    coordinate = np.array([mean - 1.0, mean + 1.0])  # mean `mean`, variance 1
    products = np.multiply.outer(coordinate, coordinate)
    second_moment = float((products * products).mean())
    return NumberCase(
        values={"d": d, "mean": f"{mean:g}"},
        answer=d * float(products.var()),
        tolerance=0.01,
        wrong=(
            Wrong(float(d), "mean taken as zero", "That holds for mean 0 only; the means add 2 m^2 to every product."),
            Wrong(
                d * second_moment,
                "second moment for variance",
                "From E[(q_i k_i)^2] the squared mean of the product, m^4, is still to be subtracted.",
            ),
            Wrong(d * float(products.mean()), "mean for variance", "This is the mean of q.k: d_k m^2."),
            Wrong(
                d * (1.0 + mean * mean),
                "only one factor shifted",
                "Both q and k have the mean m, so that m^2 enters twice.",
            ),
        ),
    )


def _attend(
    rng: np.random.Generator, width: int, outer: tuple[int, ...] = (), queries: int = 2, keys: int = 3
) -> AttentionCache:
    """Runs attention on random queries and keys of this width and returns its cache."""
    q = rng.standard_normal((*outer, queries, width))
    k = rng.standard_normal((*outer, keys, width))
    return attention_forward(q, k, k)[1]
