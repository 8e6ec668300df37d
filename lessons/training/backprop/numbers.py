"""Numbers for the quiz on backpropagation: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.scale.published_sizes import count, gpt
from tfx.ops.basics.embedding import embedding_backward, embedding_forward, tied_logits_backward, tied_logits_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward


@told_apart
def logit_gradient(rng: np.random.Generator) -> NumberCase:
    """The gradient of one wrong token's logit, in a mean over n places."""
    n, scores = int(rng.choice([2, 4, 5])), np.round(rng.normal(0, 1.2, 3), 1)
    logits = np.tile(scores, (n, 1))
    _, cache = cross_entropy_forward(logits, np.zeros(n, int))
    answer = float(cross_entropy_backward(1.0, cache)[0, 1])
    p = answer * n
    wrong = (
        Wrong(p, "mean not divided", f"The loss is a mean over {n} places, so each gets 1 / {n} of it."),
        Wrong((p - 1) / n, "every token as the right one", "1 is taken from the right token alone."),
        Wrong(p * (1 - p) / n, "softmax derivative without the loss", "That is the slope of p itself; the loss takes its logarithm."),
    )  # fmt: skip
    a, b, c = (f"{s:g}" for s in scores)
    return NumberCase({"n": n, "a": a, "b": b, "c": c}, answer, wrong, 0.02)


@told_apart
def even_loss(rng: np.random.Generator) -> NumberCase:
    """Cross-entropy of a model that finds all tokens equally likely."""
    words = int(rng.choice([8, 20, 50, 100, 1000, 32000]))
    answer = float(cross_entropy_forward(np.zeros((1, words)), np.array([0]))[0])
    wrong = (
        Wrong(math.log2(words), "bits for nats", "A nat is 1.44 bits."),
        Wrong(1 / words, "chance for loss", "The loss is -log of the chance."),
        Wrong(float(words), "loss without logarithm", "That is exp of the loss, the perplexity."),
    )
    return NumberCase({"words": words}, answer, wrong, 0.02)


@told_apart
def weight_gradient(rng: np.random.Generator) -> ShapeCase:
    """The shape that a real backward gives the weights of a map."""
    b, t, c = int(rng.integers(2, 6)), int(rng.integers(3, 9)), int(rng.choice([12, 16, 24]))
    f = 4 * c
    y, cache = linear_forward(np.zeros((b, t, c)), np.zeros((c, f)))
    _, dw, *_ = linear_backward(np.zeros_like(y), cache)
    wrong = (
        Wrong((b, t, c, f), "a gradient per token", "All tokens share W, so what they give is added."),
        Wrong((b, t, f), "gradient of the output", "That is dy. A gradient has the shape of what it belongs to."),
        Wrong((f, c), "transposed", "dW has the shape of W."),
    )  # fmt: skip
    return ShapeCase({"b": b, "t": t, "c": c, "f": f}, tuple(int(n) for n in dw.shape), wrong)


@told_apart
def shared_row(rng: np.random.Generator) -> NumberCase:
    """One number of the gradient of a tied table, of a token that was read twice."""
    first, second, x, g = (round(float(v), 1) for v in rng.normal(0, 1, 4))
    _, look_up = embedding_forward(np.array([0, 1, 0]), np.zeros((2, 1)))
    read = embedding_backward(np.array([[first], [0.0], [second]]), look_up)
    _, tied = tied_logits_forward(np.array([[x]]), np.zeros((2, 1)))
    _, asked = tied_logits_backward(np.array([[g, 0.0]]), tied)
    answer = float((read + asked)[0, 0])
    wrong = (
        Wrong(g * x, "look-up forgotten", "The row was also read, twice, and each reading gives it a gradient."),
        Wrong(first + second, "output forgotten", "The row also gave a logit: its gradient times x."),
        Wrong((first + second + g * x) / 2, "mean of the two uses", "Uses of one matrix are added."),
        Wrong(second + g * x, "last reading wins", "Both readings are added."),
    )  # fmt: skip
    return NumberCase(
        {"first": f"{first:g}", "second": f"{second:g}", "x": f"{x:g}", "g": f"{g:g}"}, answer, wrong, 0.01
    )


@told_apart
def spared(rng: np.random.Generator) -> NumberCase:
    """Numbers that tying spares a GPT."""
    layers, width = int(rng.choice([4, 6, 12])), int(rng.choice([128, 256, 512]))
    words = int(rng.choice([5000, 8000, 32000]))
    sizes = gpt(layers, width, 4, 512)._replace(vocab=words)
    answer = float(count(sizes._replace(tied=False)).total - count(sizes).total)
    wrong = (
        Wrong(2 * answer, "both tables spared", "One of the two is still needed."),
        Wrong(float(layers * words * width), "a table per block", "Tables stand at the ends alone."),
        Wrong(float(width * width), "square of the width", "The table has a row for each token."),
        Wrong(float(words), "rows for numbers", f"Each row has {width} numbers."),
    )
    return NumberCase({"layers": layers, "width": width, "words": words}, answer, wrong, 0.0)
