"""Numbers for the quiz on W_O: each function runs the library on drawn numbers."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import merge_heads
from tfx.ops.basics.linear import linear_forward


@told_apart
def weighed(rng: np.random.Generator) -> NumberCase:
    """One output coordinate of two heads of width 1."""
    first, second = (float(x) for x in rng.choice(np.arange(2, 30), size=2, replace=False))
    w = rng.choice([-2, -1, 0.5, 1.5, 2, 3], size=2, replace=False)
    answer = float(linear_forward(np.array([[first, second]]), w[:, None])[0][0, 0])
    return NumberCase(
        {"first": f"{first:g}", "second": f"{second:g}", "w1": f"{w[0]:g}", "w2": f"{w[1]:g}"},
        answer,
        (
            Wrong(first + second, "heads added up", "Each head goes through its own row of W_O before it is added."),
            Wrong(float(first * w[1] + second * w[0]), "rows of another head", "Row 1 of W_O belongs to head 1."),
            Wrong(answer / 2, "mean over the heads", "W_O adds the shares; nothing divides by the number of heads."),
        ),
    )


def shape_of_w_o(rng: np.random.Generator) -> ShapeCase:
    """W_O where the values have a width of their own."""
    heads, d_v, width = int(rng.choice([2, 4, 8])), int(rng.choice([3, 5, 10])), int(rng.choice([32, 64]))
    merged = merge_heads(np.zeros((heads, 7, d_v)))
    w_o = np.zeros((merged.shape[-1], width))
    assert linear_forward(merged, w_o)[0].shape == (7, width)
    return ShapeCase(
        {"heads": heads, "d_v": d_v, "width": width},
        w_o.shape,
        (
            Wrong((width, width), "W_O is always square", "It is square only where H * Dv = C."),
            Wrong((d_v, width), "one block for all heads", "Each head has rows of its own."),
            Wrong((width, heads * d_v), "map written the other way", "Here rows come in and columns come out: x W_O."),
        ),
    )


@told_apart
def reached_without(rng: np.random.Generator) -> NumberCase:
    """Counted: numbers of the concatenated row that move with one head."""
    heads, d = int(rng.choice([3, 4, 6, 8])), int(rng.choice([5, 7, 16]))
    before, after = np.zeros((heads, 1, d)), np.zeros((heads, 1, d))
    after[1] = 1
    answer = float(np.count_nonzero(merge_heads(after) != merge_heads(before)))
    return NumberCase(
        {"heads": heads, "d": d, "width": heads * d},
        answer,
        (
            Wrong(
                float(heads * d), "concatenation mixes", "To write side by side mixes nothing: that is what W_O does."
            ),
            Wrong(1.0, "one slot for a head", "A head brings home Dv numbers, and they all move."),
            Wrong(float(heads), "one number for each head", "The numbers of one head stand together in its slice."),
        ),
        0.0,
    )


@told_apart
def share_of_parameters(rng: np.random.Generator) -> NumberCase:
    """W_O among the four maps of a real layer, without offsets."""
    heads, d = int(rng.choice([2, 3, 4, 5])), int(rng.choice([4, 6, 8]))
    layer = MultiHeadAttention(heads * d, heads, rng)
    sizes = [part.w.value.size for part in (layer.query, layer.key, layer.value, layer.output)]
    answer = float(sizes[-1])
    return NumberCase(
        {"width": heads * d, "heads": heads},
        answer,
        (
            Wrong(float(sum(sizes)), "all four maps counted", "That is W_Q, W_K, W_V and W_O together."),
            Wrong(answer / heads, "rows of one head counted", "Every head has D rows; all H * D rows belong to W_O."),
            Wrong(answer * heads, "a full map for each head", "The heads share W_O: D rows each."),
        ),
        0.0,
    )


@told_apart
def rank_of_both(rng: np.random.Generator) -> NumberCase:
    """The rank of W_V W_O of one head, found on random maps."""
    width, d = int(rng.choice([24, 32, 48])), int(rng.choice([2, 3, 4, 6]))
    answer = float(np.linalg.matrix_rank(rng.standard_normal((width, d)) @ rng.standard_normal((d, width))))
    return NumberCase(
        {"width": width, "d": d},
        answer,
        (
            Wrong(float(width), "full rank of a square matrix", "The product goes through Dv numbers."),
            Wrong(float(2 * d), "ranks of factors added", "A product has at most the smaller rank of its factors."),
            Wrong(width / d, "rank counts heads", "That is the number of heads that share this width."),
        ),
        0.0,
    )
