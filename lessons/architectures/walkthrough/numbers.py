"""Numbers for the quiz on encoding and decoding: each function runs a small translator of drawn sizes."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.models import EncoderDecoder


def _translator(c: int = 8) -> EncoderDecoder:
    return EncoderDecoder(20, c, n_heads=1, d_ff=8, n_layers=1, max_len=16)


@told_apart
def memory_shape(rng: np.random.Generator) -> ShapeCase:
    """The encoder's output."""
    s, t = (int(x) for x in rng.choice(np.arange(3, 12), size=2, replace=False))
    c = int(rng.choice([16, 24, 32]))
    memory = _translator(c).encode(np.zeros((1, s), int))[0][0]
    return ShapeCase(
        {"s": s, "t": t, "c": c},
        memory.shape,
        (
            Wrong((1, c), "fixed vector in a Transformer", "There is no summary: each source token keeps a row."),
            Wrong((t, c), "target rows in the encoder", "The encoder sees the source alone."),
            Wrong((s, s), "attention for output", "That is the shape of a map of weights."),
        ),
    )


@told_apart
def numbers_of_maps(rng: np.random.Generator) -> NumberCase:
    """Weights of the three maps of one head."""
    s, t = (int(x) for x in rng.choice(np.arange(3, 12), size=2, replace=False))
    _, cache = _translator().forward(np.zeros((1, s), int), np.zeros((1, t), int))
    found = (cache.source.stack.blocks[0].weights, cache.blocks[0].weights, cache.blocks[0].cross_weights)
    return NumberCase(
        {"s": s, "t": t},
        float(sum(w.size for w in found)),
        (
            Wrong(float(s * s + t * t), "cross-attention forgotten", "The map of T x S links the two."),
            Wrong(float((s + t) ** 2), "one sequence of both", "The encoder never reads the target."),
            Wrong(float(s * s + 2 * t * t), "always square", "In cross-attention the columns are source tokens."),
        ),
        0.0,
    )


@told_apart
def rows_run(rng: np.random.Generator) -> NumberCase:
    """Rows through the decoder when nothing is stored."""
    t = int(rng.integers(4, 12))
    model = _translator()
    memory, source = model.encode(np.zeros((1, 3), int))
    rows = sum(model.decode(np.zeros((1, n), int), memory, source)[0].shape[1] for n in range(1, t + 1))
    return NumberCase(
        {"t": t},
        float(rows),
        (
            Wrong(float(t), "stored keys assumed", "Without stored keys and values the whole prefix runs again."),
            Wrong(float(t * t), "full length at each step", "The decoder reads the tokens so far, not all."),
            Wrong(float(t * (t - 1) // 2), "start mark forgotten", "The start mark alone runs through at first."),
        ),
        0.0,
    )
