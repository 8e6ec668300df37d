"""Numbers and shapes for the quiz on shapes: each function runs the library on drawn sizes."""

from __future__ import annotations

import numpy as np

from tfx.lab.attention.shape_trace import Traced, random_weights, trace_many_heads
from lessons.quiz import NumberCase, ShapeCase, Wrong
from tfx.ops.attention.scaled_dot_product import attention_forward


def one_head_output(rng: np.random.Generator) -> ShapeCase:
    """The output of a single head with d_v different from d_k."""
    n, d_k, d_v = (int(x) for x in rng.permutation([4, 5, 6, 7, 9])[:3])
    q, k, v = (rng.standard_normal((n, width)) for width in (d_k, d_k, d_v))
    out, cache = attention_forward(q, k, v)
    return ShapeCase(
        values={"n": n, "d_k": d_k, "d_v": d_v},
        answer=out.shape,
        wrong=(
            Wrong((n, d_k), "output as wide as the query", "Values are what is averaged, so their width comes out."),
            Wrong(cache.weights.shape, "weights for output", "T x S are the weights, before they meet V."),
            Wrong((d_k, d_v), "positions contracted", "Positions are kept: one output per query."),
        ),
    )


def weights_of_batch(rng: np.random.Generator) -> ShapeCase:
    """The attention weights of a batch of multi-head self-attention."""
    batch, heads, n, d = (int(x) for x in rng.permutation([2, 3, 4, 5, 6, 7])[:4])
    weights = _run(rng, batch, n, n, heads, d, d).weights
    return ShapeCase(
        values={"batch": batch, "heads": heads, "n": n, "width": heads * d},
        answer=weights.shape,
        wrong=(
            Wrong((batch, n, n), "heads summed", "Every head has a matrix of its own; nothing is summed over heads."),
            Wrong((batch, heads, d, d), "positions contracted", "Q K^T sums over d_k and keeps the positions."),
            Wrong((batch, heads, n, d), "queries for weights", "That is the shape of Q."),
            Wrong(
                (batch * n, batch * n),
                "tokens attend across the batch",
                "Sentences of a batch never look at each other.",
            ),
        ),
    )


def cross_weights(rng: np.random.Generator) -> ShapeCase:
    """The weights of cross-attention."""
    batch, heads, t, s, d = (int(x) for x in rng.permutation([2, 3, 4, 5, 6, 7])[:5])
    traced = _run(rng, batch, t, s, heads, d, d)
    return ShapeCase(
        values={"batch": batch, "heads": heads, "t": t, "s": s, "width": heads * d},
        answer=traced.weights.shape,
        wrong=(
            Wrong((batch, heads, s, t), "keys as rows", "Rows are queries, and queries come from the decoder."),
            Wrong((batch, heads, t, t), "always square", "Square is special to self-attention, where T = S."),
            Wrong(
                (batch, heads, s, s),
                "encoder attends to itself",
                "The queries are the decoder's; the keys are the encoder's.",
            ),
            Wrong((batch, t, s), "heads summed", "Every head has a matrix of its own."),
        ),
    )


def concatenated_width(rng: np.random.Generator) -> NumberCase:
    """The width of the concatenated heads, where d_v is not d_model / H."""
    heads, d = int(rng.choice([2, 4, 8])), int(rng.choice([4, 8]))
    d_v = int(rng.choice([3, 5, 6]))
    traced = _run(rng, 1, 3, 3, heads, d, d_v)
    width = traced.merged.shape[-1]
    return NumberCase(
        values={"heads": heads, "d_v": d_v, "c": heads * d},
        answer=float(width),
        tolerance=0.0,
        wrong=(
            Wrong(
                float(heads * d),
                "concatenation is always d_model",
                "Only when d_v = d_model / H. W_O makes d_model of it.",
            ),
            Wrong(float(d_v), "heads summed", "Heads are put side by side, so their widths add up."),
        ),
    )


def numbers_in_weights(rng: np.random.Generator) -> NumberCase:
    """How many attention weights one layer stores."""
    batch, heads, n = int(rng.choice([2, 3])), int(rng.choice([4, 8])), int(rng.choice([10, 12, 20]))
    weights = _run(rng, batch, n, n, heads, 2, 2).weights
    return NumberCase(
        values={"batch": batch, "heads": heads, "n": n},
        answer=float(weights.size),
        tolerance=0.0,
        wrong=(
            Wrong(float(batch * n * n), "heads summed", "Each head keeps a matrix of its own."),
            Wrong(float(batch * heads * n), "one weight per token", "Every query has a weight for every key."),
            Wrong(float(heads * n * n), "one matrix for the batch", "Each sentence has its own weights."),
        ),
    )


def _run(rng: np.random.Generator, batch: int, t: int, s: int, heads: int, d: int, d_v: int) -> Traced:
    width = heads * d
    x, y = rng.standard_normal((batch, t, width)), rng.standard_normal((batch, s, width))
    return trace_many_heads(x, y, random_weights(rng, width, heads, d_v), heads)
