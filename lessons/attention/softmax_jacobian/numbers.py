"""Numbers for the quiz on the softmax Jacobian: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward, softmax_jacobian

#: Rows with two decimals that sum to 1, so that the reader can compute with what is shown; no 0.5, where y = 1 - y.
_ROWS = ((0.4, 0.35, 0.25), (0.6, 0.3, 0.1), (0.7, 0.2, 0.1), (0.55, 0.35, 0.1), (0.75, 0.15, 0.1))


def entry(rng: np.random.Generator) -> NumberCase:
    """One entry of the Jacobian, on or off the diagonal."""
    y = np.array(_ROWS[int(rng.integers(len(_ROWS)))])
    i = int(rng.integers(3))
    j = i if rng.random() < 0.4 else int((i + 1 + rng.integers(2)) % 3)
    answer = float(softmax_jacobian(y)[i, j])
    wrong: tuple[Wrong, ...]
    if i == j:
        wrong = (
            Wrong(float(y[i]), "diagonal without the outer product", "y_i alone forgets that the sum grows as well."),
            Wrong(float(-y[i] * y[i]), "off-diagonal rule on the diagonal", "Here delta is 1, so y_i is added."),
        )
    else:
        wrong = (
            Wrong(-answer, "sign of the Jacobian", "Raising one score takes weight from the others: it is negative."),
            Wrong(0.0, "softmax taken element by element", "All outputs share one sum, so other scores matter too."),
            Wrong(float(y[i] * (1 - y[j])), "diagonal rule off the diagonal", "delta_ij is 0 when i and j differ."),
        )
    return NumberCase(
        {"y1": f"{y[0]:g}", "y2": f"{y[1]:g}", "y3": f"{y[2]:g}", "i": i + 1, "j": j + 1}, answer, wrong, 0.01
    )


@told_apart
def backward(rng: np.random.Generator) -> NumberCase:
    """dx_1 for two outputs."""
    y1 = float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]))
    y = np.array([y1, 1 - y1])
    g1, g2 = (float(g) for g in rng.permutation([-2.0, -1.0, 1.0, 3.0])[:2])
    dy = np.array([g1, g2])
    answer = float(softmax_backward(dy, SoftmaxCache(y, -1))[0])
    inner = float(dy @ y)
    wrong = (
        Wrong(y1 * g1, "inner sum forgotten", "y_1 dy_1 leaves out what every output pulls through the shared sum."),
        Wrong(y1 * (1 - y1) * g1, "softmax taken element by element", "Only the diagonal of J was used."),
        Wrong(y1 * (g1 + inner), "sign of the inner sum", "The inner sum is subtracted."),
        Wrong(g1 - inner, "weight forgotten", "The difference must still be multiplied by y_1."),
    )
    values = {"y1": f"{y[0]:g}", "y2": f"{y[1]:.1f}", "g1": f"{g1:g}", "g2": f"{g2:g}", "inner": f"{inner:.3g}"}
    return NumberCase(values, answer, wrong, 0.01)


def curve(rng: np.random.Generator) -> NumberCase:
    """A point of the curve that is drawn in the lesson."""
    a = float(rng.choice([0.5, 1.0, 1.5, 2.0, 2.5, 3.0]))
    answer = float(softmax_forward(np.array([a, a, 2 * a]))[0][2])
    return NumberCase(
        {"a": f"{a:g}"},
        answer,
        (
            Wrong(1 / (1 + math.exp(-a)), "one competitor forgotten", "There are two entries a, so it is 2 exp(-a)."),
            Wrong(
                0.5, "weight proportional to score", "2a out of 4a would be one half; softmax compares exponentials."
            ),
        ),
        0.01,
    )
