"""Numbers for the quiz on several heads: each function runs the library on drawn sizes."""

from __future__ import annotations

import numpy as np

from lessons.heads.published import BASE_WIDTH
from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.attention.two_sources import most_with_one_head
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import split_heads
from tfx.ops.attention.scaled_dot_product import attention_forward


@told_apart
def blended(rng: np.random.Generator) -> NumberCase:
    """One head whose two scores differ by log 3, log 4 ...: its average of two facts."""
    a, b = (float(x) for x in rng.choice(np.arange(2, 40), size=2, replace=False))
    share = int(rng.choice([60, 70, 75, 80, 90])) / 100
    scores = np.log([share, 1 - share])
    answer = float(attention_forward(np.ones((1, 1)), scores[:, None], np.array([[a], [b]]), scale=1.0)[0][0, 0])
    return NumberCase(
        {"a": f"{a:g}", "b": f"{b:g}", "first": f"{share:g}", "second": f"{1 - share:.2f}"},
        answer,
        (
            Wrong(a, "softmax picks one key", "The larger weight does not take it all: the other fact adds its part."),
            Wrong((a + b) / 2, "plain mean for weighted mean", "Each fact counts by its weight, not by a half."),
            Wrong((1 - share) * a + share * b, "weights exchanged", "Each weight belongs to the token it looks at."),
        ),
    )


@told_apart
def numbers_in_maps(rng: np.random.Generator) -> NumberCase:
    """Counted on a real layer without offsets."""
    heads, d = int(rng.choice([2, 4, 8])), int(rng.choice([4, 8, 16]))
    width = heads * d
    layer = MultiHeadAttention(width, heads, rng)
    maps = (layer.query, layer.key, layer.value, layer.output)
    answer = float(sum(each.w.value.size for each in maps))
    return NumberCase(
        {"heads": heads, "width": width},
        answer,
        (
            Wrong(
                answer * heads,
                "a full-width map per head",
                "The heads share out the width: each map of a head is C x D.",
            ),
            Wrong(answer * 3 / 4, "output projection left out", "W_O is a fourth C x C matrix."),
            Wrong(
                answer / heads, "maps of one head counted", "Every head has maps of its own; together they fill C x C."
            ),
        ),
        0.0,
    )


def weights_of_two_lengths(rng: np.random.Generator) -> ShapeCase:
    """The weights that a layer returns for queries and keys of different lengths."""
    batch, heads, n_q, n_k, d = (int(x) for x in rng.permutation([2, 3, 4, 5, 6])[:5])
    layer = MultiHeadAttention(heads * d, heads, rng)
    x_q, x_kv = (rng.standard_normal((batch, n, heads * d), dtype=np.float32) for n in (n_q, n_k))
    weights = layer.forward(x_q, x_kv)[1].weights
    return ShapeCase(
        {"batch": batch, "heads": heads, "n_q": n_q, "n_k": n_k, "width": heads * d},
        weights.shape,
        (
            Wrong((batch, n_q, n_k), "heads summed", "Each head has a matrix of its own: the axis of heads stays."),
            Wrong((batch, heads, n_k, n_q), "keys as rows", "Rows are queries, columns are keys."),
            Wrong((batch, heads, n_q, n_q), "always square", "Keys come from the other sequence, with its length."),
            Wrong((batch, heads, n_q, d), "output for weights", "That is what the heads bring home, after V."),
        ),
    )


def after_the_split(rng: np.random.Generator) -> ShapeCase:
    """(B, T, C) cut into heads."""
    batch, heads, n, d = (int(x) for x in rng.permutation([2, 3, 5, 6, 7])[:4])
    x = np.zeros((batch, n, heads * d))
    return ShapeCase(
        {"batch": batch, "heads": heads, "n": n, "width": heads * d},
        split_heads(x, heads).shape,
        (
            Wrong((batch, n, heads, d), "axes not exchanged", "The heads must stand in front of the tokens."),
            Wrong((batch, heads, n, heads * d), "full width in every head", "The heads share out the width."),
            Wrong((batch * heads, n, heads * d), "full width in every head", "The heads share out the width."),
        ),
    )


@told_apart
def rows_mixed_up(rng: np.random.Generator) -> NumberCase:
    """x.reshape(heads, n, d) really run: in how many rows of all heads the first token's numbers stand."""
    heads, d, n = int(rng.choice([2, 4, 8])), int(rng.choice([3, 5, 6])), int(rng.choice([9, 10, 12]))
    x = np.zeros((n, heads * d))
    x[0] = 1
    answer = float(np.count_nonzero(x.reshape(heads, n, d)[0].sum(axis=-1)))
    return NumberCase(
        {"heads": heads, "n": n, "width": heads * d},
        answer,
        (
            Wrong(
                1.0, "reshape swaps axes", "One row a head is what the exchange of axes gives; reshape only recounts."
            ),
            Wrong(float(d), "width of a head for number of heads", "Rows are as wide as a head, so C fills H of them."),
            Wrong(float(n), "every row mixed", "The numbers of the first token stand together, at the very beginning."),
        ),
        0.0,
    )


@told_apart
def most_of_one_head(rng: np.random.Generator) -> NumberCase:
    """The bound for one head and a linear read-out that is right about equal pairs."""
    n = int(rng.choice([3, 4, 5, 8, 10, 16]))
    return NumberCase(
        {"n": n},
        most_with_one_head(n),
        (
            Wrong(
                1 / n**2, "guessing for blending", "A blend still tells much: equal pairs, and one order of the others."
            ),
            Wrong(1.0, "averages can be undone", "a after b and b after a cannot both be read from one weighted sum."),
            Wrong(1 / n, "only equal pairs", "Besides the equal pairs one order of every two tokens can be right."),
        ),
    )


def width_of_a_head(rng: np.random.Generator) -> NumberCase:
    """D = C / H of a real layer."""
    heads, width = int(rng.choice([4, 8, 16, 32])), int(rng.choice([1, 2])) * BASE_WIDTH
    return NumberCase(
        {"heads": heads, "width": width},
        float(MultiHeadAttention(width, heads, rng).d_head),
        (
            Wrong(float(width), "full width in every head", "The width is shared out: C / H."),
            Wrong(float(heads * width), "heads multiply the width", "The heads share the width of the model."),
        ),
        0.0,
    )
