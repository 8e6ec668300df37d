"""Numbers for the quiz on causal masks: each function counts on masks of the library."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask


@told_apart
def visible(rng: np.random.Generator) -> NumberCase:
    """Ones in a causal mask."""
    n = int(rng.integers(5, 30))
    answer = float(causal_mask(n).sum())
    return NumberCase(
        {"n": n},
        answer,
        (
            Wrong(float(n * n - answer), "own place blocked", "The diagonal stays visible: a place sees itself."),
            Wrong(float(n * n), "no causal mask", "Keys later than the query are blocked."),
            Wrong(n * n / 2, "half of the square", "The diagonal is not halved: it belongs to the visible pairs."),
        ),
        0.0,
    )


@told_apart
def moved_outputs(rng: np.random.Generator) -> NumberCase:
    """How many places may change when one word does: those that see it."""
    n, place = int(rng.integers(6, 13)), int(rng.integers(2, 6))
    return NumberCase(
        {"n": n, "place": place},
        float(causal_mask(n)[:, place - 1].sum()),
        (
            Wrong(float(n), "no causal mask", "Places before the changed word do not see it."),
            Wrong(float(place), "past for future", "It is later places that see it, and itself."),
            Wrong(float(n - place), "own place blocked", "The place of the changed word sees it as well."),
        ),
        0.0,
    )


@told_apart
def even_weight(rng: np.random.Generator) -> NumberCase:
    """Equal scores under a causal mask."""
    n, row = int(rng.integers(6, 11)), int(rng.integers(2, 6))
    mask = causal_mask(n)
    weights = attend_forward(np.zeros((n, n)), np.eye(n), mask)[1].weights
    return NumberCase(
        {"n": n, "row": row},
        float(weights[row - 1, 0]),
        (
            Wrong(1 / n, "no causal mask", "Blocked keys have no share: the row is divided by what it sees."),
            Wrong(1 / (row - 1) if row > 2 else 0.0, "own place blocked", "A place sees itself as well."),
            Wrong(1.0, "softmax picks one key", "Equal scores give equal weights."),
        ),
    )


def mask_of_batch(rng: np.random.Generator) -> ShapeCase:
    """Causal and padding masks joined for a batch."""
    batch, n, heads = (int(x) for x in rng.permutation([2, 3, 5, 6, 7])[:3])
    both = combine_masks(causal_mask(n)[None, None], padding_mask([n - 1] * batch, n))
    assert both is not None
    return ShapeCase(
        {"batch": batch, "n": n, "heads": heads},
        both.shape,
        (
            Wrong((batch, heads, n, n), "mask for each head", "It is the same for all heads: an axis of 1 is enough."),
            Wrong((n, n), "one mask for the batch", "The filling differs from sentence to sentence."),
            Wrong((batch, 1, 1, n), "padding mask alone", "The triangle brings an axis of queries."),
        ),
    )


@told_apart
def pairs_of_both(rng: np.random.Generator) -> NumberCase:
    """What a strict mask, j < i, leaves: the off-by-one bug, really run."""
    n = int(rng.integers(5, 12))
    wrong = causal_mask(n) & ~np.eye(n, dtype=bool)
    return NumberCase(
        {"n": n},
        float((~wrong.any(axis=-1)).sum() + wrong.sum()),
        (
            Wrong(
                float(wrong.sum()),
                "empty rows forgotten",
                "One row, the first, sees nothing, and it was asked to be counted.",
            ),
            Wrong(float(causal_mask(n).sum()), "diagonal kept", "j < i blocks a place for itself."),
            Wrong(float(n * n), "no causal mask", "Later keys are blocked."),
        ),
        0.0,
    )
