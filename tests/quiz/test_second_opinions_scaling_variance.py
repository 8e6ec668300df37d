"""scaling-variance: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
from itertools import product

from tests.quiz.second_opinions import agrees, questions


def test_std_of_score():
    for (d, mean, variance), asked in questions("scaling-variance/std-of-score"):
        assert (mean, variance) == (0, 1)
        agrees(asked, math.sqrt(d))


def test_scale_factor():
    for (d_model, heads), asked in questions("scaling-variance/scale-factor"):
        agrees(asked, (heads / d_model) ** 0.5)


def test_weight_of_two():
    for (d, first, second), asked in questions("scaling-variance/weight-of-two"):
        agrees(asked, 1 / (1 + math.exp((second - first) / math.sqrt(d))))


def test_shape_after_scaling():
    for (batch, heads, queries, _, *_, keys, _), asked in questions("scaling-variance/shape-after-scaling"):
        agrees(asked, (batch, heads, queries, keys))


def test_variance_with_mean():
    """Of coordinates that are not even symmetric: mean + 2 once in five times, else mean - 1/2."""
    for (d, variance, mean), asked in questions("scaling-variance/variance-with-mean"):
        assert variance == 1
        pairs = [(x * y, p * r) for (x, p), (y, r) in product(((mean + 2, 0.2), (mean - 0.5, 0.8)), repeat=2)]
        centre = sum(value * chance for value, chance in pairs)
        agrees(asked, d * sum((value - centre) ** 2 * chance for value, chance in pairs))
