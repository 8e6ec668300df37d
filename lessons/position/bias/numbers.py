"""Numbers for the quiz on attention biases: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask, window_mask
from tfx.ops.positions.alibi import alibi_bias
from tfx.ops.positions.grid_offsets import every_grid_offset


@told_apart
def weight_by_bias(rng: np.random.Generator) -> NumberCase:
    """The weight of the first of three keys with equal scores."""
    bias = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], size=3, replace=False)
    answer = float(attend_forward(bias[None], np.eye(3))[0][0, 0])
    wrong = (
        Wrong(1 / 3, "a bias after softmax", "The bias is added before softmax, and changes the weights."),
        Wrong(math.exp(bias[0]), "not normalised", "The weights of a row sum to 1: divide by the sum over the three."),
        Wrong(1 / 3 + float(bias[0]), "added to the weight", "It is added to the score; on the weight it is a factor."),
    )  # fmt: skip
    return NumberCase({f"b{i}": f"{b:g}" for i, b in enumerate(bias, start=1)}, answer, wrong, 0.02)


@told_apart
def read_by(rng: np.random.Generator) -> NumberCase:
    """How many tokens read a place under a causal mask."""
    tokens = int(rng.integers(8, 40))
    place = int(rng.integers(2, tokens - 1))
    wrong = (
        Wrong(float(place), "readers for what is read", "So many it reads; it is read by itself and what comes after."),
        Wrong(float(tokens - place), "a token does not read itself", "A token reads itself, too."),
        Wrong(float(tokens), "no mask", "Tokens before it may not read it."),
    )  # fmt: skip
    answer = float(causal_mask(tokens)[:, place - 1].sum())
    return NumberCase({"tokens": tokens, "place": place}, answer, wrong, 0.0)


@told_apart
def received(rng: np.random.Generator) -> NumberCase:
    """The weight that a place receives under a causal mask with equal scores."""
    tokens, place = int(rng.integers(4, 8)), int(rng.integers(1, 4))
    weights = attend_forward(np.zeros((tokens, tokens)), np.eye(tokens), causal_mask(tokens))[0]
    answer = float(weights[:, place - 1].sum())
    wrong = (
        Wrong(1.0, "columns sum to 1", "Rows sum to 1, columns need not: who is read by more receives more."),
        Wrong(float(tokens - place + 1), "a count for a weight", "Each reader shares its weight among all that it reads."),
        Wrong((tokens - place + 1) / tokens, "a share of all tokens", "A reader at place n gives 1/n, not 1/T."),
    )  # fmt: skip
    return NumberCase({"tokens": tokens, "place": place}, answer, wrong, 0.02)


def swin(rng: np.random.Generator) -> NumberCase:
    """Different offsets in a window of patches."""
    side, heads = int(rng.choice([4, 5, 6, 7, 8])), int(rng.choice([3, 4, 6]))
    answer = float(len(every_grid_offset(side, side)) * heads)
    wrong = (
        Wrong(float(side**4 * heads), "a number for every pair", "Pairs with the same offset share one number."),
        Wrong(float(side**2 * heads), "a number for every patch", "It belongs to offsets, and those go both ways."),
        Wrong(float((2 * side - 1) * heads), "one axis only", "An offset has two parts, rows and columns."),
    )  # fmt: skip
    return NumberCase({"side": side, "heads": heads}, answer, wrong, 0.0)


@told_apart
def keys_in_window(rng: np.random.Generator) -> NumberCase:
    """Keys of a query that a window and a causal mask let through together."""
    tokens, window = int(rng.integers(20, 60)), int(rng.integers(3, 9))
    place = int(rng.integers(window + 2, tokens - window))
    allowed = window_mask(tokens, left=window, right=window) & causal_mask(tokens)
    wrong = (
        Wrong(float(2 * window + 1), "the mask forgotten", "The causal mask blocks the keys after the query."),
        Wrong(float(window), "a token does not read itself", "Offset 0 is allowed by both."),
        Wrong(float(place), "the window forgotten", "The window blocks what is farther back."),
    )  # fmt: skip
    values = {"tokens": tokens, "window": window, "place": place}
    return NumberCase(values, float(allowed[place - 1].sum()), wrong, 0.0)


def bias_shape(rng: np.random.Generator) -> ShapeCase:
    """The shape of ALiBi's bias for queries behind stored keys."""
    heads, past, queries = int(rng.choice([4, 8, 16])), int(rng.integers(5, 30)), int(rng.integers(2, 5))
    bias = alibi_bias(heads, queries, past=past, causal=True)
    wrong = (
        Wrong((heads, past + queries, past + queries), "queries for keys", "Only the new tokens ask; the stored ones are keys."),
        Wrong((heads, queries, queries), "stored keys forgotten", "The new queries read the stored keys as well."),
        Wrong((queries, past + queries), "one head", "Each head has its own slope, and so its own bias."),
    )  # fmt: skip
    return ShapeCase({"heads": heads, "past": past, "queries": queries}, bias.shape, wrong)
