"""Numbers for the quiz on padding: each function fills up drawn lengths."""

from __future__ import annotations

import numpy as np

from lessons.masks.padding.lesson import wasted
from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import padding_mask
from tfx.ops.losses.cross_entropy import cross_entropy_forward


@told_apart
def share_of_filling(rng: np.random.Generator) -> NumberCase:
    """Three sentences in one batch."""
    lengths = [int(n) for n in rng.choice(np.arange(2, 12), size=3, replace=False)]
    longest = max(lengths)
    return NumberCase(
        {"lengths": ", ".join(map(str, lengths))},
        wasted(lengths, 3),
        (
            Wrong(1 - wasted(lengths, 3), "real share for filling", "That is the share of real tokens."),
            Wrong(
                (3 * longest - sum(lengths)) / sum(lengths),
                "filling over real tokens",
                "The whole is all places of the array.",
            ),
            Wrong(
                (longest - min(lengths)) / longest,
                "only the shortest counted",
                "Every sentence but the longest is filled up.",
            ),
        ),
    )


def shape_of_mask(rng: np.random.Generator) -> ShapeCase:
    """The padding mask of a batch."""
    batch, heads, n = (int(x) for x in rng.permutation([2, 3, 4, 5, 6, 7])[:3])
    mask = padding_mask([n] * (batch - 1) + [n - 1], n)
    return ShapeCase(
        {"batch": batch, "heads": heads, "n": n},
        mask.shape,
        (
            Wrong((batch, heads, n, n), "mask for each head and query", "Axes of 1 are stretched: keys alone matter."),
            Wrong((batch, 1, n, 1), "queries for keys", "It hides keys, which are the last axis."),
            Wrong((1, 1, 1, n), "one mask for the batch", "Every sentence has a length of its own."),
        ),
    )


@told_apart
def even_weight(rng: np.random.Generator) -> NumberCase:
    """Equal scores in a row that ends in filling."""
    n, pads = int(rng.integers(6, 13)), int(rng.choice([2, 3, 4]))
    mask = padding_mask([n - pads], n)[0, 0]
    return NumberCase(
        {"n": n, "pads": pads},
        float(attend_forward(np.zeros((1, n)), np.eye(n), mask)[1].weights[0, 0]),
        (
            Wrong(1 / n, "filling is read", "Filled keys get -inf, and no share."),
            Wrong(1 / pads, "filling for real tokens", "The real words share the weight."),
            Wrong(0.0, "real words hidden", "The mask hides filling, not the words."),
        ),
    )


@told_apart
def loss_over_words(rng: np.random.Generator) -> NumberCase:
    """Two real words and filling: the mean over real words."""
    p, q, easy = (float(x) for x in rng.choice([0.2, 0.25, 0.4, 0.5, 0.6, 0.8], size=3, replace=False))
    pads = int(rng.choice([2, 3]))
    probabilities = np.array([p, q] + [easy] * pads)
    logits, targets = np.log(np.stack([probabilities, 1 - probabilities], axis=-1)), np.zeros(2 + pads, int)
    keep = np.arange(2 + pads) < 2
    kept, every = (float(cross_entropy_forward(logits, targets, keep=k)[0]) for k in (keep, None))
    return NumberCase(
        {"p": f"{p:g}", "q": f"{q:g}", "easy": f"{easy:g}", "pads": pads},
        kept,
        (
            Wrong(every, "filling in the loss", "Places of filling must not count."),
            Wrong(
                2 * kept / (2 + pads), "real sum over all places", "The sum over real words is divided by their number."
            ),
            Wrong(2 * kept, "sum for mean", "The mean was asked for."),
        ),
        0.02,
    )


@told_apart
def places_sorted(rng: np.random.Generator) -> NumberCase:
    """Places of the arrays when six sentences are sorted and go in twos."""
    lengths = [int(n) for n in rng.choice(np.arange(2, 20), size=6, replace=False)]
    total = sum(lengths)
    return NumberCase(
        {"lengths": ", ".join(map(str, lengths))},
        float(round(total / (1 - wasted(sorted(lengths), 2)))),
        (
            Wrong(
                float(round(total / (1 - wasted(lengths, 2)))),
                "not sorted",
                "Sort them first, then take two at a time.",
            ),
            Wrong(float(total), "no filling", "The shorter one of each batch is filled up."),
            Wrong(
                float(6 * max(lengths)),
                "one width for all batches",
                "Each batch is as wide as its own longest sentence.",
            ),
        ),
        0.0,
    )


def rows_of_output(rng: np.random.Generator) -> ShapeCase:
    """Filling asks as well: the output of a batch."""
    batch, n, width = int(rng.choice([2, 3])), int(rng.choice([5, 6, 7])), int(rng.choice([8, 16]))
    x = np.zeros((batch, n, width), np.float32)
    lengths = [n] + [n - 2] * (batch - 1)
    out, _ = MultiHeadAttention(width, 2, rng).forward(x, x, padding_mask(lengths, n))
    return ShapeCase(
        {"batch": batch, "n": n, "width": width, "short": n - 2},
        out.shape,
        (
            Wrong(
                (sum(lengths), width),
                "filling drops out of the output",
                "An array has one width; rows of filling come out, too.",
            ),
            Wrong((batch, n - 2, width), "cut to the shortest", "Nothing is cut; the long sentence needs its places."),
            Wrong((batch, n, n), "weights for output", "Those are the weights of one head."),
        ),
    )
