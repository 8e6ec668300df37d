"""Numbers for the quiz on a layer: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.feed_forward import feed_forward_forward


@told_apart
def one_unit(rng: np.random.Generator) -> NumberCase:
    """One hidden number of a real layer with ReLU."""
    x, w = rng.integers(-3, 4, size=3).astype(float), rng.integers(-3, 4, size=(3, 1)).astype(float)
    b = float(rng.integers(-2, 3))
    z = float(linear_forward(x[None], w, np.array([b]))[0][0, 0])
    if rng.random() < 0.7 and z < 0:
        w, b, z = -w, -b, -z
    wrong = (
        Wrong(max(z - b, 0.0) if b else z + 1, "shift forgotten", "The offset b is added before the bend."),
        Wrong(abs(z) if z < 0 else z + float(np.abs(x).sum()) + 5, "absolute value for relu", "ReLU gives 0 below 0; it does not turn the sign."),
        Wrong(z if z < 0 else -z - 7, "bend forgotten", "ReLU comes last: what is below 0 becomes 0."),
    )  # fmt: skip
    shown = {name: ", ".join(f"{value:g}" for value in values) for name, values in (("x", x), ("w", w[:, 0]))}
    return NumberCase(shown | {"b": f"{b:g}"}, max(z, 0.0), wrong, 0.0)


@told_apart
def parameters(rng: np.random.Generator) -> NumberCase:
    """Counted on a real layer."""
    wide, out, tokens = int(rng.integers(3, 40)), int(rng.integers(3, 40)), int(rng.integers(5, 30))
    size = Linear(wide, out, rng).n_parameters
    wrong = (
        Wrong(float(wide * out), "shift forgotten", "The offset b has one number for each output."),
        Wrong(float(wide * out + wide), "offset as wide as the input", "b is added to the output, so it is as wide as that."),
        Wrong(float(tokens * (wide * out + out)), "weights for each token", "All tokens share one W and one b."),
    )  # fmt: skip
    return NumberCase({"wide": wide, "out": out, "tokens": tokens}, float(size), wrong, 0.0)


@told_apart
def shape_of_hidden(rng: np.random.Generator) -> ShapeCase:
    """Of the hidden array of a real feed-forward network."""
    batch, tokens, width, hidden = (int(n) for n in rng.choice(np.arange(2, 40), size=4, replace=False))
    x = np.zeros((batch, tokens, width))
    _, cache = feed_forward_forward(x, np.zeros((width, hidden)), None, np.zeros((hidden, width)), None, "relu")
    wrong = (
        Wrong((batch, tokens, width), "output for hidden", "That is what comes out of the second layer again."),
        Wrong((batch, hidden), "tokens mixed", "Every token has hidden units of its own; the layer does not mix tokens."),
        Wrong((width, hidden), "weights for units", "That is the shape of W."),
    )  # fmt: skip
    return ShapeCase({"batch": batch, "tokens": tokens, "width": width, "hidden": hidden}, cache.hidden.shape, wrong)


@told_apart
def folded(rng: np.random.Generator) -> NumberCase:
    """The factor of the one layer that two affine ones amount to, on numbers."""
    w1, w2, b1, b2 = (float(n) for n in rng.choice([-4, -3, -2, 2, 3, 4, 5, 6], size=4, replace=False))
    x = float(rng.integers(2, 7))
    first, _ = linear_forward(np.array([[x]]), np.array([[w1]]), np.array([b1]))
    answer = float(linear_forward(first, np.array([[w2]]), np.array([b2]))[0][0, 0])
    wrong = (
        Wrong(w1 * w2 * x + b1 + b2, "offsets added", "The first offset goes through the second layer: b_1 w_2 + b_2."),
        Wrong((w1 + w2) * x + b1 + b2, "layers added", "The layers stand behind each other: the factors multiply."),
        Wrong(w1 * w2 * x, "offsets forgotten", "Both offsets leave something behind."),
    )  # fmt: skip
    values = {name: f"{v:g}" for name, v in (("w1", w1), ("w2", w2), ("b1", b1), ("b2", b2), ("x", x))}
    return NumberCase(values, answer, wrong, 0.0)
