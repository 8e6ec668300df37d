"""Numbers for the quiz on the number of heads: each function counts on real layers and matrices."""

from __future__ import annotations

import numpy as np

from lessons.heads.published import BASE_WIDTH, BLEU
from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import split_heads


@told_apart
def other_number_of_heads(rng: np.random.Generator) -> NumberCase:
    """Parameters of two real layers that differ in the number of heads alone."""
    few, times, d = int(rng.choice([1, 2])), int(rng.choice([2, 4, 8])), int(rng.choice([2, 4, 6]))
    many = few * times
    width = d * many
    first, second = (MultiHeadAttention(width, h, rng).n_parameters for h in (few, many))
    return NumberCase(
        {"few": few, "many": many, "width": width, "first": first},
        float(second),
        (
            Wrong(
                float(first * times), "heads add parameters", "The heads share out the width: each map gets narrower."
            ),
            Wrong(
                first / times, "narrower heads shrink the layer", "Each head is narrower, but there are more of them."
            ),
        ),
        0.0,
    )


@told_apart
def stored_weights(rng: np.random.Generator) -> NumberCase:
    """Numbers in P of a real forward pass."""
    heads, tokens, width = int(rng.choice([2, 4, 8])), int(rng.choice([6, 10, 12])), 16
    _, cache = MultiHeadAttention(width, heads, rng).forward(np.zeros((1, tokens, width), np.float32))
    answer = float(cache.weights.size)
    return NumberCase(
        {"heads": heads, "tokens": tokens, "width": width},
        answer,
        (
            Wrong(answer / heads, "heads summed", "Each head has a matrix of weights of its own."),
            Wrong(float(tokens * width), "output for weights", "That is the size of the output; P has no width in it."),
            Wrong(answer * width // heads, "weights for each coordinate", "A weight belongs to a pair of tokens."),
        ),
        0.0,
    )


@told_apart
def rank_of_scores(rng: np.random.Generator) -> NumberCase:
    """The rank of Q K^T of one head, found on random queries and keys."""
    width, heads = int(rng.choice([32, 48, 64])), int(rng.choice([4, 8, 16]))
    tokens = int(rng.choice([20, 24, 30]))
    q, k = rng.standard_normal((2, tokens, width))
    answer = float(np.linalg.matrix_rank(split_heads(q, heads)[0] @ split_heads(k, heads)[0].T))
    return NumberCase(
        {"width": width, "heads": heads, "tokens": tokens},
        answer,
        (
            Wrong(
                float(tokens),
                "full rank of a square matrix",
                "The scores go through D numbers: their rank is at most D.",
            ),
            Wrong(float(width), "full width in every head", "A head sees its own C / H coordinates alone."),
            Wrong(float(heads), "rank counts heads", "The rank is about the width of one head."),
        ),
        0.0,
    )


@told_apart
def numbers_of_one_head(rng: np.random.Generator) -> NumberCase:
    """What one head owns of four real maps."""
    heads, d = int(rng.choice([4, 8, 16])), int(rng.choice([2, 4, 8]))
    width = heads * d
    layer = MultiHeadAttention(width, heads, rng)
    rows = layer.output.w.value.reshape(heads, d, width)[0]
    columns = [split_heads(part.w.value, heads)[0] for part in (layer.query, layer.key, layer.value)]
    answer = float(rows.size + sum(column.size for column in columns))
    return NumberCase(
        {"heads": heads, "width": width},
        answer,
        (
            Wrong(answer * heads, "a full-width map per head", "That is the whole layer; its heads share it."),
            Wrong(answer * 3 / 4, "output projection left out", "D rows of W_O belong to the head as well."),
            Wrong(float(4 * d * d), "maps from head width to head width", "A head reads all C numbers of a token."),
        ),
        0.0,
    )


@told_apart
def bleu_of_one(rng: np.random.Generator) -> NumberCase:
    """How far a number of heads is below the best, in the table of 2017."""
    best = max(BLEU.values())
    heads = int(rng.choice([h for h, bleu in BLEU.items() if bleu < best]))
    listed = ", ".join(f"{bleu} with {h}" for h, bleu in BLEU.items())
    return NumberCase(
        {"heads": heads, "listed": listed, "width": BASE_WIDTH},
        best - BLEU[heads],
        (
            Wrong(best - BLEU[8] - 0.5, "eight heads are the worst", "Eight heads are among the best here."),
            Wrong(best, "score for difference", "That is the best score itself; asked is how far below it."),
            Wrong(5.0, "few heads ruin a model", "The whole table spans less than one point of BLEU."),
        ),
        0.03,
    )


@told_apart
def first_choice(rng: np.random.Generator) -> NumberCase:
    """The key of a head of width 1 that gets the largest score."""
    keys = rng.choice(np.arange(-9, 10), size=5, replace=False).astype(float)
    query = float(rng.choice([-4, -3, -2, 2, 3, 4]))
    by_score = {float(k): float(s) for k, s in zip(keys, query * keys, strict=True)}
    closest = min(by_score, key=lambda k: (abs(k - query), k))
    return NumberCase(
        {"keys": ", ".join(f"{k:g}" for k in keys), "query": f"{query:g}"},
        max(by_score, key=lambda k: by_score[k]),
        (
            Wrong(
                min(by_score, key=lambda k: by_score[k]),
                "sign of the query left out",
                "The sign of the query turns the order of the keys around.",
            ),
            Wrong(closest, "nearest key wins", "A dot product does not ask who is near, but whose product is largest."),
        ),
        0.0,
    )
