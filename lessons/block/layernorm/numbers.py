"""Numbers for the quiz on LayerNorm: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_forward


@told_apart
def first_output(rng: np.random.Generator) -> NumberCase:
    """The first number of a small token, with the plain norm."""
    x = rng.choice(np.arange(-3.0, 9.0), 4, replace=False)[None]
    answer = float(layer_norm_forward(x, eps=0.0)[0][0, 0])
    centred = float((x - x.mean())[0, 0])
    wrong = (
        Wrong(centred, "centred only", "That is the distance from the mean; the deviation still divides it."),
        Wrong(
            centred / float(x.var()), "variance for deviation", "The root of the variance divides, not the variance."
        ),
        Wrong(
            float(rms_norm_forward(x, eps=0.0)[0][0, 0]),
            "rms norm for layer norm",
            "LayerNorm takes the mean away first.",
        ),
        Wrong(answer * math.sqrt(3 / 4), "n - 1 for n", "The squares are averaged over all four numbers."),
    )
    return NumberCase({"x": ", ".join(f"{n:g}" for n in x[0])}, answer, wrong)


@told_apart
def with_gain(rng: np.random.Generator) -> NumberCase:
    """A token of two numbers becomes (1, -1) or (-1, 1); what is left are gain and offset."""
    a, b = (float(n) for n in rng.choice(np.arange(1.0, 10.0), 2, replace=False))
    g1, g2, o1, o2 = (float(n) for n in rng.choice([0.5, 1.5, 2.0, 2.5, 3.0, 4.0], 4, replace=False))
    y = layer_norm_forward(np.array([[a, b]]), np.array([g1, g2]), np.array([o1, o2]), eps=0.0)[0][0]
    sign = 1.0 if a > b else -1.0
    wrong = (
        Wrong(sign, "gain and offset forgotten", "That is the number before gain and offset."),
        Wrong(sign * (g1 + o1), "offset inside the gain", "The gain multiplies, then the offset is added."),
        Wrong(float(y[1]), "gain of another feature", "Every number has a gain and an offset of its own."),
        Wrong(g1 * a + o1, "norm forgotten", "The token is centred and scaled before."),
    )
    values = {
        name: f"{n:g}" for name, n in zip(("a", "b", "g1", "g2", "o1", "o2"), (a, b, g1, g2, o1, o2), strict=True)
    }
    return NumberCase(values, float(y[0]), wrong)


def shape_of_means(rng: np.random.Generator) -> ShapeCase:
    """Taken from the mean that the library stores."""
    batch, tokens, width = (int(n) for n in rng.choice([2, 3, 4, 5, 6, 7, 8, 12, 16], 3, replace=False))
    x = np.zeros((batch, tokens, width))
    mean = layer_norm_forward(x)[1].mean
    return ShapeCase(
        {"batch": batch, "tokens": tokens, "width": width},
        tuple(mean.shape[:-1]),
        (
            Wrong((batch,), "per sentence for per token", "A mean over a sentence would mix its tokens."),
            Wrong((width,), "batch norm for layer norm", "That is a mean for each feature, over the batch."),
            Wrong((batch, width), "mean over the tokens", "That is a mean over the length of each sentence."),
        ),
    )


@told_apart
def small_token(rng: np.random.Generator) -> NumberCase:
    """Where the deviation is no longer large beside the root of eps."""
    thousandths = int(rng.choice([1, 2, 3, 4, 5]))
    deviation = thousandths / 1000
    x = np.array([[deviation, -deviation]])
    answer = float(layer_norm_forward(x, eps=1e-5)[0].std())
    wrong = (
        Wrong(deviation / (deviation + 1e-5), "eps outside the root", "eps is added to the variance, under the root."),
        Wrong(deviation, "norm forgotten", "The token is divided by its deviation, with eps."),
        Wrong(deviation**2 / (deviation**2 + 1e-5), "variance for deviation", "The root of variance plus eps divides."),
    )
    return NumberCase({"deviation": f"{deviation:g}", "eps": "0.00001"}, answer, wrong, 0.01)
