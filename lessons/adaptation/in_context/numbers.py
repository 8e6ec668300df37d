"""Numbers for the quiz on in-context learning: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.beyond_text.in_context_regression import Tasks, by_descent, left_by_one_step, through_attention


def _pairs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    x = rng.choice([-3.0, -2, -1, 1, 2, 3], size=3, replace=False)
    y = rng.choice([-6.0, -4, -2, 2, 4, 6], size=3, replace=False)
    y[1] += float(x[0] * y[0] + x[1] * y[1] == 0)  # an answer of 0 tells no mistake apart
    return x, y, float(rng.choice([0.1, 0.2, 0.5]))


def _values(x: np.ndarray, y: np.ndarray, rate: float) -> dict[str, object]:
    return {"a": f"{x[0]:g}", "b": f"{y[0]:g}", "c": f"{x[1]:g}", "d": f"{y[1]:g}", "q": f"{x[2]:g}", "rate": f"{rate:g}"}  # fmt: skip


@told_apart
def one_step(rng: np.random.Generator) -> NumberCase:
    """By the library's gradient descent."""
    x, y, rate = _pairs(rng)
    answer = float(by_descent(Tasks(x[None, :, None], y[None, :, None]), 1, rate)[0])
    best = float((x[:2] * y[:2]).sum() / (x[:2] ** 2).sum()) * x[2]
    wrong = (
        Wrong(2 * answer, "sum for mean", "The gradient is that of a mean over the two examples."),
        Wrong(answer / rate, "rate forgotten", "The step is the rate times the gradient."),
        Wrong(answer / x[2], "slope for answer", "The slope still has to be multiplied by the query."),
        Wrong(best, "solution for one step", "One step from zero does not reach the best slope."),
    )
    return NumberCase(_values(x, y, rate), answer, wrong)


@told_apart
def by_attention(rng: np.random.Generator) -> NumberCase:
    """By the library's linear attention."""
    x, y, rate = _pairs(rng)
    answer = float(through_attention(Tasks(x[None, :, None], y[None, :, None]), 1, rate)[0])
    scores = np.exp(x[:2] * x[2])
    wrong = (
        Wrong(float((scores * y[:2]).sum() / scores.sum()), "softmax for linear attention", "Nothing is exponentiated here."),
        Wrong(2 * answer, "values without the mean", "The values are rate / 2 * y."),
        Wrong(float((x[:2] * x[2]).sum() * rate / 2), "keys for values", "What is summed are the y, weighted by the products."),
        Wrong(answer / rate, "rate forgotten", "The values hold the rate."),
    )  # fmt: skip
    return NumberCase(_values(x, y, rate), answer, wrong)


@told_apart
def left_over(rng: np.random.Generator) -> NumberCase:
    width, examples = int(rng.integers(2, 8)), int(rng.choice([10, 20, 40]))
    rate = float(rng.choice([0.2, 0.4, 0.5, 0.8]))
    wrong = (
        Wrong(100 * (1 - rate) ** 2, "infinitely many examples", "The examples are few, and their squares scatter."),
        Wrong(100 * (1 - rate), "rate for share", "The error is squared."),
        Wrong(100 * (1 - 2 * rate + rate**2 * (width + 1) / examples), "one forgotten", "The square of the mean square counts as well."),
    )  # fmt: skip
    answer = 100 * left_by_one_step(width, examples, rate)
    return NumberCase({"width": width, "examples": examples, "rate": f"{rate:g}"}, answer, wrong)


@told_apart
def unknown_part(rng: np.random.Generator) -> NumberCase:
    """Percent of a rule that too few examples leave open, by the rank of real inputs."""
    width = int(rng.choice([5, 8, 10, 16, 20]))
    examples = int(rng.integers(1, width - 1))
    rank = int(np.linalg.matrix_rank(rng.standard_normal((examples, width))))
    wrong = (
        Wrong(100.0 * examples / width, "known for unknown", "That share is fixed by the examples."),
        Wrong(0.0, "one example is enough", "Each example is one equation for several unknowns."),
        Wrong(100.0 / (examples + 1), "error over examples", "What counts is how many directions are fixed."),
    )
    return NumberCase({"width": width, "examples": examples}, 100.0 * (width - rank) / width, wrong)
