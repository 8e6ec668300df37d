"""Numbers for the quiz on the kinds of attention: each function calls the library on drawn lengths."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.masks import causal_mask, padding_mask


def weights_of_cross(rng: np.random.Generator) -> ShapeCase:
    """One head of cross-attention."""
    t, s = (int(n) for n in rng.choice(np.arange(3, 12), size=2, replace=False))
    layer = MultiHeadAttention(8, 1, rng)
    target, source = (np.zeros((1, n, 8), np.float32) for n in (t, s))
    return ShapeCase(
        {"t": t, "s": s},
        layer.forward(target, source)[1].weights[0, 0].shape,
        (
            Wrong((s, t), "keys as rows", "The target asks, so its words are the rows."),
            Wrong((t, t), "always square", "The keys come from the source, with its length."),
            Wrong((s, s), "encoder attends to itself", "The queries come from the decoder."),
            Wrong((t + s, t + s), "one sequence of both", "Source and target are not joined; one reads the other."),
        ),
    )


@told_apart
def pairs_of_masked(rng: np.random.Generator) -> NumberCase:
    """Ones in a causal mask."""
    t = int(rng.integers(4, 13))
    answer = float(causal_mask(t).sum())
    return NumberCase(
        {"t": t},
        answer,
        (
            Wrong(float(t * t), "no causal mask", "Pairs with a later key are blocked."),
            Wrong(float(t * (t - 1) // 2), "own place blocked", "A word may look at itself: the diagonal stays."),
            Wrong(float(t), "only the diagonal", "A word sees all words before it as well."),
        ),
        0.0,
    )


@told_apart
def pairs_of_cross(rng: np.random.Generator) -> NumberCase:
    """Visible pairs of cross-attention on a source that ends in filling."""
    t, s, pads = int(rng.choice([3, 5, 7])), int(rng.choice([8, 10, 12])), int(rng.choice([2, 4]))
    visible = np.broadcast_to(padding_mask([s - pads], s)[0, 0], (t, s))
    return NumberCase(
        {"t": t, "s": s, "pads": pads},
        float(visible.sum()),
        (
            Wrong(float(t * s), "filling is read", "Filling is hidden as a key, in cross-attention as well."),
            Wrong(
                float((visible & causal_mask(t, s)).sum()),
                "causal mask in cross-attention",
                "The source is complete before the first target word is written.",
            ),
            Wrong(float((s - pads) ** 2), "encoder attends to itself", "The target words ask."),
        ),
        0.0,
    )


@told_apart
def weights_of_all(rng: np.random.Generator) -> NumberCase:
    """Numbers in P of the three attentions of one head each, counted on real calls."""
    s, t = (int(n) for n in rng.choice([4, 5, 6, 8, 10], size=2, replace=False))
    layer = MultiHeadAttention(8, 1, rng)
    source, target = (np.zeros((1, n, 8), np.float32) for n in (s, t))
    calls = ((source, source, None), (target, target, causal_mask(t)), (target, source, None))
    answer = float(sum(layer.forward(*call)[1].weights.size for call in calls))
    return NumberCase(
        {"s": s, "t": t},
        answer,
        (
            Wrong(
                float((s + t) ** 2),
                "one sequence of both",
                "The source never looks at the target: that block is missing.",
            ),
            Wrong(float(s * s + t * t), "cross-attention left out", "T * S weights link the two."),
            Wrong(float(3 * s * t), "all three are T by S", "Self-attention is square: S * S, and T * T."),
        ),
        0.0,
    )
