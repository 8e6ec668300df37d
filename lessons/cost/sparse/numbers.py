"""Numbers for the quiz on sparse patterns: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.big_bird import big_bird_mask
from tfx.efficient.longformer import longformer_mask
from tfx.efficient.sparse_transformer import sparse_transformer_mask
from tfx.measure.reach import layers_until_all


@told_apart
def layers_of_windows(rng: np.random.Generator) -> NumberCase:
    """Layers of windows until the ends of a text have news of each other."""
    t, w = int(rng.integers(30, 130)), int(rng.choice([3, 4, 5, 6, 8]))
    wrong = (
        Wrong(float(math.ceil((t - 1) / (2 * w + 1))), "both sides for one", "A layer carries news by one side of the window."),
        Wrong(float(t - 1), "one place a layer", "A layer carries news across the window's side, not one place."),
        Wrong(2.0, "global token assumed", "Two layers are enough with a global token, which is not there."),
        Wrong(1.0, "full attention assumed", "The ends lie farther apart than the window reaches."),
    )  # fmt: skip
    return NumberCase({"t": t, "w": w}, float(layers_until_all(longformer_mask(t, window=w))), wrong, 0.0)


@told_apart
def pairs_with_global(rng: np.random.Generator) -> NumberCase:
    """Pairs of a window of 1 with the first token global."""
    t = int(rng.integers(10, 60))
    answer = int(longformer_mask(t, window=1, global_places=(0,)).sum())
    wrong = (
        Wrong(float(3 * t - 2), "global token forgotten", "Token 1 reads all others, and all others read it."),
        Wrong(float(3 * t - 2 + t - 2), "global one way", "It reads and is read: a row and a column."),
        Wrong(float(3 * t - 2 + 2 * t - 1), "pairs counted twice", "Its own pair and its neighbour's are in the window already."),
        Wrong(float(t * t), "all pairs", "Other far tokens do not read each other."),
    )  # fmt: skip
    return NumberCase({"t": t}, float(answer), wrong, 0.0)


@told_apart
def strided_keys(rng: np.random.Generator) -> NumberCase:
    """Keys of the last token under the strided pattern, both parts."""
    stride = int(rng.choice([8, 10, 12, 16, 20]))
    t = stride * int(rng.integers(6, 14))
    answer = int(sparse_transformer_mask(t, stride=stride)[-1].sum())
    wrong = (
        Wrong(float(stride + 1), "distant part forgotten", "It also reads each place a whole number of strides back."),
        Wrong(float(t // stride), "local part forgotten", "It also reads the places just before it."),
        Wrong(float(stride + 1 + t // stride), "places counted twice", "Itself and the place one stride back are in both parts."),
        Wrong(float(t), "full attention", "Most earlier places are left out."),
    )  # fmt: skip
    return NumberCase({"stride": stride, "t": t}, float(answer), wrong, 0.0)


@told_apart
def big_bird_keys(rng: np.random.Generator) -> NumberCase:
    """Keys of a query in the middle of a long text."""
    b, g, r = int(rng.choice([8, 16, 32, 64])), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    if g == r:
        r += 1
    answer = int(big_bird_mask(24 * b, block=b, n_global=g, n_random=r)[12 * b].sum())
    wrong = (
        Wrong(float(3 + g + r), "blocks for tokens", "Each block holds several keys."),
        Wrong(float((3 + g) * b), "random blocks forgotten", "Random blocks are read as well."),
        Wrong(float((3 + r) * b), "global blocks forgotten", "All tokens read the global blocks."),
        Wrong(float((2 + g + r) * b), "own block forgotten", "The window holds the query's own block, too."),
    )
    return NumberCase({"b": b, "g": g, "r": r, "blocks": 24}, float(answer), wrong, 0.0)
