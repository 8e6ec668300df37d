"""Numbers for the quiz on learned positions: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.positions import Positions
from tfx.ops.positions.positions import add_positions_backward, add_positions_forward


def parameters(rng: np.random.Generator) -> NumberCase:
    """What a real layer owns."""
    rows, width = int(rng.choice([256, 512, 1024, 2048])), int(rng.choice([64, 128, 320, 768]))
    tokens = int(rng.choice([20, 50, 100]))
    layer = Positions("learned", rows, width, rng, "float32")
    answer = float(sum(p.value.size for p in layer.parameters().values()))
    wrong = (
        Wrong(float(tokens * width), "a row for each token read", "The table has a row for each place that may occur, not for those of one text."),
        Wrong(float(rows), "one number for a place", "A place has a whole vector, as wide as a token."),
        Wrong(float(rows * rows), "a number for each pair of places", "The table knows places, not pairs of them."),
    )  # fmt: skip
    return NumberCase({"rows": rows, "width": width, "tokens": tokens}, answer, wrong, 0.0)


@told_apart
def gradient(rng: np.random.Generator) -> NumberCase:
    """The gradient of one number of a row, from three texts."""
    dy = rng.integers(-9, 10, size=3).astype(float)
    _, cache = add_positions_forward(np.zeros((3, 2, 1)), np.zeros((4, 1)))
    answer = float(add_positions_backward(np.stack([dy, 0 * dy], axis=1)[..., None], cache)[1][0, 0])
    wrong = (
        Wrong(float(dy.mean()), "a mean for a sum", "Nothing divides here: a row that is used three times collects three gradients."),
        Wrong(float(dy[-1]), "the last text overwrites", "Gradients of several uses add up; none replaces another."),
        Wrong(float(np.abs(dy).sum()), "sizes add up", "They add up with their signs."),
    )  # fmt: skip
    return NumberCase({f"d{i}": f"{x:g}" for i, x in enumerate(dy, start=1)}, answer, wrong, 0.0)


@told_apart
def trained_rows(rng: np.random.Generator) -> NumberCase:
    """How many rows of a table get a gradient from a batch."""
    rows = int(rng.choice([16, 32, 64]))
    lengths = sorted(int(n) for n in rng.choice(np.arange(3, 15), size=3, replace=False))
    _, cache = add_positions_forward(np.zeros((3, max(lengths), 1)), np.zeros((rows, 1)))
    dy = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(float)
    answer = float((add_positions_backward(dy[..., None], cache)[1] != 0).sum())
    wrong = (
        Wrong(float(rows), "every row is trained", "A row that no text reaches has gradient 0."),
        Wrong(float(sum(lengths)), "a row for every token", "The texts share rows: all of them use the first."),
        Wrong(float(lengths[0]), "rows that all texts reach", "One text is enough to train a row."),
    )  # fmt: skip
    rng.shuffle(lengths)
    return NumberCase({"rows": rows, "a": lengths[0], "b": lengths[1], "c": lengths[2]}, answer, wrong, 0.0)


def gradient_shape(rng: np.random.Generator) -> ShapeCase:
    """The shape of the gradient of a table."""
    batch, tokens, width = int(rng.choice([2, 4, 8])), int(rng.integers(5, 20)), int(rng.choice([16, 32, 64]))
    rows = tokens + int(rng.choice([3, 12, 44]))
    _, cache = add_positions_forward(np.zeros((batch, tokens, width)), np.zeros((rows, width)))
    wrong = (
        Wrong((tokens, width), "used rows only", "A gradient has the shape of what it belongs to; unused rows hold zeros."),
        Wrong((batch, rows, width), "a gradient for every text", "The texts share the table, so their gradients are added up."),
        Wrong((batch, tokens, width), "the gradient of the sum", "That is what comes from above, and what the tokens get."),
    )  # fmt: skip
    grad = add_positions_backward(np.zeros((batch, tokens, width)), cache)[1]
    return ShapeCase({"batch": batch, "tokens": tokens, "width": width, "rows": rows}, grad.shape, wrong)
