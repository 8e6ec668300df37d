"""Numbers for the quiz on stability: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.optim import clip_by_norm, clip_by_value, global_norm
from tfx.schedule import warmup_linear

TRIPLES = ((3, 4, 0), (6, 8, 0), (2, 3, 6), (1, 4, 8), (2, 6, 9), (4, 4, 7))


@told_apart
def clipped_entry(rng: np.random.Generator) -> NumberCase:
    """An entry of a gradient that was clipped by norm."""
    g = np.array(TRIPLES[rng.integers(len(TRIPLES))], float)
    limit = float(rng.choice([0.5, 1.0, 2.0]))
    at = int(np.argmax(g))
    cut, each = g.copy(), g.copy()
    norm = clip_by_norm(cut, limit)
    clip_by_value(each, limit)
    wrong = (
        Wrong(float(each[at]), "value for norm", "That is clipping by value, which cuts each entry alone."),
        Wrong(float(g[at] * limit / g.sum()), "sum for norm", "The norm is the root of the sum of squares."),
        Wrong(float(g[at] * limit / norm**2), "squared norm", "The factor is limit / norm, with the root taken."),
    )
    values = {"g": ", ".join(f"{x:g}" for x in g), "limit": f"{limit:g}", "at": at + 1, "norm": f"{norm:g}"}
    return NumberCase(values, float(cut[at]), wrong, 0.01)


@told_apart
def norm_by_value(rng: np.random.Generator) -> NumberCase:
    """The norm of a gradient whose entries are all cut."""
    n, limit = int(rng.choice([4, 9, 16, 25, 100, 400])), float(rng.choice([0.5, 1.0, 2.0]))
    g = rng.uniform(3, 9, n)
    clip_by_value(g, limit)
    wrong = (
        Wrong(limit, "norm for value", "The limit holds for each entry; their norm is longer."),
        Wrong(limit * n, "entries added", "A norm adds squares and takes the root."),
        Wrong(limit * limit * n, "root not taken", "That is the squared norm."),
    )
    return NumberCase({"n": n, "limit": f"{limit:g}"}, float(global_norm(g)), wrong, 0.01)


@told_apart
def adams_memory(rng: np.random.Generator) -> NumberCase:
    """The share of a squared gradient that is left in Adam's average."""
    b2, later = float(rng.choice([0.9, 0.95, 0.98, 0.99])), int(rng.choice([10, 20, 30, 50]))
    answer = b2**later
    wrong = (
        Wrong(1 - (1 - b2) * later, "forgetting in a straight line", "It is multiplied by b2 in each step."),
        Wrong(1 / later, "mean of all steps", "The average forgets: old steps count less, by a factor of b2 each."),
        Wrong(b2, "one step", "That is what is left after a single step."),
    )
    return NumberCase({"b2": b2, "later": later}, answer, wrong, 0.02)


@told_apart
def warm_rate(rng: np.random.Generator) -> NumberCase:
    """The rate of a step of a linear warm-up."""
    warm = int(rng.choice([200, 400, 500, 1000, 2000, 4000]))
    step, peak = int(warm * rng.choice([0.05, 0.1, 0.2, 0.25])), float(rng.choice([1e-4, 2e-4, 5e-4, 1e-3]))
    answer = warmup_linear(step, peak, warm, 10 * warm, floor=peak)
    wrong = (
        Wrong(peak, "peak from the start", "The full rate is reached when the warm-up ends."),
        Wrong(peak / math.sqrt(warm / step), "root for line", "A linear warm-up grows like step / warm-up."),
        Wrong(peak * (1 - step / warm), "falling for rising", "The rate rises during the warm-up."),
    )
    return NumberCase({"warm": warm, "step": step, "peak": f"{peak:g}"}, float(answer), wrong, 0.01)


@told_apart
def grown_scores(rng: np.random.Generator) -> NumberCase:
    """How many times the scores, when both maps grow."""
    a, b = (int(n) for n in rng.choice([2, 3, 4, 5, 6], size=2))
    wrong = (
        Wrong(float(a + b), "factors added", "A score is a product, and so are the factors."),
        Wrong(float(max(a, b)), "larger factor alone", "Both queries and keys are in the product."),
    )
    return NumberCase({"a": a, "b": b}, float(a * b), wrong, 0.0)
