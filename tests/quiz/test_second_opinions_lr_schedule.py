"""lr-schedule: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_largest_rate():
    for (*_, c, warmup), asked in questions("lr-schedule/largest-rate"):
        agrees(asked, max(c**-0.5 * min(t**-0.5, t * warmup**-1.5) for t in range(int(warmup) - 2, int(warmup) + 3)))


def test_two_steps():
    for (warmup, late, early), asked in questions("lr-schedule/two-steps"):
        agrees(asked, (early / warmup) * math.sqrt(late / warmup))


def test_cosine():
    for (*_, floor, last, step), asked in questions("lr-schedule/cosine"):
        angle = math.pi * (step - 1000) / (last - 1000)
        agrees(asked, floor + (1 - floor) * math.cos(angle / 2) ** 2)


def test_at_rest():
    for (rate, *_), asked in questions("lr-schedule/at-rest"):
        agrees(asked, sum(rate**2 * (1 - rate) ** (2 * k) for k in range(3000)))
