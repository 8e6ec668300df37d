"""Numbers for the quiz on cross-attention: each function runs the library on drawn numbers."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.models import EncoderDecoder
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.scaled_dot_product import attention_forward


def output_shape(rng: np.random.Generator) -> ShapeCase:
    """The output of cross-attention."""
    t, s = (int(n) for n in rng.choice(np.arange(3, 12), size=2, replace=False))
    width = int(rng.choice([16, 24, 32]))
    target, source = (np.zeros((1, n, width), np.float32) for n in (t, s))
    return ShapeCase(
        {"t": t, "s": s, "width": width},
        MultiHeadAttention(width, 4, rng).forward(target, source)[0][0].shape,
        (
            Wrong((s, width), "output follows the keys", "Each query gets one answer, however many keys there are."),
            Wrong((t, s), "weights for output", "T x S are the weights, before they meet the values."),
            Wrong((t + s, width), "one sequence of both", "The source is read, not appended."),
        ),
    )


@told_apart
def brought_home(rng: np.random.Generator) -> NumberCase:
    """One target word, two source words, D = 1."""
    a, b = (float(x) for x in rng.choice(np.arange(2, 40), size=2, replace=False))
    query, key = float(rng.choice([1, 2])), float(rng.choice([0.5, 1, 1.5]))
    q, k, v = np.array([[query]]), np.array([[key], [0.0]]), np.array([[a], [b]])
    return NumberCase(
        {"query": f"{query:g}", "key": f"{key:g}", "a": f"{a:g}", "b": f"{b:g}"},
        float(attention_forward(q, k, v)[0][0, 0]),
        (
            Wrong(
                (a + b) / 2,
                "plain mean for weighted mean",
                "The first score is larger, so the first value counts more.",
            ),
            Wrong(a, "softmax picks one key", "The other source word keeps a part of the weight."),
            Wrong(query * key * a, "scores for weights", "Softmax comes between the scores and the values."),
        ),
    )


@told_apart
def numbers_kept(rng: np.random.Generator) -> NumberCase:
    """Keys and values of the source that the decoder keeps, counted on a real model."""
    layers, s, width = int(rng.choice([2, 3])), int(rng.choice([4, 5, 6])), int(rng.choice([8, 16]))
    model = EncoderDecoder(9, width, n_heads=2, d_ff=8, n_layers=layers, max_len=8)
    _, cache = model.forward(np.zeros((1, s), int), np.zeros((1, 3), int))
    present = [block.cross_attention.present for block in cache.blocks]
    answer = float(sum(each.k.size + each.v.size for each in present))
    return NumberCase(
        {"layers": layers, "s": s, "width": width},
        answer,
        (
            Wrong(answer / layers, "one set for all layers", "Every decoder layer has its own W_K and W_V."),
            Wrong(answer / 2, "keys without values", "Keys and values are kept."),
            Wrong(answer * 3 / s, "target for source", "Keys and values are made of the source words."),
        ),
        0.0,
    )


@told_apart
def readable(rng: np.random.Generator) -> NumberCase:
    """Numbers in the encoder's output that the decoder can read."""
    s, width = int(rng.choice([5, 6, 7])), int(rng.choice([8, 16]))
    model = EncoderDecoder(9, width, n_heads=2, d_ff=8, n_layers=1, max_len=8)
    answer = float(model.encode(np.zeros((1, s), int))[0].size)
    return NumberCase(
        {"s": s, "width": width},
        answer,
        (
            Wrong(float(width), "fixed vector in a Transformer", "The decoder reads a vector for every source word."),
            Wrong(float(s * s), "weights for vectors", "That is the size of the encoder's own weights."),
            Wrong(float(s), "one number per word", "Every word has a vector."),
        ),
        0.0,
    )
