"""Shapes for the quiz on notation: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward


def different_sizes(rng: np.random.Generator) -> dict[str, int]:
    """T, S, D and Dv, no two alike."""
    return dict(zip(("t", "s", "d", "dv"), map(int, rng.choice(np.arange(2, 9), size=4, replace=False)), strict=True))


@told_apart
def gradient_of_keys(rng: np.random.Generator) -> ShapeCase:
    """dK of a real backward pass."""
    sizes = different_sizes(rng)
    t, s, d, dv = sizes.values()
    out, cache = attention_forward(np.ones((t, d)), np.ones((s, d)), np.ones((s, dv)))
    _, dk, _ = attention_backward(out, cache)
    return ShapeCase(
        sizes,
        dk.shape,
        (
            Wrong((t, d), "queries for keys", "That is dQ. There are S keys."),
            Wrong((t, s), "gradient of the scores for that of the keys", "That is dscores, from which dK is made."),
            Wrong((d, s), "gradient transposed", "A gradient has the shape of what it belongs to."),
        ),
    )


@told_apart
def output_of_a_head(rng: np.random.Generator) -> ShapeCase:
    """O of a real forward pass."""
    sizes = different_sizes(rng)
    t, s, d, dv = sizes.values()
    out, _ = attention_forward(np.ones((t, d)), np.ones((s, d)), np.ones((s, dv)))
    return ShapeCase(
        sizes,
        out.shape,
        (
            Wrong((t, d), "output as wide as a query", "What is averaged are the values, so it has their width."),
            Wrong((s, dv), "one output per key", "There is one output for each query."),
            Wrong((t, s), "weights for output", "That is P. O = P V."),
        ),
    )
