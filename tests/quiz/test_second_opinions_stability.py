"""training-stability: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import re

from tests.quiz.second_opinions import agrees, questions


def test_clipped_entry():
    for (*g, limit, at), asked in questions("training-stability/clipped-entry"):
        norm = math.sqrt(sum(x * x for x in g))
        assert norm > limit
        agrees(asked, g[int(at) - 1] / norm * limit)


def test_by_value():
    for (n, limit, again), asked in questions("training-stability/by-value"):
        assert limit == again
        agrees(asked, math.sqrt(sum(limit**2 for _ in range(int(n)))))


def test_adams_memory():
    for (b2, later), asked in questions("training-stability/adams-memory"):
        share = 1.0
        for _ in range(int(later)):
            share *= b2
        agrees(asked, share)


def test_warm_rate():
    for _, asked in questions("training-stability/warm-rate"):
        shown = re.search(r"from 0 to (\S+) in (\d+) steps. What is it at step (\d+)", asked.prompt)
        assert shown
        peak, warm, step = map(float, shown.groups())
        agrees(asked, step * (peak / warm))


def test_grown_scores():
    for (a, b), asked in questions("training-stability/grown-scores"):
        agrees(asked, a * b)
