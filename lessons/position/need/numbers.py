"""Numbers for the quiz on why position must be added: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.linear import Linear
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.positions.positions import add_positions_forward, concat_positions_forward


@told_apart
def read_off(rng: np.random.Generator) -> NumberCase:
    """What a token averages under a causal mask when the first alone carries something."""
    tokens, mark = int(rng.integers(6, 13)), float(rng.integers(3, 30))
    place = int(rng.integers(3, tokens))
    v = np.zeros((tokens, 1))
    v[0] = mark
    average, _ = attend_forward(np.zeros((tokens, tokens)), v, causal_mask(tokens))
    wrong = (
        Wrong(mark / tokens, "all tokens for earlier tokens", "Under the mask a token reads itself and what came before, not all."),
        Wrong(mark / (place - 1), "a token does not read itself", "A token reads itself as well, so there are as many as its place says."),
        Wrong(mark, "a sum for an average", "The weights of a row sum to 1: it is shared among all that are read."),
    )  # fmt: skip
    return NumberCase({"tokens": tokens, "mark": f"{mark:g}", "place": place}, float(average[place - 1, 0]), wrong)


@told_apart
def other_order(rng: np.random.Generator) -> NumberCase:
    """The outputs of real attention on three tokens, and once more on the tokens in another order."""
    x, maps = rng.standard_normal((3, 4)), rng.standard_normal((3, 4, 1))
    order = rng.permutation(3)
    before = self_attention_forward(x, *maps)[0][:, 0]
    after = self_attention_forward(x[order], *maps)[0][:, 0]
    shown = [float(f"{value:.2f}") for value in before]
    place = int(rng.integers(3))
    wrong = tuple(
        Wrong(value, name, why)
        for value, name, why in (
            (shown[place], "invariance for equivariance", "That is the output of the token that stood there before: outputs move with their tokens."),
            (float(np.mean(shown)), "pooling for moving", "Nothing is averaged over the outputs: each token has its own."),
        )
    )  # fmt: skip
    names = "abc"
    values = {f"o{i + 1}": f"{value:.2f}" for i, value in enumerate(shown)}
    values |= {"order": " ".join(names[i] for i in order), "place": ("first", "second", "third")[place]}
    return NumberCase(values, float(f"{after[place]:.2f}"), wrong)


def back_to_width(rng: np.random.Generator) -> NumberCase:
    """Weights of a real map that takes joined positions back."""
    width, features = int(rng.choice([64, 128, 256, 512])), int(rng.choice([8, 16, 24, 40]))
    joined, _ = concat_positions_forward(np.zeros((1, width)), np.zeros((1, features)))
    answer = float(Linear(joined.shape[-1], width, rng, bias=False).w.value.size)
    wrong = (
        Wrong(float(width * width), "the old width only", "The map reads the position, too: it has a row for each of its numbers."),
        Wrong(float(features * width), "the position only", "The map reads the token as well: its rows count, too."),
        Wrong(float((width + features) ** 2), "a square map", "It leads back to the old width, so it has fewer columns than rows."),
    )  # fmt: skip
    return NumberCase({"width": width, "features": features}, answer, wrong, 0.0)


def shape_of_sum(rng: np.random.Generator) -> ShapeCase:
    """The shape of a batch with a table of positions added."""
    batch, tokens, width = int(rng.choice([2, 4, 8])), int(rng.integers(5, 20)), int(rng.choice([32, 64, 96]))
    rows = tokens + int(rng.choice([4, 12, 30]))
    z, _ = add_positions_forward(np.zeros((batch, tokens, width)), np.zeros((rows, width)))
    wrong = (
        Wrong((batch, tokens, 2 * width), "joining for adding", "Adding keeps the width; writing it beside would double it."),
        Wrong((batch, tokens + rows, width), "positions as further tokens", "A position is added to a token and does not stand in the row as one."),
        Wrong((batch, rows, width), "the whole table for its first rows", "Only as many rows are used as there are tokens."),
    )  # fmt: skip
    return ShapeCase({"batch": batch, "tokens": tokens, "width": width, "rows": rows}, z.shape, wrong)


@told_apart
def score_of_sums(rng: np.random.Generator) -> NumberCase:
    """The dot product of two tokens with their positions added."""
    x, p = rng.integers(1, 6, size=(2, 2, 2)).astype(float)
    z, _ = add_positions_forward(x, p)
    parts = x @ x.T, p @ p.T
    wrong = (
        Wrong(float(parts[0][0, 1] + parts[1][0, 1]), "no mixed terms", "Each word meets the other's place as well: two more terms."),
        Wrong(float(parts[0][0, 1]), "words only", "The places were added before, and so they are in the product."),
        Wrong(float(z[0] @ z[0]), "a token with itself", "That is the product of the first sum with itself."),
    )  # fmt: skip
    values = {name: f"({', '.join(f'{a:g}' for a in vector)})" for name, vector in zip(("x1", "x2", "p1", "p2"), (*x, *p), strict=True)}  # fmt: skip
    return NumberCase(values, float(z[0] @ z[1]), wrong, 0.0)


def places_named(rng: np.random.Generator) -> NumberCase:
    """What can be right at best: the marked token, and one guess among the others that is right for one of them."""
    tokens = int(rng.choice([5, 8, 10, 16, 20, 25]))
    guess = np.eye(tokens)[1:, 1:].mean(axis=0).sum()  # any one answer for the others, averaged over where they stand
    wrong = (
        Wrong(100.0 / tokens, "the mark is not seen", "The marked token differs from the others, so its place is known."),
        Wrong(100.0, "attention knows the order by itself", "Without a mask and positions all random words look alike, wherever they stand."),
    )  # fmt: skip
    return NumberCase({"tokens": tokens}, float(100 * (1 + guess) / tokens), wrong, 0.02, "%")
