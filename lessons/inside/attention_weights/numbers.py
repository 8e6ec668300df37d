"""Numbers for the quiz on reading attention weights: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.attention.leave_one_out import head_without_each
from tfx.measure.attention_rollout import attention_rollout
from tfx.measure.rank_agreement import kendall_tau


@told_apart
def output_moves(rng: np.random.Generator) -> NumberCase:
    """How far an output moves without a key, values of width 1, by closing it in a real head."""
    a = int(rng.choice([20, 25, 40, 50, 60, 75, 80]))
    x, y = (int(n) for n in rng.choice(np.arange(1, 13), 2, replace=False))
    p = np.array([a / 100, 1 - a / 100])
    v = np.array([[float(x)], [float(y)]])
    without = head_without_each(np.log(p)[None] * np.sqrt(2), np.eye(2), v)[0, 0]
    o = float(p @ v[:, 0])
    wrong = (
        Wrong(a / 100 * abs(x - o), "weights not made to sum to 1", "Without the key the other weight grows to 1: divide by 1 - p."),
        Wrong(a / 100 * x, "its term taken out", "The other weight grows, so the output does not just lose a term."),
        Wrong(a / 100, "the weight alone", "It also matters how far the value lies from the output."),
    )  # fmt: skip
    return NumberCase({"a": a, "b": 100 - a, "x": x, "y": y}, abs(float(without) - o), wrong, 0.01)


@told_apart
def tau(rng: np.random.Generator) -> NumberCase:
    """Kendall's tau of four words ranked in two ways."""
    order = rng.permutation(4)
    value = kendall_tau(np.arange(4.0), order.astype(float))
    same = round((value + 1) * 3)
    places = int((order == np.arange(4)).sum())
    wrong = (
        Wrong(same / 6, "opposite pairs not subtracted", "That is the share of pairs in the same order; the opposite ones count against it."),
        Wrong(places / 4 + 1e-3 * (places == 0), "places for pairs", "Pairs of words are compared, not their places."),
        Wrong(float(2 * same - 6), "not divided by the pairs", "The difference is divided by the six pairs."),
    )  # fmt: skip
    names = "ABCD"
    second = " ".join(names[int(i)] for i in np.argsort(order))
    return NumberCase({"first": "A B C D", "second": second}, value, wrong, 0.01)


@told_apart
def free_weights(rng: np.random.Generator) -> NumberCase:
    """Directions in which weights can move without a change of the output, by the rank of what is fixed."""
    width = int(rng.integers(2, 9))
    keys = width + int(rng.integers(3, 20))
    v = rng.standard_normal((keys, width))
    fixed = int(np.linalg.matrix_rank(np.concatenate([v, np.ones((keys, 1))], axis=1)))
    wrong = (
        Wrong(float(keys - width), "the sum forgotten", "Weights also have to sum to 1."),
        Wrong(float(width + 1), "fixed for free", "That is how many numbers are fixed."),
        Wrong(0.0, "weights are unique", "They are where keys are no more than width + 1."),
    )
    return NumberCase({"keys": keys, "width": width}, float(keys - fixed), wrong, 0.0)


@told_apart
def rolled_out(rng: np.random.Generator) -> NumberCase:
    """How much of the first word is in the second one after two layers."""
    a, b = (int(n) for n in rng.choice([20, 40, 60, 80], 2, replace=False))
    layers = [np.array([[1.0, 0.0], [w / 100, 1 - w / 100]]) for w in (a, b)]
    wrong = (
        Wrong(100 * float((layers[1] @ layers[0])[1, 0]), "residual left out", "Half of each vector comes past the attention."),
        Wrong(float(b) / 2, "last layer alone", "In layer 1 the second word has read the first already."),
        Wrong((a + b) / 2, "mean of the maps", "What layer 1 brought is passed on in part; the maps are multiplied."),
    )  # fmt: skip
    return NumberCase({"a": a, "b": b}, 100 * float(attention_rollout(layers)[1, 0]), wrong, 0.01, "percent")
