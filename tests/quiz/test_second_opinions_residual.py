"""residual: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import combinations

import pytest

from tests.quiz.second_opinions import agrees, questions


def test_three_sums():
    """All ways back, written out: every choice of branches that the gradient passes."""
    for (*slopes, start), asked in questions("residual/three-sums"):
        assert start == 1
        chosen = [c for n in range(4) for c in combinations([Fraction(str(s)) for s in slopes], n)]
        agrees(asked, float(sum(math.prod(c) for c in chosen)))


def test_many_sums():
    for (depth, slope, left), asked in questions("residual/many-sums"):
        for _ in range(int(depth)):
            left += left * slope
        agrees(asked, left)


def test_added_and_normed():
    for _, asked in questions("residual/added-and-normed"):
        x, f = ([int(n) for n in found.split(",")] for found in re.findall(r"\(([-\d, ]+)\)", asked.prompt))
        total = [a + b for a, b in zip(x, f, strict=True)]
        mean = sum(total) / 3
        deviation = math.sqrt(sum((n - mean) ** 2 for n in total) / 3)
        agrees(asked, (total[0] - mean) / deviation)


def test_size_of_stream():
    """Sines of whole frequencies over a period: uncorrelated, of mean square 1 each."""
    for (square, branches, each), asked in questions("residual/size-of-stream", 20):
        assert square == each == 1
        n = 4 * int(branches)
        parts = range(1, int(branches) + 2)
        waves = [[math.sqrt(2) * math.sin(2 * math.pi * k * t / n) for t in range(n)] for k in parts]
        total = [sum(column) for column in zip(*waves, strict=True)]
        assert asked.case.answer == pytest.approx(math.sqrt(sum(y * y for y in total) / n), rel=1e-9)
