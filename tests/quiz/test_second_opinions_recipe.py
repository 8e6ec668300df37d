"""training-recipe: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_focal_discount():
    for (p, gamma, again), asked in questions("training-recipe/focal-discount"):
        assert p == again
        agrees(asked, math.prod([1 - p] * int(gamma)))


def test_pull():
    for (p, gamma, again), asked in questions("training-recipe/pull"):
        assert gamma == 0 and p == again
        agrees(asked, p - 1)


def test_peak():
    for (*_, width, warm), asked in questions("training-recipe/peak"):
        rates = (min(step**-0.5, step / warm**1.5) / width**0.5 for step in range(1, int(2 * warm), 100))
        assert max(rates) <= 1 / math.sqrt(width * warm) + 1e-12
        agrees(asked, 1000 / math.sqrt(width * warm))


def test_memory():
    for (billions, half, whole, _, _), asked in questions("training-recipe/memory"):
        agrees(asked, billions * (2 * half + 3 * whole))


def test_cosine():
    for (warm, top, floor, total, step), asked in questions("training-recipe/cosine"):
        progress = (step - warm) / (total - warm)
        agrees(asked, floor + (top - floor) * math.cos(math.pi * progress / 2) ** 2)
